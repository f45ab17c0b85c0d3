//! What was: getting it back, and letting go of one document for good.
//!
//! A user names a time; [`run_meant`] says which run is meant; the state tells the tree at the end
//! of that run; [`Restore`] writes it elsewhere, from the tree's own files and from `objects/`. That
//! works on a copy of the state and without the lock, so that a run may go on meanwhile: what a file
//! holds is decided by its hash, and never by where it lies. [`purge`] alone changes the mirror.

mod as_of;
mod binder;
mod document_history;
mod listing_entry;
mod manifest;
mod page;
mod purge;
mod redact;
mod restore;
mod run_summary;
mod runs;
mod selection;
mod snapshot;

pub use crate::state::Traces;
pub use as_of::{Unclear, clock, is_now, run_meant, whole_before};
pub use binder::Binder;
pub use document_history::{Change, DocumentHistory, Holding, Placement, Revision, Version, When};
pub use listing_entry::ListingEntry;
pub use manifest::{BadManifest, Entry, Header, Manifest, manifest_is_due, write_manifest};
pub use page::{changes, write_page};
pub use purge::{finish_purges, purge};
pub use restore::{Lack, Missing, Restore, Restored};
pub use run_summary::note;
pub use runs::forget_runs;
pub use selection::Selection;
pub use snapshot::{Changes, Snapshot};

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
    /// A file that is not the document's has its path.
    #[error("the file at {0:?} is not what the mirror put there")]
    NotItsFile(String),
    /// A manifest could not be made.
    #[error("a manifest could not be compressed: {0}")]
    Compress(std::io::Error),
}
