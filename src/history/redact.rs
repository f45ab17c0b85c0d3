//! What the state's files say of one document, taken out of them.
//!
//! Reports are JSON of many shapes that may grow: whatever in a list speaks of the document goes, be it
//! a failure, a finding or a warning; elsewhere the text alone is replaced.

use serde_json::Value;

/// What takes the place of a text that can't be left out.
const ERASED: &str = "[erased]";

/// Shorter names would be found in texts that speak of something else.
const TELLING: usize = 4;

/// Texts that tell a document.
#[derive(Debug, Clone)]
pub(super) struct Needles(Vec<String>);

impl Needles {
    /// The texts themselves, and as messages quote them. Names that are too short to tell one
    /// document from others are left out; ids and paths never are.
    pub(super) fn new<'t>(exact: impl Iterator<Item = &'t str>, names: impl Iterator<Item = &'t str>) -> Self {
        let names = names.filter(|name| name.chars().count() >= TELLING);
        let mut needles = Vec::new();
        for text in exact.chain(names) {
            let quoted = format!("{text:?}");
            needles.push(quoted[1..quoted.len() - 1].to_owned());
            needles.push(text.to_owned());
        }
        needles.retain(|needle| !needle.is_empty());
        needles.sort();
        needles.dedup();
        Self(needles)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|needle| text.contains(needle.as_str()))
    }

    fn speak(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.are_in(text),
            Value::Array(items) => items.iter().any(|item| self.speak(item)),
            Value::Object(fields) => fields.iter().any(|(key, value)| self.are_in(key) || self.speak(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

/// A report without what tells a document; none where it says nothing of it.
pub(super) fn report(text: &str, needles: &Needles) -> Option<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) if needles.speak(&value) => {
            clean(&mut value, needles);
            // A value always serializes.
            serde_json::to_string_pretty(&value).ok()
        }
        // What can't be read as a report is no report any more.
        Err(_) if needles.are_in(text) => Some(format!("\"{ERASED}\"")),
        Ok(_) | Err(_) => None,
    }
}

fn clean(value: &mut Value, needles: &Needles) {
    match value {
        Value::String(text) if needles.are_in(text) => ERASED.clone_into(text),
        Value::Array(items) => items.retain(|item| !needles.speak(item)),
        Value::Object(fields) => {
            fields.retain(|key, _| !needles.are_in(key));
            fields.values_mut().for_each(|value| clean(value, needles));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needles() -> Needles {
        Needles::new(["3f2a", "Brf/Anna \"A\".pdf"].into_iter(), ["Anna.pdf", "a.b"].into_iter())
    }

    #[test]
    fn what_speaks_of_the_document_goes_and_the_rest_stays() {
        #[rustfmt::skip]
        let table = [
            (r#"{"a":1}"#,                                                   None),
            (r#"{"failures":[{"document_id":"3f2a"},{"document_id":"b"}]}"#, Some(r#"{"failures":[{"document_id":"b"}]}"#)),
            (r#"{"warnings":["\"Brf/Anna \\\"A\\\".pdf\" stays","x"]}"#,     Some(r#"{"warnings":["x"]}"#)),
            (r#"{"last":"Anna.pdf","n":3}"#,                                 Some(r#"{"last":"[erased]","n":3}"#)),
            (r#"{"by":{"3f2a":1,"b":2}}"#,                                   Some(r#"{"by":{"b":2}}"#)),
            (r#"{"warnings":["a.b is too short a name"]}"#,                  None),
            (r#"{"cut off: Anna.pdf"#,                                       Some(r#""[erased]""#)),
        ];
        for (text, expected) in table {
            let squeeze = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(report(text, &needles()).as_deref().map(squeeze), expected.map(squeeze), "{text}");
        }
    }
}
