//! Why a check can't go on.

use crate::{mirror, state};

/// Why a check can't go on. What concerns one file is a finding.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The state.
    #[error(transparent)]
    State(#[from] state::Error),
}
