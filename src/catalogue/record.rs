//! A document's row, independent of the format.

use std::borrow::Cow;

use jiff::Timestamp;

use super::value::Value;
use crate::state::Catalogued;

/// The columns of every document: their names, and their widths in a workbook, in characters. [`Record::fixed`] has the
/// values, and `jsonl` the fields.
pub(super) const FIXED: [(&str, u8); 11] = [
    ("path", 60),
    ("file_name", 36),
    ("binder", 24),
    ("version_label", 10),
    ("size", 12),
    ("modified_at", 18),
    ("mirrored_at", 18),
    ("sha256", 20),
    ("document_id", 20),
    ("version_id", 20),
    ("binder_id", 14),
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
