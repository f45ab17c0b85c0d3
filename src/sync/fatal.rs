//! Errors that end a run.

use crate::{
    mirror,
    remote::{self, ErrorKind},
    report::{Failure, FailureCause, FailureStep},
    state, verify,
};

/// An error that ends a run.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The service, or the connection to it.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// The disk.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The state.
    #[error(transparent)]
    State(#[from] state::Error),
    /// A bug in this program.
    #[error("{0}")]
    Internal(String),
}

impl From<verify::Error> for Fatal {
    fn from(error: verify::Error) -> Self {
        match error {
            verify::Error::Mirror(error) => Self::Mirror(error),
            verify::Error::State(error) => Self::State(error),
        }
    }
}

impl Fatal {
    /// Its cause in reports.
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::Remote(error) => cause_of(error.kind()),
            Self::Mirror(_) => FailureCause::File,
            Self::State(error) if error.kind() == state::ErrorKind::Disk => FailureCause::File,
            Self::State(_) | Self::Internal(_) => FailureCause::Run,
        }
    }

    /// Adds what is full on the disk of `dest`, if it is.
    #[must_use]
    pub fn with_shortage(self, dest: &std::path::Path) -> Self {
        match self {
            Self::Mirror(error) => Self::Mirror(error.with_shortage(dest)),
            other => other,
        }
    }

    pub(super) fn is_disk(&self) -> bool {
        match self {
            Self::Mirror(error) => error.kind() == mirror::ErrorKind::Disk,
            Self::State(error) => error.kind() == state::ErrorKind::Disk,
            Self::Remote(_) | Self::Internal(_) => false,
        }
    }
}

/// A call's failure at a step.
pub(crate) fn failed_at(step: FailureStep, error: &remote::Error) -> Failure {
    Failure {
        step,
        status: error.status(),
        attempts: error.tries(),
        trace_id: error.trace_id().map(str::to_owned),
        ..Failure::of_nobody(cause_of(error.kind()), error.to_string())
    }
}

/// The cause of a failed request in reports.
pub(crate) fn cause_of(kind: ErrorKind) -> FailureCause {
    match kind {
        // Reported only after a new link was refused as well.
        ErrorKind::Credentials | ErrorKind::Forbidden | ErrorKind::LinkExpired => FailureCause::Refused,
        ErrorKind::NotFound { .. } => FailureCause::NotFound,
        ErrorKind::Throttled => FailureCause::Throttled,
        ErrorKind::Unavailable | ErrorKind::GivenUp | ErrorKind::HostDown => FailureCause::Unavailable,
        ErrorKind::MethodNotAllowed | ErrorKind::Rejected => FailureCause::Rejected,
        ErrorKind::NotTheRest | ErrorKind::Contradicted => FailureCause::Bytes,
        ErrorKind::Configuration => FailureCause::Run,
    }
}
