//! A document removed from reports, as data.
//!
//! What is about the document says so by an id, a path or a name in a field of its own, and goes. Texts about
//! something else stay, unless they quote the document: then the text of their kind takes their place. Reports of
//! versions before `warning_details` lose all such texts: nothing in them says what they are about.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::{model::DocumentId, report::FailureCause, state::Traces};

/// What takes the place of a text or a pattern.
const PURGED: &str = "…";

/// Shorter names occur by chance in texts about something else.
const LONG_ENOUGH: usize = 4;

/// A document that leaves no trace.
pub(crate) struct Purged<'t> {
    pub(crate) id: &'t str,
    /// Its ids, paths and names, and the hashes of its bytes: each is a whole field of an item about it.
    fields: BTreeSet<String>,
    /// What a text about something else may quote of it.
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

    /// Removes the document from a list, and from the texts of what stays.
    fn leave(&self, list: Option<&mut Value>, mut texts: impl FnMut(&mut Map<String, Value>)) {
        let Some(items) = list.and_then(Value::as_array_mut) else { return };
        items.retain(|item| !self.is_subject(item));
        items.iter_mut().filter_map(Value::as_object_mut).for_each(&mut texts);
    }

    /// Removes the document from the report of a run.
    pub(crate) fn leave_run(&self, report: &mut Value) {
        let filtered = hide_patterns(report);
        self.leave_warnings(report, filtered);
        let of_an_older_version = report.get("changes").is_none();
        self.leave(report.get_mut("failures"), |failure| {
            let of_the_run = failure.get("document_id").is_none_or(Value::is_null) && filtered;
            if of_an_older_version || of_the_run || failure.get("error").is_some_and(|error| self.is_quoted_in(error)) {
                let cause: FailureCause =
                    failure.get("cause").and_then(|c| FailureCause::deserialize(c).ok()).unwrap_or_default();
                failure.insert("error".to_owned(), cause.meaning().into());
            }
        });
        self.leave(report.get_mut("withheld"), |_| {});
        for binder in each(report.pointer_mut("/changes/binders")) {
            each(binder.get_mut("folders")).for_each(|folder| self.leave(folder.get_mut("documents"), |_| {}));
        }
    }

    /// Warnings and their data are two lists in one order.
    fn leave_warnings(&self, report: &mut Value, filtered: bool) {
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

    /// Removes the document from the report of a check.
    pub(crate) fn leave_check(&self, report: &mut Value) {
        self.leave(report.get_mut("findings"), |finding| {
            for (_, text) in finding.iter_mut().filter(|(name, _)| matches!(name.as_str(), "detail" | "repair")) {
                if self.is_quoted_in(text) {
                    *text = PURGED.into();
                }
            }
        });
    }
}

/// Hides the patterns of documents, which may name any of them in part. Whether there are some.
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

    fn left(run: bool, mut report: Value) -> Value {
        let (id, traces) = (DocumentId::parse("3f2a").unwrap(), traces());
        let purged = Purged::new(&id, &traces);
        let leave = if run { Purged::leave_run } else { Purged::leave_check };
        leave(&purged, &mut report);
        let once = report.clone();
        leave(&purged, &mut report);
        assert_eq!(report, once, "a second time changes nothing");
        report
    }

    #[test]
    fn what_is_about_the_document_goes_and_the_rest_stays() {
        let other = json!({"document_id": "b", "file_name": "a.b", "cause": "bytes", "error": "other"});
        let report = left(
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
        let report = left(
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
    fn texts_of_older_reports_go() {
        let report =
            left(true, json!({"failures": [{"document_id": "b", "error": "a.b or so"}], "warnings": ["a.b is odd"]}));
        assert_eq!(report["failures"], json!([{"document_id": "b", "error": FailureCause::Other.meaning()}]));
        assert_eq!((&report["warnings"], &report["warning_details"]), (&json!([]), &json!([])));
    }

    #[test]
    fn findings_of_the_document_go() {
        let report = left(
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
