//! Binders, folders and documents as the service describes them.

use super::{BinderId, DocumentId, FolderId, VersionId};

/// A binder as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binder {
    /// Its id.
    pub id: BinderId,
    /// Its name; empty if the service gave none.
    pub name: String,
}

/// A tab or folder as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its id.
    pub id: FolderId,
    /// Its parent; `None` for a tab.
    pub parent: Option<FolderId>,
    /// Its name; empty if the service gave none.
    pub name: String,
}

/// A tab or folder that the mirror knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFolder {
    /// Its id.
    pub id: FolderId,
    /// Its parent; `None` for a tab.
    pub parent: Option<FolderId>,
    /// Its name at the service.
    pub name: String,
    /// Its folder name below its parent's folder; `None` if its documents lie directly in the parent's folder.
    pub segment: Option<String>,
    /// Whether the service listed it; `false` if only documents named it.
    pub known: bool,
    /// When the service was last asked for it, in seconds since the epoch.
    pub asked_at: i64,
}

/// A document as a search page or a lookup by id showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: DocumentId,
    /// The binder that holds it.
    pub binder: BinderId,
    /// The folder that holds it; `None` directly below the binder.
    pub folder: Option<FolderId>,
    /// The tab named by the metadata, used if the folder's name is unknown.
    pub tab: Option<FolderId>,
    /// Its name; empty if the service gave none.
    pub file_name: String,
    /// Its newest version; `None` if the service gave none.
    pub version: Option<VersionId>,
    /// Its `metadata[]` as the JSON text from the service, with GUIDs in lower case; `None` if there was none.
    pub metadata: Option<Box<str>>,
}

#[cfg(test)]
impl Listed {
    /// A document to test with.
    pub(crate) fn sample(id: &str) -> Self {
        Self {
            id: DocumentId::parse(id).unwrap(),
            binder: BinderId::parse("b").unwrap(),
            folder: FolderId::parse("f").ok(),
            tab: None,
            file_name: "a.pdf".to_owned(),
            version: VersionId::parse("v").ok(),
            metadata: None,
        }
    }
}
