//! A binder's metadata elements: what keys and values are called.
//!
//! The service's field names are assumed and nothing here may fail for them: what can't be read leaves the
//! keys as they are.

use std::collections::HashMap;

use serde_json::Value;

/// A metadata element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    /// Its key in a document's metadata.
    pub(super) id: String,
    /// What people call it.
    pub(super) label: String,
    /// Whether its values are dates.
    pub(super) is_date: bool,
    /// What its values are called, by their ids.
    pub(super) values: HashMap<String, String>,
}

/// The elements of a schema, as far as they can be read.
pub(super) fn elements(schema: &str) -> Vec<Element> {
    let whole: Value = serde_json::from_str(schema).unwrap_or_default();
    let list = whole.get("items").unwrap_or(&whole);
    list.as_array().into_iter().flatten().filter_map(element).collect()
}

fn element(entry: &Value) -> Option<Element> {
    let id = text(entry, &["id", "metadataElementId", "key"])?;
    let kind = text(entry, &["dataType", "type"]).unwrap_or_default().to_lowercase();
    let values = entry.get("values").and_then(Value::as_array).into_iter().flatten();
    Some(Element {
        label: text(entry, &["label", "name"]).unwrap_or_else(|| id.clone()),
        is_date: kind.contains("date"),
        values: values
            .filter_map(|value| Some((text(value, &["valueId", "id"])?, text(value, &["label", "name", "value"])?)))
            .collect(),
        id,
    })
}

/// The first of some fields that has a text which is not blank.
fn text(entry: &Value, fields: &[&str]) -> Option<String> {
    let found = fields.iter().filter_map(|field| match entry.get(field)? {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    found.into_iter().find(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_whatever_their_fields_are_called() {
        for schema in [
            r#"[{"id":"S","name":"Status","dataType":"enumeration","values":[{"valueId":"1","name":"Gällande"}]},{"id":"D","name":"Datum","dataType":"dateTime"}]"#,
            r#"{"items":[{"id":"S","label":" Status ","name":"x","type":"Enum","values":[{"id":1,"label":"Gällande"},{"id":2}]},{"id":"D","label":"Datum","type":"Date","values":null}]}"#,
        ] {
            let [status, date] = &elements(schema)[..] else { panic!("{schema}") };
            assert_eq!((status.id.as_str(), status.label.as_str(), status.is_date), ("S", "Status", false));
            assert_eq!(status.values, HashMap::from([("1".to_owned(), "Gällande".to_owned())]));
            assert_eq!((date.label.as_str(), date.is_date), ("Datum", true));
        }
    }

    #[test]
    fn what_can_not_be_read_is_left_out() {
        for (schema, count) in [
            ("", 0),
            ("null", 0),
            ("{}", 0),
            ("[1, null, [], {}, {\"id\":\"\"}, {\"name\":\"x\"}]", 0),
            (r#"[{"id":"a"},{"id":"b","values":7}]"#, 2),
        ] {
            assert_eq!(elements(schema).len(), count, "{schema}");
        }
        assert_eq!(elements(r#"[{"id":"a","name":" "}]"#)[0].label, "a");
    }
}
