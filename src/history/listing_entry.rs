//! An entry in a listing of the tree at some time.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    model::RelPath,
    state::{FoundDocument, PastDocument},
};

/// A document as it was mirrored at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListingEntry {
    /// The document's id.
    pub id: String,
    /// The version's id.
    pub version: String,
    /// The path of its file.
    pub path: RelPath,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: String,
    /// The modification time of its file.
    pub mtime: Timestamp,
    /// Whether its bytes are in the tree or in `objects/`, as far as the state knows.
    pub held: bool,
}

impl ListingEntry {
    /// The entry of a document.
    pub fn of(mirrored: &PastDocument) -> Self {
        Self {
            id: mirrored.document.to_string(),
            version: mirrored.version.to_string(),
            path: mirrored.path.clone(),
            size: mirrored.size,
            sha256: mirrored.sha256.hex(),
            mtime: Timestamp::from_nanosecond(mirrored.mtime.into()).unwrap_or_default(),
            held: mirrored.file.is_some() || mirrored.object,
        }
    }
}

/// A document that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundEntry {
    /// Its version and its file.
    #[serde(flatten)]
    pub entry: ListingEntry,
    /// Its name at the service.
    pub file_name: String,
    /// Its binder.
    pub binder_id: String,
    /// When it was removed; `None` if it is in the tree.
    pub removed_at: Option<Timestamp>,
}

impl FoundEntry {
    /// The entry of a document.
    pub fn of(found: &FoundDocument) -> Self {
        Self {
            entry: ListingEntry::of(&found.document),
            file_name: found.file_name.clone(),
            binder_id: found.binder.clone(),
            removed_at: found.removed_at.and_then(|at| Timestamp::from_second(at).ok()),
        }
    }
}

/// A folder in a listing of one level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedFolder {
    /// Its path.
    pub folder: String,
    /// The number of documents in it, at any depth.
    pub documents: u64,
    /// Their size in bytes.
    pub bytes: u64,
}
