//! What can go wrong between the client and the service, and what it means.
//!
//! Policy decides on [`ErrorKind`] alone; the text is for people and says what failed, what the service said
//! about it, how often it was tried and what to do next. An error never holds a secret: no token, no client
//! secret, and of a URL only its origin and path, because the query of a link is a credential.

use std::{fmt, sync::Arc, time::Duration};

use super::cause::{Cause, ErrorKind};

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}{}{}", Call(.0.call.as_ref()), .0.cause, After(.0))]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    call: Option<String>,
    cause: Cause,
    tries: u32,
}

impl Error {
    /// A call that failed for good after this many tries.
    pub(super) fn new(call: String, cause: Cause, tries: u32) -> Self {
        Self(Arc::new(Inner { call: Some(call), cause, tries }))
    }

    /// Something that failed before anything was sent.
    pub(super) fn configuration(cause: Cause) -> Self {
        Self(Arc::new(Inner { call: None, cause, tries: 0 }))
    }

    /// Why it failed.
    pub(super) fn into_cause(self) -> Cause {
        self.0.cause.clone()
    }

    /// Whether no service that works has answered.
    pub(super) fn is_silence(&self) -> bool {
        self.0.cause.is_silence()
    }

    /// How long whoever refused asks to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.0.cause.retry_after()
    }

    /// What the error means.
    pub fn kind(&self) -> ErrorKind {
        self.0.cause.kind()
    }

    /// The id under which the service knows the failure; its support asks for it.
    pub fn trace_id(&self) -> Option<&str> {
        match &self.0.cause {
            Cause::Answer { problem, .. } | Cause::TokenAnswer { problem, .. } | Cause::Refused { problem, .. } => {
                problem.trace_id()
            }
            _ => None,
        }
    }

    /// The host that is down, if that is why.
    pub fn host_down(&self) -> Option<&str> {
        match &self.0.cause {
            Cause::HostDown(host) => Some(host),
            _ => None,
        }
    }

    /// Whether it is a 401 although the API client is let in: about what was asked for.
    pub fn is_unauthorized(&self) -> bool {
        self.0.cause.is_unauthorized()
    }

    /// The status of the answer, if one came.
    pub fn status(&self) -> Option<u16> {
        self.0.cause.status()
    }

    /// How often it was tried.
    pub fn tries(&self) -> u32 {
        self.0.tries
    }
}

struct Call<'a>(Option<&'a String>);

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |call| write!(f, "{call}: "))
    }
}

/// What follows the cause: the tries and the advice.
struct After<'a>(&'a Inner);

impl fmt::Display for After<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.tries {
            0 => {}
            1 => f.write_str(" (1 try)")?,
            tries => write!(f, " ({tries} tries)")?,
        }
        match advice(&self.0.cause, self.0.call.as_deref().unwrap_or_default()) {
            "" => Ok(()),
            advice => write!(f, "; {advice}"),
        }
    }
}

fn advice(cause: &Cause, call: &str) -> &'static str {
    match cause.kind() {
        // The token is good, and not for this organisation.
        ErrorKind::Credentials if matches!(cause, Cause::Fruitless(_)) => {
            "compare `organisation` with what iBinder shows beside the API client, or ask the owner of the organisation"
        }
        ErrorKind::Credentials => "check `client_id` and the client's secret with the owner of the organisation",
        // The list of binders is of the organisation that is named, and everybody's who belongs to it.
        ErrorKind::Forbidden if call.ends_with("/binders") => {
            "compare `organisation` with what iBinder shows beside the API client"
        }
        ErrorKind::Forbidden => "ask the owner of the organisation whether the API client may read it",
        ErrorKind::NotFound { problem_json: true } => "it does not exist, or the API client can't see it",
        ErrorKind::NotFound { problem_json: false } => {
            "the answer is not the service's own: check IBINDER_API_URL and any proxy in between"
        }
        ErrorKind::MethodNotAllowed => "the service does not offer this call",
        ErrorKind::Throttled => "the next run tries again; a lower --rate asks less of the service",
        ErrorKind::Unavailable | ErrorKind::HostDown | ErrorKind::NotTheRest | ErrorKind::Contradicted => {
            "the next run tries again"
        }
        ErrorKind::Rejected if cause.is_unauthorized() => {
            "the API client is let in, and not to this; if it stays, give the trace id to the support of iBinder"
        }
        ErrorKind::Rejected => "if it stays, give the text and the trace id to the support of iBinder",
        ErrorKind::GivenUp => "the next run goes on (--give-up sets how long a service that is down is waited for)",
        ErrorKind::LinkExpired => "a new download link is needed",
        ErrorKind::Configuration => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::problem::Problem;

    fn answer(status: u16, body: &str) -> Error {
        let problem = Problem::read(status, Some("application/json"), body.as_bytes(), &[]);
        Error::new("GET /api/binders".into(), Cause::Answer { status, problem, retry_after: None }, 2)
    }

    #[test]
    fn the_text_says_what_failed_and_what_to_do() {
        let error = answer(400, r#"{"title":"Bad","status":400,"errors":{"pageSize":["too large"]},"traceId":"00-1"}"#);
        assert_eq!(
            error.to_string(),
            "GET /api/binders: the service answered 400 \"Bad\" (pageSize: too large), trace id 00-1 (2 tries); \
             if it stays, give the text and the trace id to the support of iBinder"
        );
        assert_eq!(error.trace_id(), Some("00-1"));
        let told = |call: &str, status| {
            let cause = Cause::Answer { status, problem: Problem::default(), retry_after: None };
            Error::new(call.into(), cause, 1).to_string()
        };
        let organisation = "compare `organisation` with what iBinder shows beside the API client";
        assert!(told("GET /api/binders", 403).ends_with(organisation));
        assert!(told("GET /api/binders/k3J9x_a2Q/folders", 403).ends_with("whether the API client may read it"));
        assert!(Error::new("GET /api/binders".into(), Cause::Fruitless(3), 3).to_string().contains(organisation));
        assert_eq!(error.tries(), 2);
    }
}
