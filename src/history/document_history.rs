//! The history of one document, prepared for display.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::state::{DocumentTimeline, MetadataSpan, PastRun, PlaceSpan, VersionSpan};

/// A document's versions, places and metadata changes, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentHistory {
    /// Its id.
    pub document_id: String,
    /// Its versions.
    pub versions: Vec<Version>,
    /// Its places.
    pub places: Vec<Placement>,
    /// Changes of its metadata.
    pub metadata: Vec<Revision>,
}

/// A run, and when it ended (or began, if it did not end).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct When {
    /// The run.
    pub run_id: String,
    /// The time; `None` if the run is no longer known.
    pub at: Option<Timestamp>,
}

/// Where a version's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Holding {
    /// In the tree.
    Tree,
    /// In `objects/`.
    Object,
    /// Not kept, but an edited file that replaced them is.
    Edited,
    /// Deleted by retention.
    Freed,
    /// Nowhere: the file was missing when the version ended.
    Nothing,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Its id.
    pub version_id: String,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: String,
    /// The modification time of its file.
    pub mtime: Timestamp,
    /// The run that mirrored it.
    pub first: When,
    /// The run that took it out of the tree; `None` if it is current.
    pub ended: Option<When>,
    /// Why it ended: replaced or removed.
    pub cause: Option<String>,
    /// Where its bytes are.
    pub held: Holding,
    /// The hash of the object that is kept.
    pub held_sha256: Option<String>,
    /// The run whose retention deleted the bytes.
    pub freed: Option<When>,
}

/// A place and name of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// The path of its file.
    pub path: String,
    /// Its name at the service.
    pub file_name: String,
    /// The binder.
    pub binder_id: String,
    /// The run that moved it there.
    pub first: When,
    /// The run that moved it away; `None` if it is current.
    pub ended: Option<When>,
}

/// A change of a document's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// The run that noticed the change.
    pub run: When,
    /// What changed.
    pub changes: Vec<Change>,
}

/// A key whose value changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The metadata element.
    pub key: String,
    /// Before; `null` if it did not exist.
    pub from: Value,
    /// After; `null` if it was removed.
    pub to: Value,
}

impl DocumentHistory {
    /// Builds the history from a timeline, with the ids and times of runs.
    pub fn of(timeline: &DocumentTimeline, runs: &[PastRun]) -> Self {
        let known: HashMap<i64, &PastRun> = runs.iter().map(|run| (run.number, run)).collect();
        let when = |number: i64| match known.get(&number) {
            Some(run) => {
                let at = Timestamp::from_second(run.finished_at.unwrap_or(run.started_at)).ok();
                When { run_id: run.id.clone(), at }
            }
            None => When { run_id: format!("{number:06}"), at: None },
        };
        Self {
            document_id: timeline.document.to_string(),
            versions: timeline.versions.iter().map(|span| version(span, &when)).collect(),
            places: timeline.places.iter().map(|span| place(span, &when)).collect(),
            metadata: revisions(&timeline.metadata, &when),
        }
    }
}

fn version(span: &VersionSpan, when: &impl Fn(i64) -> When) -> Version {
    Version {
        version_id: span.version.to_string(),
        size: span.size,
        sha256: span.sha256.hex(),
        mtime: Timestamp::from_nanosecond(span.mtime.into()).unwrap_or_default(),
        first: when(span.first_run),
        ended: span.ended_run.map(when),
        cause: span.cause.clone(),
        held: holding(span),
        held_sha256: span.held.map(|held| held.hex()),
        freed: span.freed_run.map(when),
    }
}

fn holding(span: &VersionSpan) -> Holding {
    match (span.ended_run, span.held, span.freed_run) {
        (None, ..) => Holding::Tree,
        (_, Some(held), _) if held == span.sha256 => Holding::Object,
        (_, Some(_), _) => Holding::Edited,
        (_, None, Some(_)) => Holding::Freed,
        (_, None, None) => Holding::Nothing,
    }
}

fn place(span: &PlaceSpan, when: &impl Fn(i64) -> When) -> Placement {
    Placement {
        path: span.path.to_string(),
        file_name: span.file_name.clone(),
        binder_id: span.binder.clone(),
        first: when(span.first_run),
        ended: span.ended_run.map(when),
    }
}

fn revisions(spans: &[MetadataSpan], when: &impl Fn(i64) -> When) -> Vec<Revision> {
    let pairs = spans.iter().zip(spans.iter().skip(1));
    let revisions =
        pairs.map(|(old, new)| Revision { run: when(new.first_run), changes: changes(&old.json, &new.json) });
    // Another order of the same values is not a change.
    revisions.filter(|revision| !revision.changes.is_empty()).collect()
}

fn changes(old: &str, new: &str) -> Vec<Change> {
    let (old, new) = (values(old), values(new));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let value = |map: &BTreeMap<String, Value>, key: &String| map.get(key).cloned().unwrap_or_default();
    changed.map(|key| Change { key: key.clone(), from: value(&old, key), to: value(&new, key) }).collect()
}

/// Values by key, of `[{metadataElementId, valueId | value}]`. A key that occurs several times has a list. If the JSON has
/// another shape, all of it becomes one value without a key.
fn values(json: &str) -> BTreeMap<String, Value> {
    let whole: Value = serde_json::from_str(json).unwrap_or_default();
    let Some(entries) = whole.as_array().filter(|entries| entries.iter().all(|e| key(e).is_some())) else {
        return BTreeMap::from([(String::new(), whole)]);
    };
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in entries {
        let value = ["valueId", "value"].into_iter().filter_map(|name| entry.get(name)).find(|value| !value.is_null());
        found.entry(key(entry).unwrap_or_default()).or_default().push(value.cloned().unwrap_or_default());
    }
    let one = |mut list: Vec<Value>| if list.len() == 1 { list.remove(0) } else { Value::Array(list) };
    found.into_iter().map(|(key, list)| (key, one(list))).collect()
}

fn key(entry: &Value) -> Option<String> {
    entry.get("metadataElementId").and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_change_by_key() {
        let old = r#"[{"metadataElementId":"Status","valueId":"1"},{"metadataElementId":"Byggnad","value":"A"},
            {"metadataElementId":"Tagg","value":"x"},{"metadataElementId":"Tagg","value":"y"}]"#;
        let new = r#"[{"metadataElementId":"Tagg","value":"x"},{"metadataElementId":"Byggnad","value":"A"},
            {"metadataElementId":"Status","valueId":"2"},{"metadataElementId":"Ny","value":null}]"#;
        let revisions: Vec<(String, Value, Value)> =
            changes(old, new).into_iter().map(|c| (c.key, c.from, c.to)).collect();
        let expected = [
            ("Ny".to_owned(), json!(null), json!(null)),
            ("Status".to_owned(), json!("1"), json!("2")),
            ("Tagg".to_owned(), json!(["x", "y"]), json!("x")),
        ];
        assert_eq!(revisions, expected);
        assert_eq!(changes(r#"{"a":1}"#, r#"{"a":2}"#).len(), 1);
        assert_eq!(changes(new, new), []);
    }
}
