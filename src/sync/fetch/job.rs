//! A version to download.

use crate::{
    model::{DocumentId, Particulars, RelPath, Sha256},
    report::Change,
    state::Provisional,
};

/// Bytes to bring over.
#[derive(Debug, Clone)]
pub(crate) struct DownloadJob {
    pub(crate) document: DocumentId,
    pub(crate) path: RelPath,
    pub(crate) particulars: Particulars,
    /// Whether the document has a row, and its file is replaced.
    pub(crate) replaces: bool,
    pub(crate) change: Change,
    /// The object that holds these bytes already, and its time.
    pub(crate) object: Option<(Sha256, i64)>,
    /// Whether a file lies at the path that no row knows, and may hold these bytes.
    pub(crate) found: bool,
    /// The version was accepted for now, and is fetched again to see whether it is the same.
    pub(crate) check: Option<Provisional>,
}
