//! The file described as a JSON schema, for editors.

use serde_json::{Map, Value, json};

use super::{KEYS, Key, Kind};

/// The schema, of draft 2020-12.
pub fn schema() -> Value {
    let settings: Map<String, Value> =
        KEYS.iter().filter(|key| key.kind != Kind::Secret).map(|key| (key.name.to_owned(), property(key))).collect();
    let mut top = settings.clone();
    let profiles = json!({
        "description": "Profiles by name, for several organisations: what they say overrules what stands above them",
        "type": "object",
        "additionalProperties": { "type": "object", "properties": settings, "additionalProperties": false },
    });
    top.insert("profiles".to_owned(), profiles);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of ibinder-sync",
        "type": "object",
        "properties": top,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut property = shape(key.kind);
    property.insert("description".to_owned(), key.help.into());
    // The examples of the table are written alike in TOML and in JSON; a test makes sure.
    let example: Value = serde_json::from_str(key.example).unwrap_or_default();
    property.insert("examples".to_owned(), json!([example]));
    property.into_iter().collect::<Map<_, _>>().into()
}

fn shape(kind: Kind) -> Map<String, Value> {
    let text = json!({ "type": "string", "minLength": 1 });
    let shape = match kind {
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::List => json!({ "type": "array", "items": text }),
        Kind::Count => json!({ "type": "integer", "minimum": 0 }),
        Kind::Number => json!({ "type": "number", "minimum": 0 }),
        Kind::Tempo => json!({ "type": ["string", "number"], "minimum": 0 }),
        Kind::Size | Kind::Cap => json!({ "type": ["string", "integer"], "minimum": 0 }),
        Kind::Text | Kind::Hidden | Kind::Secret | Kind::Address | Kind::Path | Kind::Time | Kind::Share => text,
    };
    match shape {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_described_at_both_places() {
        let schema = schema();
        let profile = &schema["properties"]["profiles"]["additionalProperties"];
        for (place, more) in [(&schema, 1), (profile, 0)] {
            assert_eq!(place["additionalProperties"], false);
            assert_eq!(place["properties"].as_object().unwrap().len(), KEYS.len() - 1 + more);
        }
        assert!(schema["properties"].get("client_secret").is_none());
    }

    #[test]
    fn the_shapes_take_what_the_file_takes() {
        for key in KEYS.iter().filter(|key| key.kind != Kind::Secret) {
            let property = &schema()["properties"][key.name];
            let types = match &property["type"] {
                Value::Array(types) => types.clone(),
                one => vec![one.clone()],
            };
            let has = |name: &str| types.iter().any(|one| one == name);
            assert_eq!(has("string"), key.kind.takes_text(), "{}", key.name);
            assert_eq!(has("integer") || has("number"), key.kind.takes_count(), "{}", key.name);
            assert_eq!(has("number"), key.kind.takes_fraction(), "{}", key.name);
            assert_eq!(has("boolean"), key.kind == Kind::Switch, "{}", key.name);
            assert_eq!(has("array"), key.kind == Kind::List, "{}", key.name);
            let example = &property["examples"][0];
            let fits = example.is_string() && has("string")
                || example.is_number() && (has("integer") || has("number"))
                || example.is_boolean() && has("boolean")
                || example.is_array() && has("array");
            assert!(fits, "{}: {example}", key.name);
        }
    }
}
