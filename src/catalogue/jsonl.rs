//! JSON lines, one object per document; texts and numbers are unchanged.

use std::{collections::BTreeMap, io::Write};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{error::Error, record::Record, value::Value};

/// A document. Metadata are a nested object, so that no label collides with a field.
#[derive(Debug, Serialize)]
pub(super) struct Line<'r> {
    path: &'r str,
    file_name: &'r str,
    binder: &'r str,
    version_label: Option<&'r str>,
    size: u64,
    modified_at: Timestamp,
    mirrored_at: Timestamp,
    sha256: String,
    document_id: &'r str,
    version_id: &'r str,
    binder_id: &'r str,
    metadata: BTreeMap<&'r str, Box<RawValue>>,
}

impl<'r> Line<'r> {
    pub(super) fn of(record: &'r Record<'_>, names: &'r [String]) -> Self {
        let d = record.document;
        let metadata = record.metadata.iter().map(|(column, values)| {
            let value = match &values[..] {
                [one] => one.json(),
                several => list(several),
            };
            (names[*column].as_str(), value)
        });
        Self {
            path: &d.path,
            file_name: &d.file_name,
            binder: record.binder,
            version_label: record.version_label.as_deref(),
            size: d.size,
            modified_at: record.modified_at(),
            mirrored_at: record.mirrored_at(),
            sha256: d.sha256.hex(),
            document_id: &d.document,
            version_id: &d.version,
            binder_id: &d.binder,
            metadata: metadata.collect(),
        }
    }
}

fn list(values: &[Value]) -> Box<RawValue> {
    let values: Vec<Box<RawValue>> = values.iter().map(Value::json).collect();
    // A list of JSON values always serializes.
    to_raw_value(&values).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

pub(super) fn line(out: &mut (dyn Write + Send), record: &Record<'_>, names: &[String]) -> Result<(), Error> {
    let mut text = serde_json::to_string(&Line::of(record, names)).map_err(std::io::Error::from)?;
    text.push('\n');
    Ok(out.write_all(text.as_bytes())?)
}
