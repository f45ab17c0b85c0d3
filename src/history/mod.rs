//! Access to earlier states of the mirror, and erasing a document permanently.
//!
//! A user names a time, [`run_at`] finds the run, and the state has the tree at the end of that run. [`Restore`] writes
//! this tree into another folder, from current files and from `objects/`. It reads a copy of the state and takes no lock,
//! so runs can continue; a file's hash decides whether its bytes are the right ones. Only [`purge`] changes the mirror.

mod as_of;
mod binder;
mod content_source;
mod difference;
mod document_history;
mod listing_entry;
mod manifest;
mod manifest_retention;
mod named_days;
mod page;
mod purge;
mod redact;
mod report_file;
mod restore;
mod run_summary;
mod runs;
mod selection;
mod site;
mod snapshot;
mod tree;
mod withheld;

pub use crate::state::Traces;
pub use as_of::{NoSuchTime, clock, complete_before, is_now, run_at, run_before};
pub use binder::Binder;
pub use content_source::{ContentSource, Workers};
pub use difference::{Between, Difference, differences, differences_by_run};
pub use document_history::{Change, DocumentHistory, Holding, Placement, Revision, Version, When};
pub use listing_entry::{FoundEntry, ListedFolder, ListingEntry};
pub use manifest::{
    BadManifest, Entry, Header, Manifest, manifest_is_due, manifest_sizes, next_line, parse_line, write_manifest,
};
pub use manifest_retention::thin_manifests;
pub use page::{changes, write_page};
pub use purge::{finish_purges, purge};
pub use report_file::{ReportFile, Unwritten, write_failed_report_file, write_report_file};
pub use restore::{Missing, MissingReason, Restore, Restored};
pub use run_summary::note;
pub use runs::forget_runs;
pub use selection::Selection;
pub use site::{Night, Site, SitePlace};
pub use snapshot::{Changes, Snapshot};
pub use tree::{Search, Tree, documents_at};
pub use withheld::{Withheld, WithheldEntry};

use crate::{mirror, state};

/// Why history can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The state.
    #[error(transparent)]
    State(#[from] state::Error),
    /// A file at the document's path is not the document's.
    #[error("the file at {0:?} was not written by the mirror")]
    NotItsFile(String),
    /// Something else has a name that the catalogue needs.
    #[error(
        "{0:?} is in the way of the catalogue and was left alone; move it out of the mirror, or if a binder or document of iBinder has this name, rename it there"
    )]
    CatalogueObstacle(String),
    /// A manifest could not be compressed.
    #[error("a manifest could not be compressed: {0}")]
    Compress(std::io::Error),
}
