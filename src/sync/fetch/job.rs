//! One version to download.

use crate::{
    model::{DocumentId, Particulars, RelPath, Sha256},
    report::Change,
    state::Provisional,
};

#[derive(Debug, Clone)]
pub(crate) struct DownloadJob {
    pub(crate) document: DocumentId,
    pub(crate) path: RelPath,
    pub(crate) particulars: Particulars,
    /// Whether the document has a row, so that its file is replaced.
    pub(crate) replaces: bool,
    pub(crate) change: Change,
    /// The object that has this version's bytes, and its time.
    pub(crate) object: Option<(Sha256, i64)>,
    /// Whether an untracked file at the path may have these bytes.
    pub(crate) found: bool,
    /// Set if the version was accepted for now and is downloaded again to compare it.
    pub(crate) check: Option<Provisional>,
}
