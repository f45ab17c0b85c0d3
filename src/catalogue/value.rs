//! A document's metadata, as values that people read.

use std::collections::HashMap;

use jiff::{Timestamp, civil::Date};
use serde_json::Value as Json;

use super::schema::Element;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(serde_json::Number),
    Flag(bool),
    /// A moment, and as the service wrote it.
    Time(Timestamp, String),
    /// A day, and as the service wrote it.
    Day(Date, String),
}

impl Value {
    /// As text; times as they came.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Time(_, text) | Self::Day(_, text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }

    pub(super) fn json(&self) -> Json {
        match self {
            Self::Number(number) => Json::Number(number.clone()),
            Self::Flag(flag) => Json::Bool(*flag),
            Self::Text(_) | Self::Time(..) | Self::Day(..) => Json::String(self.text()),
        }
    }
}

/// The values of `metadata[]` by their keys, in the order in which they come. Of any other shape
/// nothing is known.
pub(super) fn values(json: &str, elements: &HashMap<String, Element>) -> Vec<(String, Value)> {
    let whole: Json = serde_json::from_str(json).unwrap_or_default();
    let entries = whole.as_array().into_iter().flatten();
    entries
        .filter_map(|entry| {
            let key = entry.get("metadataElementId")?.as_str()?.to_owned();
            let told = ["valueId", "value"].iter().filter_map(|name| entry.get(name)).find(|value| !value.is_null())?;
            let value = value(told, elements.get(&key));
            Some((key, value))
        })
        .collect()
}

fn value(told: &Json, element: Option<&Element>) -> Value {
    let id = match told {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(label) = element.and_then(|element| element.values.get(&id)) {
        return Value::Text(label.clone());
    }
    match told {
        Json::Number(number) => Value::Number(number.clone()),
        Json::Bool(flag) => Value::Flag(*flag),
        Json::String(_) if element.is_some_and(|element| element.is_date) => time(id),
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
    fn values_are_told_by_their_labels() {
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
            (r#""N","value":7.50"#, Some(Value::Number(serde_json::Number::from_f64(7.5).unwrap()))),
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
