//! Whether the API lists a document's versions, and where.
//!
//! No run uses such a list, and its path is a guess: whatever comes is information, never a warning or a failure.

use std::fmt;

use serde_json::Value;

use super::{results::Results, shape::unknown, statements as says};
use crate::{
    model::{Listed, VersionId},
    remote::{Inspected, Inspector, VERSION_LISTS},
    report::{Area, Check},
};

/// Asks each likely path once, until one lists the document's newest version.
pub(super) async fn versions(results: &mut Results, inspector: &Inspector, document: &Listed) {
    let Some(known) = &document.version else { return };
    let mut answers = Vec::new();
    for path in VERSION_LISTS {
        let seen = inspector.version_list(path, &document.id).await;
        if let Some(list) = List::read(&seen.json, known) {
            let found = format!("`{path}` lists a document's versions: {list}");
            results.observe(says::VERSIONS, true, found.as_str());
            return results.add(Check::ok(Area::Service, found));
        }
        answers.push(format!("`{path}`: {}", status(&seen)));
    }
    // Another path may list them, so this refutes nothing.
    let found = format!("no list of a document's versions at the likely paths ({})", answers.join(", "));
    results.add(Check::ok(Area::Service, found));
}

/// The outcome without the error's text, which contains the document's id.
fn status(seen: &Inspected<()>) -> String {
    match &seen.read {
        Ok(()) => "200 without the newest version".to_owned(),
        Err(error) => match error.status() {
            Some(200) => "200, not JSON".to_owned(),
            Some(status) => status.to_string(),
            None => "no answer".to_owned(),
        },
    }
}

/// The shape of a list of versions, without its values.
#[derive(Debug, PartialEq, Eq)]
struct List {
    versions: usize,
    total: Option<u64>,
    fields: Vec<String>,
}

impl List {
    /// Finds the array that contains the known version: the answer itself, or a field of it.
    fn read(json: &Value, known: &VersionId) -> Option<Self> {
        let fields = json.as_object().into_iter().flat_map(|object| object.values());
        let mut arrays = std::iter::once(json).chain(fields).filter_map(Value::as_array);
        let versions = arrays.find(|array| array.iter().any(|entry| contains(entry, known)))?;
        let total = json.get("totalCount").and_then(Value::as_u64);
        Some(Self { versions: versions.len(), total, fields: unknown(versions, &[]) })
    }
}

/// Whether an entry is the id, or an object with the id in one of its fields.
fn contains(entry: &Value, known: &VersionId) -> bool {
    let is_known = |value: &Value| value.as_str().is_some_and(|id| VersionId::parse(id).is_ok_and(|id| id == *known));
    is_known(entry) || entry.as_object().is_some_and(|object| object.values().any(is_known))
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.versions)?;
        if let Some(total) = self.total {
            write!(f, " of {total}")?;
        }
        match self.fields.as_slice() {
            [] => f.write_str(", ids only"),
            fields => write!(f, ", with the fields {}", fields.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_an_array_that_contains_the_known_version() {
        let id = "3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77";
        let known = VersionId::parse(id).unwrap();
        #[rustfmt::skip]
        let table = [
            (json!([{"id": "x", "label": "A"}, {"id": id, "label": "B"}]), Some("2, with the fields id, label")),
            (json!([{"versionId": id.to_uppercase()}]), Some("1, with the fields versionId")),
            (json!({"items": [{"id": id}], "totalCount": 7}), Some("1 of 7, with the fields id")),
            (json!({"documentId": "x", "versions": [{"id": id}]}), Some("1, with the fields id")),
            (json!(["x", id]), Some("2, ids only")),
            (json!([{"id": "x"}]), None),
            (json!([]), None),
            // A service may answer an unknown path with the document.
            (json!({"id": "x", "latestVersionId": id, "metadata": [{"metadataElementId": "a"}]}), None),
            (json!(id), None),
            (Value::Null, None),
        ];
        for (answer, list) in table {
            assert_eq!(List::read(&answer, &known).map(|list| list.to_string()).as_deref(), list, "{answer}");
        }
    }
}
