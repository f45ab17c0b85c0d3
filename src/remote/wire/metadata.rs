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

/// From the quote before a GUID to its first dash.
const DASH_AFTER_QUOTE: usize = 9;

/// The key that searches sort by; `None` if the document has none.
pub fn sort_key(document: &Listed) -> Option<String> {
    let metadata: &RawValue = serde_json::from_str(document.metadata.as_deref()?).ok()?;
    find(metadata, DATE).map(Text::into_string)
}

/// The text that is kept.
pub(super) fn kept(metadata: &RawValue) -> Box<str> {
    let (given, mut kept) = (metadata.get().as_bytes(), Box::from(metadata.get()));
    let Some(dashes) = given.get(DASH_AFTER_QUOTE..) else { return kept };
    // After the first dash of a GUID come more bytes than these words leave out.
    let words = given.as_chunks().0.iter().zip(dashes.as_chunks().0);
    for (number, (quotes, dashes)) in words.enumerate().filter(|(_, (quotes, dashes))| may_begin(**quotes, **dashes)) {
        for at in (0..WORD).filter(|at| quotes[*at] == b'"' && dashes[*at] == b'-') {
            let start = number * WORD + at + 1;
            if is_quoted_guid(given, start) {
                str::get_mut(&mut kept, start..start + GUID_LENGTH).map(str::make_ascii_lowercase);
            }
        }
    }
    kept
}

/// Bytes that are compared at once.
const WORD: usize = 8;

/// Whether a quote may be at the place of a dash. Nearly always `false`.
fn may_begin(quotes: [u8; WORD], dashes: [u8; WORD]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; WORD]);
    let word = u64::from_ne_bytes;
    let differences = (word(quotes) ^ word([b'"'; WORD])) | (word(dashes) ^ word([b'-'; WORD]));
    // Whether any byte is zero.
    differences.wrapping_sub(ONES) & !differences & (ONES << 7) != 0
}

/// Whether a string that is a GUID has its first character here, after a quote.
fn is_quoted_guid(json: &[u8], start: usize) -> bool {
    // A quote after a backslash is part of a longer text.
    let opens = start.checked_sub(2).is_none_or(|before| json[before] != b'\\');
    let guid = json.get(start..start + GUID_LENGTH).is_some_and(is_guid);
    opens && guid && json.get(start + GUID_LENGTH) == Some(&b'"')
}

/// The first text value of a key.
pub(super) fn find<'a>(metadata: &'a RawValue, key: &str) -> Option<Text<'a>> {
    let mut found = as_documented(metadata.get(), key);
    if found.is_some() {
        return found;
    }
    // The parser also takes a list for an entry.
    let nested = metadata.get().get(1..).is_some_and(|entries| entries.contains('['));
    if !nested && (walk(metadata, Walk { key, found: &mut found, value: plain }) || found.is_some()) {
        return found;
    }
    // Some entry before the value may not be plain, so each is read by itself.
    walk(metadata, Walk { key, found: &mut found, value: careful });
    found
}

/// The value, if every entry up to it is written exactly as the documentation shows it.
fn as_documented<'a>(metadata: &'a str, key: &str) -> Option<Text<'a>> {
    let mut rest = metadata.strip_prefix('[')?;
    loop {
        let (id, after) = plain_text(rest.strip_prefix(r#"{"metadataElementId":""#)?)?;
        let value = after.strip_prefix(r#","valueId":""#).or_else(|| after.strip_prefix(r#","value":""#))?;
        let (value, after) = plain_text(value)?;
        let after = after.strip_prefix('}')?;
        if id == key {
            return Some(Text::from(value));
        }
        rest = after.strip_prefix(',')?;
    }
}

/// A text up to its quote, if it has no escapes, and what follows.
fn plain_text(json: &str) -> Option<(&str, &str)> {
    let end = json.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some((&json[..end], json[end..].strip_prefix('"')?))
}

/// Whether the walk came to the end. It ends at the value with what the parser considers an error.
fn walk<'a, E: Deserialize<'a>>(metadata: &'a RawValue, walk: Walk<'_, 'a, E>) -> bool {
    serde_json::Deserializer::from_str(metadata.get()).deserialize_seq(walk).is_ok()
}

struct Walk<'k, 'de, E> {
    key: &'k str,
    found: &'k mut Option<Text<'de>>,
    /// The value of an entry with this key.
    value: fn(E, &str) -> Option<Text<'de>>,
}

impl<'de, E: Deserialize<'de>> Visitor<'de> for Walk<'_, 'de, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of metadata")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element()? {
            *self.found = (self.value)(entry, self.key);
            if self.found.is_some() {
                break;
            }
        }
        Ok(())
    }
}

/// An entry as it is documented.
#[derive(Deserialize)]
struct PlainEntry<'a> {
    #[serde(borrow, rename = "metadataElementId")]
    key: Text<'a>,
    #[serde(borrow, rename = "valueId")]
    value_id: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
}

fn plain<'a>(entry: PlainEntry<'a>, key: &str) -> Option<Text<'a>> {
    if entry.key.as_str() == key { entry.value_id.or(entry.value) } else { None }
}

fn careful<'a>(raw: &'a RawValue, key: &str) -> Option<Text<'a>> {
    let entry = Entry::of(raw).filter(|entry| text(entry.key).is_some_and(|found| found.as_str() == key));
    entry.and_then(|entry| text(entry.value_id).or_else(|| text(entry.value)))
}

fn text(raw: Option<&RawValue>) -> Option<Text<'_>> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
}

/// An entry of any shape.
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
            r#"[{"metadataElementId":"\"","value":"\\"},{"metadataElementId":"GLOBAL_TabId","valueId":"t"}]"#,
            r#"[{"metadataElementId":"x","valueId":"{\"metadataElementId\":\"GLOBAL_TabId\",\"valueId\":\"u\"}"},{"metadataElementId":"GLOBAL_TabId","value":"t"}]"#,
            r#"[{"metadataElementId":"x","value":{"a":[1]}},{"metadataElementId":"GLOBAL_TabId","valueId":"t"}]"#,
            r#"[{"metadataElementId":"GLOBAL_TabId","valueId":7},{"metadataElementId":"GLOBAL_TabId","valueId":"t"}]"#,
            r#"[{"metadataElementId":"GLOBAL_TabId","valueId":"t"},{"metadataElementId":"GLOBAL_TabId","valueId":"u"}]"#,
        ];
        for json in table {
            assert_eq!(tab(json).as_deref(), Some("t"), "{json}");
        }
        let escaped = r#"[{"metadataElementId":"GLOBAL_TabId","valueId":"t\"}"}]"#;
        assert_eq!(tab(escaped).as_deref(), Some("t\"}"));
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
            (format!(r#"["AAAAAAAA","A","{MIXED}"]"#), true),
            (format!(r#"["AAAAAAAAAAAA","{MIXED}"]"#), true),
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
