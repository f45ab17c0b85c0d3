//! Why a call failed, and what that means.
//!
//! The mapping from an answer to its [`ErrorKind`] is written here and nowhere else. Statuses are
//! those of `docs/api-contract.md`, "Errors" and "Content"; what it doesn't name is read by its class.

use std::time::Duration;

use super::problem::Problem;
use crate::errors::with_causes;

/// What an error means to whoever decides how to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The credentials are refused for good; every further request fails alike, without being sent.
    Credentials,
    /// 403: the client may not see it, or no longer.
    Forbidden,
    /// 404.
    NotFound {
        /// Whether the answer was problem JSON that names the 404: the service's own word, and not
        /// a gateway's or a proxy's.
        problem_json: bool,
    },
    /// 405: the service doesn't know the call.
    MethodNotAllowed,
    /// 429, until the retries were spent.
    Throttled,
    /// A fault of the service or of the way to it (5xx, transport, timeouts, answers that can't be read),
    /// until the retries were spent.
    Unavailable,
    /// The service refuses the request as it is (400, 409 and the like), or its answer can't be used.
    Rejected,
    /// Storage refuses the link (401, 403, 404, 410): a new one is needed.
    LinkExpired,
    /// Storage did not continue a download: the whole may still be had.
    NotTheRest,
    /// Storage says other things about a version than before: what is held of it can't be continued.
    Contradicted,
    /// The service was down for longer than anybody wants to wait: everything else that is asked fails
    /// alike, without being sent.
    GivenUp,
    /// A host of storage is down, and whoever has something else to do needn't wait for it:
    /// [`Remote::host_back`](super::Remote::host_back) does.
    HostDown,
    /// The settings can't work.
    Configuration,
}

/// Why a call failed.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Cause {
    #[error("{url} can't be used: {wrong}")]
    BadUrl { url: String, wrong: &'static str },
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
    Fruitless(u32),
    #[error("it was tried for {after:?} and is given up: {last}")]
    GivenUp { after: Duration, last: String },
    #[error("storage host {host} has not answered for {after:?}: {last}")]
    HostGivenUp { host: String, after: Duration, last: String },
    #[error("storage host {0} is not answering")]
    HostDown(String),
    #[error("the connection failed: {0}")]
    Transport(String),
    #[error("nothing came for {limit:?} while waiting for {what}")]
    Slow { what: &'static str, limit: Duration },
    #[error("fewer than {least} bytes a second came for {over:?}")]
    TooSlow { least: u64, over: Duration },
    #[error("the answer is compressed with {0:?}, which nobody asked for")]
    Compressed(String),
    #[error("the answer can't be read: {0}")]
    Garbled(String),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the download link can't be used: {0}")]
    BadLink(&'static str),
    #[error("the download link has grown old before it could be used")]
    OldLink,
    #[error("storage answered {status}")]
    Storage { status: u16, retry_after: Option<Duration> },
    #[error("storage sent {got} bytes where it announced {announced}")]
    WrongLength { announced: u64, got: u64 },
    #[error("storage did not continue the download: {0}")]
    NotTheRest(&'static str),
    #[error("storage contradicts what it announced before: {0}")]
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
            Self::Refused { .. } | Self::Fruitless(_) => ErrorKind::Credentials,
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

    /// The status of the answer, if one came.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. }
            | Self::Refused { status, .. }
            | Self::TokenAnswer { status, .. }
            | Self::Storage { status, .. }
            | Self::Redirected(status) => Some(*status),
            // What can't be read has come all the same.
            Self::Garbled(_) => Some(200),
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.kind(), ErrorKind::Throttled | ErrorKind::Unavailable)
    }

    /// Whether it is no answer of a service that works. It may still be about this one request; a
    /// redirect is about the settings.
    pub(super) fn is_silence(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Slow { .. } | Self::TooSlow { .. } | Self::Garbled(_) => true,
            Self::Answer { status, .. } | Self::Storage { status, .. } => matches!(status, 408 | 425 | 500..),
            // Without a token there is no answer to anybody.
            Self::TokenAnswer { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            _ => false,
        }
    }

    /// Whether it is a 401 of the API: about the token, or about what was asked for.
    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Answer { status: 401, .. })
    }

    /// How long the service asked to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answer { retry_after, .. }
            | Self::TokenAnswer { retry_after, .. }
            | Self::Storage { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What went wrong with a connection, in words that hold no URL.
pub(super) fn explain(error: reqwest::Error) -> String {
    with_causes(&error.without_url())
}

fn answer_kind(status: u16, genuine: bool) -> ErrorKind {
    match status {
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound { problem_json: genuine },
        405 => ErrorKind::MethodNotAllowed,
        429 => ErrorKind::Throttled,
        // A request timeout and "too early" are faults of the way, not of the request.
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
            assert_eq!((cause.kind(), cause.is_passing()), (kind, passing), "{status}");
        }
        for status in [200, 301, 400, 403, 404, 429] {
            assert!(!Cause::Answer { status, problem: Problem::default(), retry_after: None }.is_silence(), "{status}");
        }
        for status in [408, 500, 503, 599] {
            assert!(Cause::Storage { status, retry_after: None }.is_silence(), "{status}");
        }
        for status in [401, 403, 404, 410] {
            assert_eq!(Cause::Storage { status, retry_after: None }.kind(), ErrorKind::LinkExpired);
        }
        assert_eq!(Cause::Storage { status: 503, retry_after: None }.kind(), ErrorKind::Unavailable);
        assert_eq!(Cause::Storage { status: 400, retry_after: None }.kind(), ErrorKind::Rejected);
    }
}
