//! Errors of calls to the service.
//!
//! Callers decide by [`ErrorKind`] alone; the text is for people: what failed, what the service said, how many
//! tries, and what to do. An error never contains a secret: no token, no client secret, and only origin and path
//! of a URL, since a link's query is a credential.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use super::{
    cause::{Cause, ErrorKind},
    origins::Origins,
};

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}{}{}", Call(.0.call.as_ref()), .0.cause, After(.0))]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    call: Option<String>,
    cause: Cause,
    tries: u32,
    origins: Option<Arc<Origins>>,
}

impl Error {
    pub(super) fn new(call: String, cause: Cause, tries: u32) -> Self {
        Self(Arc::new(Inner { call: Some(call), cause, tries, origins: None }))
    }

    /// The same for a call that the credentials or an address may have made fail.
    pub(super) fn of(origins: &Arc<Origins>, call: String, cause: Cause, tries: u32) -> Self {
        Self(Arc::new(Inner { call: Some(call), cause, tries, origins: Some(Arc::clone(origins)) }))
    }

    /// A failure before anything was sent.
    pub(super) fn configuration(cause: Cause) -> Self {
        Self(Arc::new(Inner { call: None, cause, tries: 0, origins: None }))
    }

    pub(super) fn into_cause(self) -> Cause {
        self.0.cause.clone()
    }

    /// Whether no working service answered.
    pub(super) fn is_outage(&self) -> bool {
        self.0.cause.is_outage()
    }

    /// `Retry-After`.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.0.cause.retry_after()
    }

    /// What the error means.
    pub fn kind(&self) -> ErrorKind {
        self.0.cause.kind()
    }

    /// The service's trace id of the failure, for its support.
    pub fn trace_id(&self) -> Option<&str> {
        match &self.0.cause {
            Cause::Answer { problem, .. } | Cause::TokenAnswer { problem, .. } | Cause::Refused { problem, .. } => {
                problem.trace_id()
            }
            _ => None,
        }
    }

    /// The storage host that is down, if that is the cause.
    pub fn host_down(&self) -> Option<&str> {
        match &self.0.cause {
            Cause::HostDown(host) => Some(host),
            _ => None,
        }
    }

    /// Whether it is a 401 about the resource, with credentials that are good.
    pub fn is_unauthorized(&self) -> bool {
        self.0.cause.is_unauthorized()
    }

    /// The status of the response, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.cause.status()
    }

    /// How many times it was tried.
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

/// The tries and the advice, after the cause.
struct After<'a>(&'a Inner);

impl fmt::Display for After<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.tries {
            0 => {}
            1 => f.write_str(" (1 try)")?,
            tries => write!(f, " ({tries} tries)")?,
        }
        let advice = match &self.0.origins {
            Some(origins) => advice(self.0, origins),
            None => advice(self.0, &Origins::default()),
        };
        if advice.is_empty() { Ok(()) } else { write!(f, "; {advice}") }
    }
}

fn advice(error: &Inner, origins: &Origins) -> Cow<'static, str> {
    let Inner { cause, call, .. } = error;
    let call = call.as_deref().unwrap_or_default();
    let Origins { organisation, client_id, client_secret, api_url, auth_url } = origins;
    match cause {
        // The token is good, but not for this organisation.
        Cause::NeverAccepted(_) => format!(
            "compare {organisation} with what iBinder shows beside the API client, or ask the owner of the organisation"
        )
        .into(),
        Cause::Refused { .. } => {
            format!("check {client_id} and {client_secret} with the owner of the organisation").into()
        }
        // All members of an organisation may list its binders.
        Cause::Answer { status: 403, .. } if call.ends_with("/binders") => {
            format!("compare {organisation} with what iBinder shows beside the API client").into()
        }
        Cause::Answer { status: 404, .. } if call.ends_with("/binders") => {
            format!("check {api_url} and any proxy").into()
        }
        Cause::Answer { status: 404, problem, .. } if !problem.is_genuine() => {
            format!("the response is not from iBinder: check {api_url} and any proxy").into()
        }
        Cause::TokenAnswer { status: 404 | 405, .. } => format!("check {auth_url} and any proxy").into(),
        _ => general_advice(cause).into(),
    }
}

fn general_advice(cause: &Cause) -> &'static str {
    match cause.kind() {
        ErrorKind::Credentials | ErrorKind::Configuration => "",
        ErrorKind::Forbidden => "ask the owner of the organisation whether the API client may read it",
        ErrorKind::NotFound { .. } => "it does not exist, or the API client can't see it",
        ErrorKind::MethodNotAllowed => "the service does not offer this call",
        ErrorKind::Throttled => "the next run tries again; lower --rate to send fewer requests",
        ErrorKind::Unavailable | ErrorKind::HostDown | ErrorKind::NotTheRest | ErrorKind::Contradicted => {
            "the next run tries again"
        }
        ErrorKind::Rejected if cause.is_unauthorized() => {
            "if only this is refused, the API client may not read it; give the trace id to iBinder support"
        }
        ErrorKind::Rejected => "if it persists, give this text and the trace id to iBinder support",
        ErrorKind::GivenUp => "the next run continues (--give-up sets how long to wait for a service that is down)",
        ErrorKind::LinkExpired => "a new download link is needed",
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
             if it persists, give this text and the trace id to iBinder support"
        );
        assert_eq!(error.trace_id(), Some("00-1"));
        let with_sources = |call: &str, status| {
            let cause = Cause::Answer { status, problem: Problem::default(), retry_after: None };
            Error::new(call.into(), cause, 1).to_string()
        };
        let organisation = "compare the organisation's id with what iBinder shows beside the API client";
        assert!(with_sources("GET /api/binders", 403).ends_with(organisation));
        assert!(
            with_sources("GET /api/binders/k3J9x_a2Q/folders", 403).ends_with("whether the API client may read it")
        );
        assert!(Error::new("GET /api/binders".into(), Cause::NeverAccepted(3), 3).to_string().contains(organisation));
        assert_eq!(error.tries(), 2);
    }

    #[test]
    fn advice_names_where_a_value_was_set() {
        let origins = Arc::new(Origins {
            organisation: "organisation in /c.toml:1".into(),
            client_id: "client_id in /c.toml:2".into(),
            client_secret: "IBINDER_CLIENT_SECRET".into(),
            api_url: "api_url in /c.toml:4".into(),
            auth_url: "IBINDER_AUTH_URL".into(),
        });
        let problem = Problem::default;
        let answer = |status| Cause::Answer { status, problem: problem(), retry_after: None };
        let token = |status| Cause::TokenAnswer { status, problem: problem(), retry_after: None };
        #[rustfmt::skip]
        let table = [
            ("POST /token",        Cause::Refused { status: 400, problem: problem() }, "check client_id in /c.toml:2 and IBINDER_CLIENT_SECRET with"),
            ("POST /token",        Cause::NeverAccepted(3),  "compare organisation in /c.toml:1 with"),
            ("POST /token",        token(404),               "check IBINDER_AUTH_URL and any proxy"),
            ("POST /token",        token(503),               "the next run tries again"),
            ("GET /api/binders",   answer(403),              "compare organisation in /c.toml:1 with"),
            ("GET /api/binders",   answer(404),              "; check api_url in /c.toml:4 and any proxy"),
            ("GET /api/documents", answer(404),              "the response is not from iBinder: check api_url in /c.toml:4"),
            ("GET /api/documents", answer(503),              "the next run tries again"),
        ];
        for (call, cause, advice) in table {
            let text = Error::of(&origins, call.to_owned(), cause, 1).to_string();
            assert!(text.contains(advice), "{text}");
        }
    }
}
