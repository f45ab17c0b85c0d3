//! The parts of a document's metadata that the client needs: its tab and, if nothing else names it, its binder.
//!
//! Metadata are an array of `{metadataElementId, valueId | value}` (`docs/api-contract.md`, "Metadata keys"). They
//! are kept as text, with GUIDs in lower case because the service's case varies. Metadata of any other shape have
//! no values.

use std::fmt;

use serde::{
    Deserialize, Deserializer as _,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::Text;
use crate::model::{GUID_LENGTH, Listed, is_guid};

/// The tab of a document.
pub(in crate::remote) const TAB: &str = "GLOBAL_TabId";

/// The binder of a document.
pub(in crate::remote) const BINDER: &str = "GLOBAL_BinderId";

/// When a document was made: the only key that every document is expected to have, with distinct values and a
/// known order.
pub(in crate::remote) const DATE: &str = "GLOBAL_Date";

/// The key that searches sort by; `None` if the document has none.
pub fn sort_key(document: &Listed) -> Option<String> {
    let metadata: &RawValue = serde_json::from_str(document.metadata.as_deref()?).ok()?;
    find(metadata, DATE).map(Text::into_string)
}

/// The text that is kept.
pub(super) fn kept(metadata: &RawValue) -> Box<str> {
    let mut text = metadata.get().to_owned();
    let bytes = metadata.get().as_bytes();
    // Two quotes at a GUID's distance; a quote after a backslash is part of a longer text.
    let quoted = bytes
        .windows(GUID_LENGTH + 2)
        .enumerate()
        .filter(|(_, piece)| piece[0] == b'"' && piece[GUID_LENGTH + 1] == b'"');
    for (quote, piece) in quoted {
        let opens = quote.checked_sub(1).is_none_or(|before| bytes[before] != b'\\');
        if opens && is_guid(&piece[1..=GUID_LENGTH]) {
            text.get_mut(quote + 1..=quote + GUID_LENGTH).map(str::make_ascii_lowercase);
        }
    }
    text.into_boxed_str()
}

/// The first text value of a key.
pub(super) fn find<'a>(metadata: &'a RawValue, key: &str) -> Option<Text<'a>> {
    let mut found = None;
    // The walk ends at the value with what the parser considers an error.
    let _ = serde_json::Deserializer::from_str(metadata.get()).deserialize_seq(Walk { key, found: &mut found });
    found
}

struct Walk<'k, 'de> {
    key: &'k str,
    found: &'k mut Option<Text<'de>>,
}

impl<'de> Visitor<'de> for Walk<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of metadata")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(raw) = entries.next_element()? {
            let entry = Entry::of(raw).filter(|entry| text(entry.key).is_some_and(|key| key.as_str() == self.key));
            *self.found = entry.and_then(|entry| text(entry.value_id).or_else(|| text(entry.value)));
            if self.found.is_some() {
                break;
            }
        }
        Ok(())
    }
}

fn text(raw: Option<&RawValue>) -> Option<Text<'_>> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
}

/// An entry.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, rename = "metadataElementId")]
    key: Option<&'a RawValue>,
    #[serde(borrow, rename = "valueId")]
    value_id: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

impl<'a> Entry<'a> {
    /// `None` if it is not an object.
    fn of(raw: &'a RawValue) -> Option<Self> {
        let is_object = raw.get().starts_with('{');
        is_object.then(|| serde_json::from_str(raw.get()).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tab(json: &str) -> Option<String> {
        find(serde_json::from_str(json).unwrap(), TAB).map(Text::into_string)
    }

    #[test]
    fn finds_a_value() {
        let table = [
            r#"[{"metadataElementId":"GLOBAL_TabId","valueId":"t"}]"#,
            r#"[{"metadataElementId":"GLOBAL_TabId","value":"t"}]"#,
            r#"[{"value":"x","valueId":"t","label":[{}],"metadataElementId":"GLOBAL_TabId"},{"a":1}]"#,
            r#"[{"metadataElementId":"GLOBAL_TabId","valueId":null,"value":"t"}]"#,
            r#"[7,-7,0.5,true,"x",null,[[1]],{"metadataElementId":3},{"metadataElementId":"GLOBAL_TabId","valueId":"\u0074"}]"#,
            r#"[["GLOBAL_TabId","x","x"],{"metadataElementId":"GLOBAL_TabId","valueId":"t"}]"#,
            r#"[{"metadataElementId":"x","value":{"a":[1]}},{"metadataElementId":"GLOBAL_TabId","valueId":"t"}]"#,
            r#"[{"metadataElementId":"GLOBAL_TabId","valueId":7},{"metadataElementId":"GLOBAL_TabId","valueId":"t"}]"#,
            r#"[{"metadataElementId":"GLOBAL_TabId","valueId":"t"},{"metadataElementId":"GLOBAL_TabId","valueId":"u"}]"#,
        ];
        for json in table {
            assert_eq!(tab(json).as_deref(), Some("t"), "{json}");
        }
        let both = r#"[{"metadataElementId":"GLOBAL_TabId","valueId":"t"},{"metadataElementId":"GLOBAL_BinderId","valueId":"b"}]"#;
        assert_eq!(find(serde_json::from_str(both).unwrap(), BINDER).unwrap().as_str(), "b");
    }

    #[test]
    fn guids_are_kept_in_lower_case_and_nothing_else_is() {
        const MIXED: &str = "64F452C2-18ac-4DC3-B333-3D54C617E2D8";
        let lower = MIXED.to_ascii_lowercase();
        for (json, changes) in [
            (format!(r#"[{{"metadataElementId":"GLOBAL_TabId","valueId":"{MIXED}"}}]"#), true),
            (format!(r#""{MIXED}""#), true),
            (format!(r#"["A","{MIXED}","{MIXED}"]"#), true),
            (format!(r#"["A{MIXED}"]"#), false),
            (format!(r#"["{MIXED}A"]"#), false),
            (format!(r#"["\"{MIXED}"]"#), false),
            (format!(r#"["\"{MIXED}\""]"#), false),
            (format!(r#"["{}"]"#, MIXED.replace('-', "F")), false),
            (r#"["ÅÄÖ","64F4"]"#.to_owned(), false),
        ] {
            let wanted = if changes { json.replace(MIXED, &lower) } else { json.clone() };
            assert_eq!(*kept(serde_json::from_str(&json).unwrap()), wanted);
        }
    }

    #[test]
    fn other_shapes_have_no_values() {
        for odd in
            ["null", "{}", "7", "\"GLOBAL_TabId\"", "[]", r#"[{"metadataElementId":"GLOBAL_TabId","valueId":[]}]"#]
        {
            assert_eq!(tab(odd), None, "{odd}");
        }
    }
}
