//! Why a run cannot go on.

use crate::{
    mirror,
    remote::{self, ErrorKind},
    report::FailureCause,
    state, verify,
};

/// Why nothing can go on.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The service or the way to it.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// The disk.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The state.
    #[error(transparent)]
    State(#[from] state::Error),
    /// A fault of this program.
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
    /// The word for it in reports.
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::Remote(error) => cause_of(error.kind()),
            Self::Mirror(_) => FailureCause::File,
            Self::State(error) if error.kind() == state::ErrorKind::Disk => FailureCause::File,
            Self::State(_) | Self::Internal(_) => FailureCause::Run,
        }
    }

    /// The same error; if the disk of `dest` is full, it says of what.
    #[must_use]
    pub fn measured(self, dest: &std::path::Path) -> Self {
        match self {
            Self::Mirror(error) => Self::Mirror(error.measured(dest)),
            other => other,
        }
    }

    /// Whether it is about the disk.
    pub(super) fn is_disk(&self) -> bool {
        match self {
            Self::Mirror(error) => error.kind() == mirror::ErrorKind::Disk,
            Self::State(error) => error.kind() == state::ErrorKind::Disk,
            Self::Remote(_) | Self::Internal(_) => false,
        }
    }
}

/// The word for what a call failed of.
pub(crate) fn cause_of(kind: ErrorKind) -> FailureCause {
    match kind {
        // A link that storage refuses, and the next one as well, is a refusal.
        ErrorKind::Credentials | ErrorKind::Forbidden | ErrorKind::LinkExpired => FailureCause::Refused,
        ErrorKind::NotFound { .. } => FailureCause::NotFound,
        ErrorKind::Throttled => FailureCause::Throttled,
        ErrorKind::Unavailable | ErrorKind::GivenUp | ErrorKind::HostDown => FailureCause::Unavailable,
        ErrorKind::MethodNotAllowed | ErrorKind::Rejected => FailureCause::Rejected,
        ErrorKind::NotTheRest | ErrorKind::Contradicted => FailureCause::Bytes,
        ErrorKind::Configuration => FailureCause::Run,
    }
}
