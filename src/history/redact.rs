//! Removes a document from the data of reports.
//!
//! An item about the document has its id, path or name in a field of its own, and is removed. Other texts stay unless they
//! quote the document; then they are replaced by the general text of their kind. Reports without `warning_details`, from
//! earlier versions, lose all such texts, because nothing says what they are about.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::{model::DocumentId, report::FailureCause, state::Traces};

/// Replaces a text or a pattern.
const PURGED: &str = "…";

/// Shorter names occur by chance in unrelated texts.
const LONG_ENOUGH: usize = 4;

/// A document that is being purged.
pub(crate) struct Purged<'t> {
    pub(crate) id: &'t str,
    /// Its ids, paths, names and hashes. An item about it has one of them as a whole field.
    fields: BTreeSet<String>,
    /// Strings by which other texts may quote it.
    quotes: Vec<String>,
}

impl<'t> Purged<'t> {
    pub(crate) fn new(document: &'t DocumentId, traces: &Traces) -> Self {
        let id = document.as_str();
        let exact = || traces.paths.iter().chain(&traces.versions).map(String::as_str).chain([id]);
        let names = || traces.names.iter().map(String::as_str);
        let hashes = traces.contents.iter().map(ToString::to_string);
        let quotable = exact().chain(names().filter(|name| name.chars().count() >= LONG_ENOUGH));
        Self {
            id,
            fields: exact().chain(names()).map(str::to_owned).chain(hashes).filter(|text| !text.is_empty()).collect(),
            quotes: quotable
                .filter(|text| !text.is_empty())
                .flat_map(|text| [text.to_owned(), format!("{text:?}").trim_matches('"').to_owned()])
                .collect(),
        }
    }

    /// Whether an item of a list is about the document. One that names a document is about no other.
    fn is_subject(&self, item: &Value) -> bool {
        let is = |value: &Value| value.as_str().is_some_and(|text| self.fields.contains(text));
        match item.get("document_id").and_then(Value::as_str) {
            Some(id) => id.eq_ignore_ascii_case(self.id),
            None => item.as_object().is_some_and(|fields| {
                fields.values().any(|value| is(value) || value.as_array().is_some_and(|all| all.iter().any(is)))
            }),
        }
    }

    fn is_quoted_in(&self, text: &Value) -> bool {
        text.as_str().is_some_and(|text| self.quotes.iter().any(|quote| text.contains(quote.as_str())))
    }

    /// Removes the document from a list, and quotes of it from the remaining texts.
    fn remove_from(&self, list: Option<&mut Value>, mut texts: impl FnMut(&mut Map<String, Value>)) {
        let Some(items) = list.and_then(Value::as_array_mut) else { return };
        items.retain(|item| !self.is_subject(item));
        items.iter_mut().filter_map(Value::as_object_mut).for_each(&mut texts);
    }

    /// Removes the document from a run's report.
    pub(crate) fn remove_from_run(&self, report: &mut Value) {
        let filtered = hide_patterns(report);
        self.remove_from_warnings(report, filtered);
        let of_an_older_version = report.get("changes").is_none();
        self.remove_from(report.get_mut("failures"), |failure| {
            let of_the_run = failure.get("document_id").is_none_or(Value::is_null) && filtered;
            if of_an_older_version || of_the_run || failure.get("error").is_some_and(|error| self.is_quoted_in(error)) {
                let cause: FailureCause =
                    failure.get("cause").and_then(|c| FailureCause::deserialize(c).ok()).unwrap_or_default();
                failure.insert("error".to_owned(), cause.meaning().into());
            }
        });
        self.remove_from(report.get_mut("withheld"), |_| {});
        for binder in each(report.pointer_mut("/changes/binders")) {
            each(binder.get_mut("folders")).for_each(|folder| self.remove_from(folder.get_mut("documents"), |_| {}));
        }
    }

    /// Warnings and their data are two lists in the same order.
    fn remove_from_warnings(&self, report: &mut Value, filtered: bool) {
        let taken = |value: Option<&mut Value>| value.and_then(Value::as_array_mut).map(std::mem::take);
        let texts = taken(report.get_mut("warnings")).unwrap_or_default();
        let details = taken(report.get_mut("warning_details")).unwrap_or_default();
        let about = |(text, detail): &(Value, Value)| {
            self.is_subject(detail) || self.is_quoted_in(text) || (filtered && detail["kind"] == "filters")
        };
        let (texts, details): (Vec<_>, Vec<_>) = texts.into_iter().zip(details).filter(|both| !about(both)).unzip();
        report["warnings"] = texts.into();
        report["warning_details"] = details.into();
    }

    /// Removes the document from a check's report.
    pub(crate) fn remove_from_check(&self, report: &mut Value) {
        self.remove_from(report.get_mut("findings"), |finding| {
            for (_, text) in finding.iter_mut().filter(|(name, _)| matches!(name.as_str(), "detail" | "repair")) {
                if self.is_quoted_in(text) {
                    *text = PURGED.into();
                }
            }
        });
    }
}

/// Hides filter patterns, which may name any document in part. Returns whether there are any.
pub(crate) fn hide_patterns(report: &mut Value) -> bool {
    let Some(Value::Object(filters)) = report.get_mut("filters") else { return false };
    let mut any = false;
    for (_, patterns) in filters.iter_mut().filter(|(name, _)| matches!(name.as_str(), "include" | "exclude")) {
        for pattern in patterns.as_array_mut().into_iter().flatten() {
            *pattern = PURGED.into();
            any = true;
        }
    }
    any
}

fn each(map: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    map.and_then(Value::as_object_mut).into_iter().flat_map(|fields| fields.values_mut())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn traces() -> Traces {
        let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Traces {
            paths: set(&["Brf/a.b", "Brf/Anna \"A\".pdf"]),
            names: set(&["a.b", "Anna \"A\".pdf"]),
            versions: set(&["v1"]),
            contents: Vec::new(),
            shared: 0,
            partials: Vec::new(),
        }
    }

    fn remaining(run: bool, mut report: Value) -> Value {
        let (id, traces) = (DocumentId::parse("3f2a").unwrap(), traces());
        let purged = Purged::new(&id, &traces);
        let remove_from = if run { Purged::remove_from_run } else { Purged::remove_from_check };
        remove_from(&purged, &mut report);
        let once = report.clone();
        remove_from(&purged, &mut report);
        assert_eq!(report, once, "repeating it changes nothing");
        report
    }

    #[test]
    fn items_about_the_document_are_removed_and_others_stay() {
        let other = json!({"document_id": "b", "file_name": "a.b", "cause": "bytes", "error": "other"});
        let report = remaining(
            true,
            json!({
                "run_id": "000001-x",
                "failures": [
                    {"document_id": "3f2a", "error": "x"},
                    {"document_id": "3F2A", "error": "x"},
                    {"document_id": null, "file_name": "a.b", "error": "an item without an id"},
                    other,
                    {"document_id": "c", "cause": "file", "error": "\"Brf/Anna \\\"A\\\".pdf\" is in the way"},
                ],
                "withheld": [{"document_id": "3f2a"}, {"document_id": "b"}],
                "changes": {"counts": {"added": 2}, "binders": {"Brf": {"folders": {"": {"documents": [{"document_id": "3f2a"}, {"document_id": "b"}]}}}}},
                "warnings": ["a", "b", "c", "d", "e"],
                "warning_details": [
                    {"kind": "edited", "document_id": "b", "path": "Brf/a.b"},
                    {"kind": "edited", "document_id": "3f2a"},
                    {"kind": "withheld", "document_ids": ["b", "3f2a"]},
                    {"kind": "unchecked", "document_id": null, "path": "Brf/a.b"},
                    {"kind": "max_duration"},
                ],
            }),
        );
        assert_eq!(
            report,
            json!({
                "run_id": "000001-x",
                "failures": [other, {"document_id": "c", "cause": "file", "error": FailureCause::File.meaning()}],
                "withheld": [{"document_id": "b"}],
                "changes": {"counts": {"added": 2}, "binders": {"Brf": {"folders": {"": {"documents": [{"document_id": "b"}]}}}}},
                "warnings": ["a", "e"],
                "warning_details": [{"kind": "edited", "document_id": "b", "path": "Brf/a.b"}, {"kind": "max_duration"}],
            })
        );
    }

    #[test]
    fn patterns_of_documents_are_hidden() {
        let report = remaining(
            true,
            json!({
                "filters": {"binder": ["Brf"], "include": ["*Ann?*"], "exclude": []},
                "changes": {},
                "failures": [{"document_id": null, "cause": "not_found", "error": "--include \"*Ann?*\" matches nothing"}],
                "warnings": ["--include \"*Ann?*\" matches no document", "x"],
                "warning_details": [{"kind": "filters", "why": "…"}, {"kind": "min_free"}],
            }),
        );
        assert_eq!(report["filters"], json!({"binder": ["Brf"], "include": ["…"], "exclude": []}));
        assert_eq!(
            (&report["warnings"], &report["failures"][0]["error"]),
            (&json!(["x"]), &json!(FailureCause::NotFound.meaning()))
        );
    }

    #[test]
    fn texts_of_older_reports_are_removed() {
        let report = remaining(
            true,
            json!({"failures": [{"document_id": "b", "error": "a.b or so"}], "warnings": ["a.b is odd"]}),
        );
        assert_eq!(report["failures"], json!([{"document_id": "b", "error": FailureCause::Other.meaning()}]));
        assert_eq!((&report["warnings"], &report["warning_details"]), (&json!([]), &json!([])));
    }

    #[test]
    fn findings_of_the_document_are_removed() {
        let report = remaining(
            false,
            json!({"findings": [
                {"document_id": "3f2a", "path": "x"},
                {"document_id": null, "path": "Brf/a.b"},
                {"document_id": "b", "path": "Brf/a.b", "detail": "2 bytes", "repair": "\"Brf/a.b\""},
            ]}),
        );
        assert_eq!(
            report["findings"],
            json!([{"document_id": "b", "path": "Brf/a.b", "detail": "2 bytes", "repair": "…"}])
        );
    }
}
