//! Why a download failed.

use crate::{
    mirror, remote,
    report::{FailureCause, FailureStep},
    sync::fatal::{Fatal, cause_of},
};

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    /// The service gave no link; the client has retried already.
    #[error("{0}")]
    Link(remote::Error),
    /// It is listed, but its link is not found; and what a lookup by id says.
    #[error("it is listed in this version, but its link can't be had ({0}); {1}")]
    Contradicted(remote::Error, String),
    /// Storage sent no bytes; the client has retried already.
    #[error("{0}")]
    Head(remote::Error),
    /// The connection broke.
    #[error("{0}")]
    Body(#[from] remote::Error),
    /// The file could not be written.
    #[error("{0}")]
    Mirror(mirror::Error),
    /// The bytes can't be trusted.
    #[error("{0}; the next run tries again")]
    Doubtful(String),
    /// The bytes are encoded.
    #[error(
        "storage encoded the bytes as {0:?} though none was asked for; if it stays, give the document's id to the support of iBinder"
    )]
    Encoded(String),
    /// It announces more than fits on the disk.
    #[error("it announces {bytes} bytes, and the disk has {free} free{}; free some space if it really is that large", stays_free(*.min_free))]
    TooLarge {
        /// Bytes left to download.
        bytes: u64,
        free: u64,
        min_free: u64,
    },
    /// It fills the disk, and never announced its size.
    #[error("{bytes} bytes of it came without an end, and the disk has {free} free{}; free some space if it really is that large", stays_free(*.min_free))]
    NoSpace {
        /// Bytes that were downloaded.
        bytes: u64,
        free: u64,
        min_free: u64,
    },
    #[error("the run ended")]
    Stopped,
    #[error("{0}")]
    Fatal(#[from] Fatal),
}

impl From<mirror::Error> for TransferError {
    fn from(error: mirror::Error) -> Self {
        if error.kind() == mirror::ErrorKind::Document { Self::Mirror(error) } else { Self::Fatal(error.into()) }
    }
}

impl TransferError {
    /// The storage host, if the cause is that it is down.
    pub(crate) fn host_down(&self) -> Option<&str> {
        match self {
            Self::Head(error) => error.host_down(),
            _ => None,
        }
    }

    /// Whether the service or storage is at fault, rather than this machine.
    pub(crate) fn is_of_service(&self) -> bool {
        match self {
            Self::Link(_)
            | Self::Contradicted(..)
            | Self::Head(_)
            | Self::Body(_)
            | Self::Doubtful(_)
            | Self::Encoded(_) => true,
            Self::Mirror(_) | Self::TooLarge { .. } | Self::NoSpace { .. } | Self::Stopped | Self::Fatal(_) => false,
        }
    }

    /// The failed call, if that is why.
    pub(crate) fn of_service(&self) -> Option<&remote::Error> {
        match self {
            Self::Link(error) | Self::Contradicted(error, _) | Self::Head(error) | Self::Body(error) => Some(error),
            _ => None,
        }
    }

    /// Where it happened.
    pub(crate) fn step(&self) -> FailureStep {
        match self {
            Self::Link(_) | Self::Contradicted(..) => FailureStep::Link,
            Self::Head(_) | Self::Body(_) | Self::TooLarge { .. } | Self::NoSpace { .. } => FailureStep::Download,
            Self::Doubtful(_) | Self::Encoded(_) => FailureStep::Check,
            Self::Mirror(_) => FailureStep::Publish,
            Self::Stopped | Self::Fatal(_) => FailureStep::Other,
        }
    }

    /// Its cause in reports.
    pub(crate) fn cause(&self) -> FailureCause {
        match self {
            Self::Link(error) | Self::Contradicted(error, _) | Self::Head(error) | Self::Body(error) => {
                cause_of(error.kind())
            }
            Self::Mirror(_) | Self::TooLarge { .. } | Self::NoSpace { .. } => FailureCause::File,
            Self::Doubtful(_) => FailureCause::Bytes,
            Self::Encoded(_) => FailureCause::Rejected,
            Self::Stopped | Self::Fatal(_) => FailureCause::Run,
        }
    }
}

fn stays_free(min_free: u64) -> String {
    if min_free == 0 { String::new() } else { format!(" of which {min_free} stay free (--min-free)") }
}
