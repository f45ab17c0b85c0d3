//! A document's row, independent of the format.

use std::borrow::Cow;

use jiff::Timestamp;

use super::value::Value;
use crate::state::Catalogued;

/// The columns of every document in csv. [`Record::fixed`] has the values, and `jsonl` the fields.
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

/// The value of a fixed column.
pub(super) enum Cell<'r> {
    Text(Cow<'r, str>),
    Number(u64),
    Time(Timestamp),
}

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
    /// The values of the fixed columns.
    pub(super) fn fixed(&self) -> [Cell<'_>; FIXED.len()] {
        let d = self.document;
        let text = |text| Cell::Text(Cow::Borrowed(text));
        [
            text(&d.path),
            text(&d.file_name),
            text(self.binder),
            text(self.version_label.as_deref().unwrap_or_default()),
            Cell::Number(d.size),
            Cell::Time(self.modified_at()),
            Cell::Time(self.mirrored_at()),
            Cell::Text(d.sha256.hex().into()),
            text(&d.document),
            text(&d.version),
            text(&d.binder),
        ]
    }

    pub(super) fn modified_at(&self) -> Timestamp {
        // Every 64-bit number of nanoseconds is a valid time.
        Timestamp::from_nanosecond(self.document.mtime.into()).unwrap_or_default()
    }

    pub(super) fn mirrored_at(&self) -> Timestamp {
        Timestamp::from_second(self.document.mirrored_at).unwrap_or_default()
    }
}

/// The name in the tree of a binder that is no longer known.
pub(super) fn first_step(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}
