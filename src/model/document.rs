//! What the service tells of binders, folders and documents.

use super::{BinderId, DocumentId, FolderId, VersionId};

/// A binder as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binder {
    /// Its id.
    pub id: BinderId,
    /// Its name; empty where the service gave none.
    pub name: String,
}

/// A tab or folder as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its id.
    pub id: FolderId,
    /// Its parent; none for a tab.
    pub parent: Option<FolderId>,
    /// Its name; empty where the service gave none.
    pub name: String,
}

/// A tab or folder that the mirror knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFolder {
    /// Its id.
    pub id: FolderId,
    /// Its parent; none for a tab.
    pub parent: Option<FolderId>,
    /// Its name at the service.
    pub name: String,
    /// Its folder below its parent's; none: its documents lie in its parent's folder.
    pub segment: Option<String>,
    /// Whether the service listed it, rather than that documents named it.
    pub known: bool,
    /// When it was last asked for, seconds since the epoch.
    pub asked_at: i64,
}

/// A document as a search page or an answer by id showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: DocumentId,
    /// The binder that holds it.
    pub binder: BinderId,
    /// The folder that holds it; none directly below the binder.
    pub folder: Option<FolderId>,
    /// The tab that the metadata name, for documents whose folder can't be named.
    pub tab: Option<FolderId>,
    /// Its name; empty where the service gave none.
    pub file_name: String,
    /// Its newest version; none where the service gave none.
    pub version: Option<VersionId>,
    /// Its `metadata[]`, as the JSON text that the service sent, GUIDs in lower case; none where it sent none.
    pub metadata: Option<Box<str>>,
}
