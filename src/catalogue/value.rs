//! A document's metadata as readable values.

use std::collections::HashMap;

use jiff::{Timestamp, civil::Date};
use serde_json::{Value as Json, value::RawValue};

use super::metadata_elements::Element;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// A number with all digits from the service.
    Number(String),
    Flag(bool),
    /// A time, and its original text.
    Time(Timestamp, String),
    /// A date, and its original text.
    Day(Date, String),
}

impl Value {
    /// As text; times in their original form.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Time(_, text) | Self::Day(_, text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
        }
    }

    /// As JSON; numbers in their original form.
    pub(super) fn json(&self) -> Box<RawValue> {
        let raw = match self {
            Self::Number(number) => RawValue::from_string(number.clone()),
            Self::Flag(flag) => serde_json::value::to_raw_value(flag),
            Self::Text(_) | Self::Time(..) | Self::Day(..) => serde_json::value::to_raw_value(&self.text()),
        };
        // Texts always serialize, and the numbers were parsed before.
        raw.unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// The values of `metadata[]` with their keys, in order; empty if the JSON has another shape. Numbers are read as text,
/// because a float keeps only 15 digits.
pub(super) fn values(json: &str, elements: &HashMap<String, Element>) -> Vec<(String, Value)> {
    let entries: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|entry| {
            let entry: HashMap<String, &RawValue> = serde_json::from_str(entry.get()).ok()?;
            let key: String = serde_json::from_str(entry.get("metadataElementId")?.get()).ok()?;
            let raw = ["valueId", "value"].iter().filter_map(|name| entry.get(*name));
            let value = value(raw.map(|raw| raw.get()).find(|raw| *raw != "null")?, elements.get(&key));
            Some((key, value))
        })
        .collect()
}

fn value(raw: &str, element: Option<&Element>) -> Value {
    let (id, is_text) = match serde_json::from_str(raw) {
        Ok(Json::String(text)) => (text, true),
        Ok(other @ (Json::Array(_) | Json::Object(_))) => (other.to_string(), false),
        _ => (raw.to_owned(), false),
    };
    if let Some(label) = element.and_then(|element| element.values.get(&id)) {
        return Value::Text(label.clone());
    }
    match id.as_bytes() {
        b"true" | b"false" if !is_text => Value::Flag(id == "true"),
        [b'-' | b'0'..=b'9', ..] if !is_text => Value::Number(id),
        _ if is_text && element.is_some_and(|element| element.is_date) => time(id),
        _ => Value::Text(id),
    }
}

fn time(text: String) -> Value {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Value::Time(moment, text);
    }
    match text.parse::<Date>() {
        Ok(day) => Value::Day(day, text),
        Err(_) => Value::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_what_came() {
        for raw in ["12345678901234567890.123", "1e999", "-7", "true", r#""7""#] {
            assert_eq!(value(raw, None).json().get(), raw);
        }
    }

    #[test]
    fn values_are_shown_by_their_labels() {
        let element = |id: &str, is_date, values: &[(&str, &str)]| {
            let values = values.iter().map(|(id, label)| ((*id).to_owned(), (*label).to_owned())).collect();
            (id.to_owned(), Element { id: id.to_owned(), label: id.to_owned(), is_date, values })
        };
        let elements = [element("S", false, &[("1", "Gällande")]), element("D", true, &[])].into();
        for (entry, expected) in [
            (r#""S","valueId":"1""#, Some(Value::Text("Gällande".to_owned()))),
            (r#""S","valueId":1"#, Some(Value::Text("Gällande".to_owned()))),
            (r#""S","valueId":"2","value":"x""#, Some(Value::Text("2".to_owned()))),
            (r#""S","valueId":null,"value":"x""#, Some(Value::Text("x".to_owned()))),
            (r#""N","value":7.50"#, Some(Value::Number("7.50".to_owned()))),
            (r#""N","value":12345678901234567890.123"#, Some(Value::Number("12345678901234567890.123".to_owned()))),
            (r#""N","value":1e999"#, Some(Value::Number("1e999".to_owned()))),
            (r#""N","value":true"#, Some(Value::Flag(true))),
            (r#""N","value":{"a":[1]}"#, Some(Value::Text(r#"{"a":[1]}"#.to_owned()))),
            (r#""D","value":"2026-11-03""#, Some(Value::Day("2026-11-03".parse().unwrap(), "2026-11-03".to_owned()))),
            (
                r#""D","value":"2026-11-03T01:00:00+01:00""#,
                Some(Value::Time("2026-11-03T00:00:00Z".parse().unwrap(), "2026-11-03T01:00:00+01:00".to_owned())),
            ),
            (r#""D","value":"in spring""#, Some(Value::Text("in spring".to_owned()))),
            (r#""T","value":"2026-11-03""#, Some(Value::Text("2026-11-03".to_owned()))),
            (r#""T""#, None),
            (r#""T","value":null"#, None),
        ] {
            let found = values(&format!(r#"[{{"metadataElementId":{entry}}}]"#), &elements);
            assert_eq!(found.into_iter().next().map(|(_, value)| value), expected, "{entry}");
        }
        for odd in ["", "{}", "[1]", r#"[{"metadataElementId":7}]"#, "null"] {
            assert!(values(odd, &elements).is_empty(), "{odd}");
        }
    }
}
