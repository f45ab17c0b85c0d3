//! What the committer is asked to do.

use crate::{
    model::{DocumentId, Particulars, RelPath, Sha256, Staged, Stamp, VersionId},
    report::Change,
    state::{FailureRow, Partial, Provisional},
};

/// Something for the committer to do.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Files change, and then rows.
    Tree(TreeChange),
    /// Rows change alone.
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
    /// What the document counts as once it is recorded; nothing where a file only steps aside.
    pub(crate) fn counts_as(&self) -> Option<Change> {
        match self {
            Self::Publish { change, .. } => Some(*change),
            Self::Adopt { .. } => Some(Change::Adopted),
            Self::Move { aside: false, .. } => Some(Change::Moved),
            Self::Move { .. } | Self::Remove { .. } => None,
        }
    }
}

/// A change of the tree. It is intended before it is carried out, and recorded afterwards.
#[derive(Debug)]
pub(crate) enum TreeChange {
    /// Staged bytes become the document's file.
    Publish {
        document: DocumentId,
        path: RelPath,
        staged: Staged,
        particulars: Particulars,
        replaces: bool,
        change: Change,
        partial: bool,
    },
    /// A file that is there was proved to be the document's.
    Adopt { document: DocumentId, path: RelPath, stamp: Stamp, sha256: Sha256, particulars: Particulars },
    /// A document's file gets another path; not counted where it only steps aside.
    Move { document: DocumentId, from: RelPath, path: RelPath, particulars: Particulars, aside: bool },
    /// A document's file leaves the tree.
    Remove { document: DocumentId, path: RelPath, particulars: Particulars },
}

/// A change of rows alone: it is recorded with the next batch.
#[derive(Debug)]
pub(crate) enum RowChange {
    /// A document is listed elsewhere, and its file is missing: its row alone moves.
    Relocate { document: DocumentId, path: RelPath, particulars: Particulars },
    /// A document is listed elsewhere, and its file stays where it is.
    Place { document: DocumentId, particulars: Particulars },
    /// A document has other metadata.
    Metadata { document: DocumentId, particulars: Particulars },
    /// A partial download is kept for later.
    Partial { document: DocumentId, version: VersionId, partial: Partial },
    /// Bytes are kept back.
    Suspect(Provisional),
    /// A version is accepted for now.
    AcceptForNow(Provisional),
    /// A version that was accepted for now was fetched again and is the same.
    Checked(Provisional),
    /// A document that was acknowledged as missing has another version, or is mirrored.
    Unacknowledge { document: DocumentId },
    /// A document failed.
    Failure(FailureRow),
}
