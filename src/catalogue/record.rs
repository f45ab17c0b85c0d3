//! A document as it is written, whatever the format.

use jiff::Timestamp;

use super::value::Value;
use crate::state::Catalogued;

/// The columns that every document has.
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

/// A document, as it is written.
#[derive(Debug)]
pub(super) struct Record<'r> {
    pub(super) document: &'r Catalogued,
    pub(super) binder: &'r str,
    pub(super) version_label: Option<String>,
    /// By columns, each with one value or more.
    pub(super) metadata: Vec<(usize, Vec<Value>)>,
}

impl Record<'_> {
    pub(super) fn modified_at(&self) -> Timestamp {
        // Any number of nanoseconds in 64 bits is a time.
        Timestamp::from_nanosecond(self.document.mtime.into()).unwrap_or_default()
    }

    pub(super) fn mirrored_at(&self) -> Timestamp {
        Timestamp::from_second(self.document.mirrored_at).unwrap_or_default()
    }
}
