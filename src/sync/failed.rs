//! Why a document's bytes did not come.

use super::Fatal;
use crate::{mirror, remote};

/// Why a document did not come.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// No link was given; the client has tried again already.
    #[error("{0}")]
    Link(remote::Error),
    /// Storage gave nothing; the client has tried again already.
    #[error("{0}")]
    Head(remote::Error),
    /// The bytes broke off.
    #[error("{0}")]
    Body(#[from] remote::Error),
    /// The file could not be written.
    #[error("{0}")]
    Mirror(mirror::Error),
    /// They came, and can't be trusted.
    #[error("{0}; the next run tries again")]
    Doubtful(String),
    /// The run is ending.
    #[error("the run ended")]
    Stopped,
    /// Nobody can go on.
    #[error("{0}")]
    Fatal(#[from] Fatal),
}

impl From<mirror::Error> for Failed {
    fn from(error: mirror::Error) -> Self {
        if error.kind() == mirror::Kind::Document { Self::Mirror(error) } else { Self::Fatal(error.into()) }
    }
}
