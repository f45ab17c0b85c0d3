//! The file described as a JSON schema, for editors.

use schemars::{JsonSchema as _, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value, json};

use super::{KEYS, Key, Kind, key::MAIL};

/// The schema, of draft 2020-12: settings, and profiles with settings of their own.
pub fn schema() -> Value {
    let generator = &mut SchemaSettings::draft2020_12().into_generator();
    let mut top = properties(generator);
    let profiles = json_schema!({
        "description": "Profiles by name, for several organisations: their settings overrule those above them",
        "type": "object",
        "additionalProperties": object(&properties(generator)),
    });
    top.insert("profiles".to_owned(), profiles.to_value());
    let mut root = object(&top);
    root.insert("$schema".to_owned(), json!(generator.settings().meta_schema));
    root.insert("title".to_owned(), json!("The configuration of ibinder-sync"));
    root.to_value()
}

fn object(properties: &Map<String, Value>) -> Schema {
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn properties(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let (mut all, mut of_mail) = (Map::new(), Map::new());
    for key in KEYS.iter().filter(|key| key.kind != Kind::Secret) {
        let (name, property) = (key.in_file(), property(key, generator));
        match name.split_once('.') {
            Some((_, name)) => of_mail.insert(name.to_owned(), property),
            None => all.insert(name, property),
        };
    }
    all.insert(MAIL.to_owned(), object(&of_mail).to_value());
    all
}

fn property(key: &Key, generator: &mut SchemaGenerator) -> Value {
    let mut property = shape(key.kind, generator);
    property.insert("description".to_owned(), key.full_help().into());
    // TOML and JSON write these alike.
    property.insert("examples".to_owned(), json!([key.example()]));
    property.to_value()
}

fn shape(kind: Kind, generator: &mut SchemaGenerator) -> Schema {
    match kind {
        Kind::Switch => bool::json_schema(generator),
        Kind::List => Vec::<String>::json_schema(generator),
        Kind::Count => u64::json_schema(generator),
        Kind::Number => f64::json_schema(generator),
        Kind::Rate => json_schema!({ "type": ["string", "number"], "minimum": 0 }),
        Kind::Size | Kind::Cap => json_schema!({ "type": ["string", "integer"], "minimum": 0 }),
        Kind::Text | Kind::Hidden | Kind::Secret | Kind::Address | Kind::Path | Kind::Time | Kind::Share => {
            json_schema!({ "type": "string", "minLength": 1 })
        }
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
            let properties = place["properties"].as_object().unwrap();
            let of_mail = properties["mail"]["properties"].as_object().unwrap().len();
            assert_eq!(properties.len() - 1 + of_mail, KEYS.len() - 2 + more);
        }
        assert!(schema["properties"].get("client_secret").is_none());
        assert!(schema["properties"]["mail"]["properties"].get("password").is_none());
    }

    fn pointer(key: &Key) -> String {
        format!("/properties/{}", key.in_file().replace('.', "/properties/"))
    }

    #[test]
    fn the_shapes_take_what_the_file_takes() {
        for key in KEYS.iter().filter(|key| key.kind != Kind::Secret) {
            let property = &schema().pointer(&pointer(key)).cloned().unwrap();
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
