//! What was: earlier nights of the mirror, and letting go of one document for good.

mod erase;
mod manifest;
mod purge;
mod runs;

pub use crate::state::Traces;
pub use manifest::{BadManifest, Entry, Header, Manifest, manifest_is_due, write_manifest};
pub use purge::{finish_purges, purge};
pub use runs::forget_runs;

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
    /// A manifest could not be made.
    #[error("a manifest could not be compressed: {0}")]
    Compress(std::io::Error),
}
