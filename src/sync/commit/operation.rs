//! The operations that the committer carries out.

use crate::{
    model::{DocumentId, Particulars, RelPath, Sha256, Staged, Stamp, VersionId},
    report::{Change, Failure},
    state::{Partial, Provisional},
};

#[derive(Debug)]
pub(crate) enum Operation {
    Tree(TreeChange),
    Row(RowChange),
}

impl From<TreeChange> for Operation {
    fn from(change: TreeChange) -> Self {
        Self::Tree(change)
    }
}

impl From<RowChange> for Operation {
    fn from(change: RowChange) -> Self {
        Self::Row(change)
    }
}

impl TreeChange {
    /// What the document counts as once it is recorded; `None` if its file only steps aside.
    pub(crate) fn counts_as(&self) -> Option<Change> {
        match self {
            Self::Publish { change, .. } => Some(*change),
            Self::Adopt { .. } => Some(Change::Adopted),
            Self::Move { aside: false, .. } => Some(Change::Moved),
            Self::Move { .. } | Self::Remove { .. } => None,
        }
    }
}

/// A change of the tree. An intent is committed before it, and a row after it.
#[derive(Debug)]
pub(crate) enum TreeChange {
    /// A staged file becomes the document's file.
    Publish {
        document: DocumentId,
        path: RelPath,
        staged: Staged,
        particulars: Particulars,
        replaces: bool,
        change: Change,
        partial: bool,
    },
    /// An untracked file was proved to be the document's.
    Adopt { document: DocumentId, path: RelPath, stamp: Stamp, sha256: Sha256, particulars: Particulars },
    /// A document's file gets another path. `aside`: only for now, to make way for others.
    Move { document: DocumentId, from: RelPath, path: RelPath, particulars: Particulars, aside: bool },
    /// A document's file leaves the tree.
    Remove { document: DocumentId, path: RelPath, particulars: Particulars },
}

/// A change of rows alone, recorded with the next batch.
#[derive(Debug)]
pub(crate) enum RowChange {
    /// A document moved at the service, but its file is missing: only its row moves.
    Relocate {
        document: DocumentId,
        path: RelPath,
        particulars: Particulars,
    },
    /// A document moved at the service, and its file keeps its path.
    Place {
        document: DocumentId,
        particulars: Particulars,
    },
    Metadata {
        document: DocumentId,
        particulars: Particulars,
    },
    Partial {
        document: DocumentId,
        version: VersionId,
        partial: Partial,
    },
    /// A download is held back.
    Suspect(Provisional),
    AcceptForNow(Provisional),
    /// A version that was accepted for now was downloaded again and is the same.
    Checked(Provisional),
    /// A document that was acknowledged as missing has another version, or is mirrored.
    Unacknowledge {
        document: DocumentId,
    },
    Failure(Failure),
}
