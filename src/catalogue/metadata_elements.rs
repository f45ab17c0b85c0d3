//! A binder's metadata elements: labels of keys and values.
//!
//! The service's field names are assumptions. What can't be read is skipped, and the keys are shown unchanged.

use std::collections::HashMap;

use serde_json::Value;

/// A metadata element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    /// Its key in a document's metadata.
    pub(super) id: String,
    /// Its label.
    pub(super) label: String,
    /// Whether its values are dates.
    pub(super) is_date: bool,
    /// Labels of its values, by their ids.
    pub(super) values: HashMap<String, String>,
}

/// The readable elements of a schema.
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

/// The first of the fields with a text that is not blank.
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
    fn labels_are_found_under_different_field_names() {
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
    fn unreadable_elements_are_skipped() {
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
