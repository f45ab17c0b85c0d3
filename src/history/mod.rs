//! What was: earlier nights of the mirror, and letting go of one document for good.

mod erase;
mod purge;

pub use crate::state::Traces;
pub use purge::{finish_purges, purge};

use crate::{mirror, state};

/// Why something of the past can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The state.
    #[error(transparent)]
    State(#[from] state::Error),
}
