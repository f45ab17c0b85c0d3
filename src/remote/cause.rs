//! Causes of failed calls, and their meaning.
//!
//! Only this file maps responses to an [`ErrorKind`]. The statuses are those of `docs/api-contract.md`, "Errors"
//! and "Content"; others are mapped by their class.

use std::time::Duration;

use super::problem::Problem;
use crate::errors::root_cause;

/// What an error means for how to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The credentials are refused for good; further requests fail without being sent.
    Credentials,
    /// 403: the client may not, or no longer, see it.
    Forbidden,
    /// 404.
    NotFound {
        /// Whether the response is problem JSON with status 404: from the service itself, not from a gateway or
        /// proxy.
        problem_json: bool,
    },
    /// 405: the service doesn't offer the call.
    MethodNotAllowed,
    /// 429, after all retries.
    Throttled,
    /// A fault of the service or the network (5xx, transport, timeouts, responses that can't be read), after all
    /// retries.
    Unavailable,
    /// The service rejects the request (400, 409 and the like), or its response can't be used.
    Rejected,
    /// Storage refuses the link (401, 403, 404, 410): a new one is needed.
    LinkExpired,
    /// Storage did not continue a download; the whole may still be available.
    NotTheRest,
    /// Storage contradicts what it announced: a partial download can't be continued.
    Contradicted,
    /// The service was down for longer than `give_up`; further requests fail without being sent.
    GivenUp,
    /// A storage host is down; wait with [`Remote::host_back`](super::Remote::host_back) or do something else.
    HostDown,
    /// The settings are wrong.
    Configuration,
}

#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Cause {
    #[error("{url} can't be used: {problem}")]
    BadUrl { url: String, problem: &'static str },
    #[error("{0}")]
    BadSetting(String),
    #[error(
        "no TLS connection can be set up ({0}); install the CA certificates of the system (package ca-certificates) or set SSL_CERT_FILE to a bundle"
    )]
    NoRoots(String),
    #[error("the service answered {status}{problem}")]
    Answer { status: u16, problem: Problem, retry_after: Option<Duration> },
    #[error("the service answered {0}, a redirect, which is never followed with credentials; check the URL")]
    Redirected(u16),
    #[error("the token endpoint refused the client with {status}{problem}")]
    Refused { status: u16, problem: Problem },
    #[error("the token endpoint answered {status}{problem}")]
    TokenAnswer { status: u16, problem: Problem, retry_after: Option<Duration> },
    #[error("{0} fresh tokens in a row were refused with 401")]
    NeverAccepted(u32),
    #[error("no answer for {after:?}: {last}")]
    GivenUp { after: Duration, last: String },
    #[error("storage host {host} has not answered for {after:?}: {last}")]
    HostGivenUp { host: String, after: Duration, last: String },
    #[error("storage host {0} is not answering")]
    HostDown(String),
    #[error("the connection failed: {0}")]
    Transport(String),
    #[error("no data for {limit:?} while waiting for {what}")]
    Slow { what: &'static str, limit: Duration },
    #[error("slower than {least} bytes per second for {over:?}")]
    TooSlow { least: u64, over: Duration },
    #[error("the answer is compressed with {0:?}, which was not requested")]
    Compressed(String),
    #[error("the answer can't be read: {0}")]
    Garbled(String),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the download link can't be used: {0}")]
    BadLink(&'static str),
    #[error("the download link expired before it could be used")]
    OldLink,
    #[error("storage answered {status}")]
    Storage { status: u16, retry_after: Option<Duration> },
    #[error("storage sent {got} bytes but announced {announced}")]
    WrongLength { announced: u64, got: u64 },
    #[error("storage did not continue the download: {0}")]
    NotTheRest(&'static str),
    #[error("storage contradicts its earlier response: {0}")]
    Contradicted(&'static str),
}

impl Cause {
    pub(super) fn transport(error: reqwest::Error) -> Self {
        Self::Transport(explain(error))
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::BadUrl { .. } | Self::BadSetting(_) | Self::NoRoots(_) => ErrorKind::Configuration,
            Self::Answer { status, problem, .. } => answer_kind(*status, problem.is_genuine()),
            Self::Refused { .. } | Self::NeverAccepted(_) => ErrorKind::Credentials,
            Self::GivenUp { .. } => ErrorKind::GivenUp,
            Self::HostDown(_) => ErrorKind::HostDown,
            Self::TokenAnswer { status: 429, .. } => ErrorKind::Throttled,
            Self::OldLink | Self::Storage { status: 401 | 403 | 404 | 410, .. } => ErrorKind::LinkExpired,
            Self::Storage { status, .. } => answer_kind(*status, false),
            Self::TokenAnswer { .. }
            | Self::HostGivenUp { .. }
            | Self::Redirected(_)
            | Self::Transport(_)
            | Self::Slow { .. }
            | Self::TooSlow { .. }
            | Self::Garbled(_) => ErrorKind::Unavailable,
            Self::TooLarge(_) | Self::Compressed(_) | Self::BadLink(_) => ErrorKind::Rejected,
            Self::NotTheRest(_) => ErrorKind::NotTheRest,
            Self::Contradicted(_) | Self::WrongLength { .. } => ErrorKind::Contradicted,
        }
    }

    /// The status of the response, if there was one.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. }
            | Self::Refused { status, .. }
            | Self::TokenAnswer { status, .. }
            | Self::Storage { status, .. }
            | Self::Redirected(status) => Some(*status),
            // A response that can't be read still arrived.
            Self::Garbled(_) => Some(200),
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self.kind(), ErrorKind::Throttled | ErrorKind::Unavailable)
    }

    /// Whether this is not a response of a working service. It may still be about this request only; a redirect is
    /// about the settings.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Slow { .. } | Self::TooSlow { .. } | Self::Garbled(_) => true,
            Self::Answer { status, .. } | Self::Storage { status, .. } => matches!(status, 408 | 425 | 500..),
            // Without a token no call is answered.
            Self::TokenAnswer { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            _ => false,
        }
    }

    /// Whether it is a 401 of the API, about the token or the resource.
    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Answer { status: 401, .. })
    }

    /// `Retry-After`.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answer { retry_after, .. }
            | Self::TokenAnswer { retry_after, .. }
            | Self::Storage { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The cause of a transport error, without any URL.
pub(super) fn explain(error: reqwest::Error) -> String {
    root_cause(&error.without_url())
}

fn answer_kind(status: u16, genuine: bool) -> ErrorKind {
    match status {
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound { problem_json: genuine },
        405 => ErrorKind::MethodNotAllowed,
        429 => ErrorKind::Throttled,
        // A request timeout and "too early" are transient.
        408 | 425 => ErrorKind::Unavailable,
        400..500 => ErrorKind::Rejected,
        _ => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_their_meaning() {
        let table = [
            (301, ErrorKind::Unavailable, true),
            (400, ErrorKind::Rejected, false),
            (401, ErrorKind::Rejected, false),
            (403, ErrorKind::Forbidden, false),
            (404, ErrorKind::NotFound { problem_json: false }, false),
            (405, ErrorKind::MethodNotAllowed, false),
            (408, ErrorKind::Unavailable, true),
            (409, ErrorKind::Rejected, false),
            (418, ErrorKind::Rejected, false),
            (425, ErrorKind::Unavailable, true),
            (429, ErrorKind::Throttled, true),
            (500, ErrorKind::Unavailable, true),
            (501, ErrorKind::Unavailable, true),
            (503, ErrorKind::Unavailable, true),
            (599, ErrorKind::Unavailable, true),
        ];
        for (status, kind, passing) in table {
            let cause = Cause::Answer { status, problem: Problem::default(), retry_after: None };
            assert_eq!((cause.kind(), cause.is_transient()), (kind, passing), "{status}");
        }
        for status in [200, 301, 400, 403, 404, 429] {
            assert!(!Cause::Answer { status, problem: Problem::default(), retry_after: None }.is_outage(), "{status}");
        }
        for status in [408, 500, 503, 599] {
            assert!(Cause::Storage { status, retry_after: None }.is_outage(), "{status}");
        }
        for status in [401, 403, 404, 410] {
            assert_eq!(Cause::Storage { status, retry_after: None }.kind(), ErrorKind::LinkExpired);
        }
        assert_eq!(Cause::Storage { status: 503, retry_after: None }.kind(), ErrorKind::Unavailable);
        assert_eq!(Cause::Storage { status: 400, retry_after: None }.kind(), ErrorKind::Rejected);
    }
}
