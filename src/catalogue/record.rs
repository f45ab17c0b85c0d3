//! A document's row, independent of the format.

use jiff::Timestamp;

use super::value::Value;
use crate::state::Catalogued;

/// The columns of every document.
pub(super) const FIXED: [&str; 11] = [
    "path",
    "file_name",
    "binder",
    "version_label",
    "size",
    "modified_at",
    "mirrored_at",
    "sha256",
    "document_id",
    "version_id",
    "binder_id",
];

/// A document's row.
#[derive(Debug)]
pub(super) struct Record<'r> {
    pub(super) document: &'r Catalogued,
    pub(super) binder: &'r str,
    pub(super) version_label: Option<String>,
    /// By column, each with at least one value.
    pub(super) metadata: Vec<(usize, Vec<Value>)>,
}

impl Record<'_> {
    pub(super) fn modified_at(&self) -> Timestamp {
        // Every 64-bit number of nanoseconds is a valid time.
        Timestamp::from_nanosecond(self.document.mtime.into()).unwrap_or_default()
    }

    pub(super) fn mirrored_at(&self) -> Timestamp {
        Timestamp::from_second(self.document.mirrored_at).unwrap_or_default()
    }
}
