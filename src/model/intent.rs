//! What a publish is about to do, written down before it is done.

use serde::{Deserialize, Serialize};

use super::{BinderId, DocumentId, FolderId, RelPath, Sha256, Staged, Stamp, VersionId};

/// What the service says of a document, as the state keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Particulars {
    /// The binder that holds it.
    pub binder: BinderId,
    /// The folder that holds it; none directly below the binder.
    pub folder: Option<FolderId>,
    /// Its name.
    pub file_name: String,
    /// The version that its file holds.
    pub version: VersionId,
    /// Its metadata, as JSON text.
    pub metadata: Option<Box<str>>,
}

/// The old bytes that a publish takes out of the tree, as they were just before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The file's stamp when it was hashed.
    pub stamp: Stamp,
    /// The hash of what it really held, which a local edit may have changed.
    pub sha256: Sha256,
}

/// One change of the tree. Carried out from the top or found half done, it ends the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Staged bytes become visible at a free path.
    Add {
        /// The bytes.
        staged: Staged,
    },
    /// Staged bytes take the place of the document's file, whose bytes go to `objects/`.
    Replace {
        /// The bytes.
        staged: Staged,
        /// What leaves; none where the file was missing.
        outgoing: Option<Outgoing>,
    },
    /// The document's file is renamed from another path.
    Move {
        /// Where it lies before.
        from: RelPath,
        /// Its stamp before.
        stamp: Stamp,
    },
    /// A file that lies at the path already becomes the document's; the tree stays as it is.
    Adopt {
        /// The file's stamp when it was proved.
        stamp: Stamp,
        /// The hash of its bytes.
        sha256: Sha256,
    },
    /// The document's file leaves the tree; its bytes go to `objects/`.
    Remove {
        /// A free name below `tmp/` that the file passes through.
        parked: String,
        /// What leaves; none where the file was missing.
        outgoing: Option<Outgoing>,
    },
}

/// A step, whose it is, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Whose file.
    pub document: DocumentId,
    /// The path that the step ends at, or removes.
    pub path: RelPath,
    /// The change.
    pub step: Step,
    /// What the state will say of the document.
    pub particulars: Particulars,
}
