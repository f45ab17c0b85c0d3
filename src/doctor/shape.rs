//! Compares the shape of JSON with the documented one.

use serde_json::Value;

/// The elements of an array, or of an object's `items`.
pub(super) fn items(json: &Value) -> &[Value] {
    json.as_array().or_else(|| json.get("items").and_then(Value::as_array)).map_or(&[], Vec::as_slice)
}

/// The fields missing from the first element that lacks any.
pub(super) fn missing(things: &[Value], fields: &[&'static str]) -> Vec<&'static str> {
    let lacks = |thing: &Value| -> Vec<&'static str> {
        fields.iter().copied().filter(|field| thing.get(field).is_none()).collect()
    };
    things.iter().map(lacks).find(|lacks| !lacks.is_empty()).unwrap_or_default()
}

/// Fields of any element besides these. Their names are the service's, not a customer's.
pub(super) fn unknown(things: &[Value], fields: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = things
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|thing| thing.keys())
        .filter(|name| !fields.contains(&name.as_str()))
        .map(|name| name.chars().filter(|c| !c.is_control()).take(40).collect())
        .collect();
    names.sort();
    names.dedup();
    names.truncate(12);
    names
}

/// Whether every metadata entry of every document has a key and a value; `None` without entries.
pub(super) fn are_entries(documents: &[Value]) -> Option<bool> {
    let mut entries = documents.iter().filter_map(|document| document.get("metadata")?.as_array()).flatten().peekable();
    entries.peek()?;
    Some(entries.all(|entry| {
        entry.get("metadataElementId").is_some_and(Value::is_string)
            && (entry.get("valueId").is_some() || entry.get("value").is_some())
    }))
}

pub(super) fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn is_nano_id(text: &str) -> bool {
    text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_that_are_missing_or_unknown() {
        let list = json!([{"id": 1, "name": null}, {"id": 2, "size": 3}]);
        assert_eq!(missing(items(&list), &["id", "name"]), ["name"]);
        assert_eq!(unknown(items(&list), &["id", "name"]), ["size"]);
        assert!(missing(items(&json!({"items": []})), &["id"]).is_empty());
        assert!(items(&json!("x")).is_empty());
        assert_eq!(items(&json!({"items": [1, 2]})).len(), 2);
    }

    #[test]
    fn entries_of_metadata() {
        #[rustfmt::skip]
        let table = [
            (json!([]), None),
            (json!([{"metadata": []}]), None),
            (json!([{"metadata": [{"metadataElementId": "a", "value": null}]}]), Some(true)),
            (json!([{"metadata": [{"metadataElementId": "a", "valueId": "b"}, {"key": "a"}]}]), Some(false)),
        ];
        for (documents, entries) in table {
            assert_eq!(are_entries(items(&documents)), entries, "{documents}");
        }
    }

    #[test]
    fn ids() {
        for (text, guid, nano) in [
            ("3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77", true, false),
            ("3F2A91C0-5E1D-4C47-9A05-0D6A2B9F1E77", true, false),
            ("3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e7", false, false),
            ("k3J9x_a-Q", false, true),
            ("k3J9x a2Q", false, false),
        ] {
            assert_eq!((is_guid(text), is_nano_id(text)), (guid, nano), "{text}");
        }
    }
}
