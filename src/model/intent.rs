//! Intents: changes to the tree, committed to the state before they are carried out.

use serde::{Deserialize, Serialize};

use super::{BinderId, DocumentId, FolderId, RelPath, Sha256, Staged, Stamp, VersionId};

/// What the service says about a document, as stored in the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Particulars {
    /// The binder that holds it.
    pub binder: BinderId,
    /// The folder that holds it; `None` directly below the binder.
    pub folder: Option<FolderId>,
    /// Its name.
    pub file_name: String,
    /// The version in its file.
    pub version: VersionId,
    /// Its metadata, as JSON text.
    pub metadata: Option<Box<str>>,
}

/// The file that a change takes out of the tree, as it was just before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The file's stamp when it was hashed.
    pub stamp: Stamp,
    /// The hash of its actual bytes, which may have been edited locally.
    pub sha256: Sha256,
}

/// One change to the tree. Carrying it out again after an interruption ends in the same state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Staged bytes become visible at a free path.
    Add {
        /// The bytes.
        staged: Staged,
    },
    /// Staged bytes replace the document's file, whose bytes go to `objects/`.
    Replace {
        /// The bytes.
        staged: Staged,
        /// The replaced file; `None` if it was missing.
        outgoing: Option<Outgoing>,
    },
    /// The document's file is renamed from another path.
    Move {
        /// Its old path.
        from: RelPath,
        /// Its stamp before the move.
        stamp: Stamp,
    },
    /// A file already at the path becomes the document's; the tree doesn't change.
    Adopt {
        /// The file's stamp when its content was proved.
        stamp: Stamp,
        /// The hash of its bytes.
        sha256: Sha256,
    },
    /// The document's file leaves the tree; its bytes go to `objects/`.
    Remove {
        /// A free name below `tmp/` where the file is parked on its way.
        parked: String,
        /// The removed file; `None` if it was missing.
        outgoing: Option<Outgoing>,
    },
}

/// A step with its document and path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The document.
    pub document: DocumentId,
    /// The path at which the step ends, or which it removes.
    pub path: RelPath,
    /// The change.
    pub step: Step,
    /// The document's record after the change.
    pub particulars: Particulars,
}
