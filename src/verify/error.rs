//! Errors that end a check.

use crate::{mirror, state};

/// Errors that end a check. Problems with one file are findings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The state.
    #[error(transparent)]
    State(#[from] state::Error),
}
