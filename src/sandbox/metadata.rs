//! The service's own metadata of a document, and a binder's schema.

use serde_json::Value;

use super::json::{Casing, Json};
use super::organisation::{Document, Organisation};

/// Enumerated values with their labels.
type Values = [(&'static str, &'static str)];

const CATEGORIES: [(&str, &str); 6] = [
    ("cat-10", "Ritning"),
    ("cat-20", "Avtal"),
    ("cat-30", "Instruktion"),
    ("cat-40", "Protokoll"),
    ("cat-50", "Ekonomi"),
    ("cat-90", "Övrigt"),
];
const STATUSES: [(&str, &str); 3] = [("sta-1", "Gällande"), ("sta-2", "Arbetsmaterial"), ("sta-3", "Utgått")];
const TAB_TYPES: [(&str, &str); 1] = [("tab-documents", "Dokument")];
const AUTHORS: [&str; 4] = ["Anna Lindqvist", "Förvaltning Öst AB", "K. Åström", "Driftcentralen"];

fn category(document: &Document) -> &'static str {
    CATEGORIES[usize::try_from(document.id.high() % 6).unwrap_or(0)].0
}

fn status(document: &Document) -> &'static str {
    STATUSES[usize::try_from((document.id.low() % 16).saturating_sub(13)).unwrap_or(0)].0
}

/// A document's own elements, besides those of the service.
fn own(document: &Document) -> &[Value] {
    let metadata = document.extra.as_ref().and_then(|extra| extra.metadata.as_ref());
    metadata.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether a document has this value id for `key`.
pub(super) fn has_value(organisation: &Organisation, document: &Document, key: &str, value: &Value) -> bool {
    if let Some(element) = own(document).iter().find(|element| element["metadataElementId"] == key) {
        return element.get("valueId").is_some_and(|id| id == value);
    }
    match key {
        "GLOBAL_Category" => value == category(document),
        "GLOBAL_Status" => value == status(document),
        "GLOBAL_TabType" => organisation.tab(document).is_some() && value == TAB_TYPES[0].0,
        _ => false,
    }
}

/// What a search sorted by `key` compares.
pub(super) fn sort_key(document: &Document, key: &str) -> (i64, String) {
    if let Some(element) = own(document).iter().find(|element| element["metadataElementId"] == key) {
        let value = element.get("value").or_else(|| element.get("valueId"));
        return (0, value.map(Value::to_string).unwrap_or_default());
    }
    match key {
        "GLOBAL_Date" => (document.modified(0), String::new()),
        "GLOBAL_RevisionDate" => (document.modified(document.latest()), String::new()),
        "GLOBAL_Category" => (0, category(document).to_owned()),
        "GLOBAL_Status" => (0, status(document).to_owned()),
        _ => (0, String::new()),
    }
}

pub(super) fn write(json: &mut Json, organisation: &Organisation, document: &Document, casing: Casing) {
    let replaced = document.extra.as_ref().and_then(|extra| extra.metadata.as_ref());
    if let Some(odd) = replaced.filter(|metadata| !metadata.is_array()) {
        json.value(odd);
        return;
    }
    let own = own(document);
    let mut first = true;
    // Starts an element of the service's own, unless the document's own elements replace it.
    let mut open = |json: &mut Json, key: &str, kind: &str| {
        if !own.is_empty() && own.iter().any(|element| element["metadataElementId"] == key) {
            return false;
        }
        json.raw(if first { "{\"metadataElementId\":\"" } else { ",{\"metadataElementId\":\"" });
        first = false;
        json.raw(key).raw("\",\"").raw(kind).raw("\":");
        true
    };
    json.raw("[");
    if let Some(tab) = organisation.tab(document) {
        if open(json, "GLOBAL_TabId", "valueId") {
            json.guid(organisation.folders[tab as usize].id, casing).raw("}");
        }
        if open(json, "GLOBAL_TabType", "valueId") {
            json.raw("\"").raw(TAB_TYPES[0].0).raw("\"}");
        }
    }
    if open(json, "GLOBAL_Category", "valueId") {
        json.raw("\"").raw(category(document)).raw("\"}");
    }
    if open(json, "GLOBAL_Status", "valueId") {
        json.raw("\"").raw(status(document)).raw("\"}");
    }
    if open(json, "GLOBAL_Version", "value") {
        json.raw("\"").number(document.versions() as u64).raw("\"}");
    }
    if open(json, "GLOBAL_CreatedBy", "value") {
        json.text(AUTHORS[usize::try_from(document.id.low() % 4).unwrap_or(0)]).raw("}");
    }
    if open(json, "GLOBAL_Date", "value") {
        json.time(document.modified(0)).raw("}");
    }
    if document.versions() > 1 && open(json, "GLOBAL_RevisionDate", "value") {
        json.time(document.modified(document.latest())).raw("}");
    }
    for element in own {
        json.raw(if first { "" } else { "," }).value(element);
        first = false;
    }
    json.raw("]");
}

pub(super) fn write_schema(json: &mut Json) {
    let plain: [(&str, &str, &str, &Values); 8] = [
        ("GLOBAL_TabId", "Flik", "reference", &[]),
        ("GLOBAL_TabType", "Fliktyp", "enumeration", &TAB_TYPES),
        ("GLOBAL_Category", "Kategori", "enumeration", &CATEGORIES),
        ("GLOBAL_Status", "Status", "enumeration", &STATUSES),
        ("GLOBAL_Version", "Version", "text", &[]),
        ("GLOBAL_CreatedBy", "Skapad av", "text", &[]),
        ("GLOBAL_Date", "Datum", "date", &[]),
        ("GLOBAL_RevisionDate", "Revisionsdatum", "date", &[]),
    ];
    for (at, (id, name, kind, values)) in plain.into_iter().enumerate() {
        json.raw(if at == 0 { "[{\"id\":" } else { ",{\"id\":" }).text(id);
        json.raw(",\"name\":").text(name).raw(",\"dataType\":").text(kind);
        for (at, (value, label)) in values.iter().enumerate() {
            json.raw(if at == 0 { ",\"values\":[{\"valueId\":" } else { ",{\"valueId\":" }).text(value);
            json.raw(",\"name\":").text(label).raw("}");
        }
        json.raw(if values.is_empty() { "}" } else { "]}" });
    }
    json.raw("]");
}
