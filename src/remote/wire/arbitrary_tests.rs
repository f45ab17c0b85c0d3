use proptest::{collection::vec, prelude::*};

use super::{document, page::page, *};
use crate::model::{BinderId, DocumentId};

/// JSON of any shape, sometimes with the service's field names.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<u64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| serde_json::json!(n).to_string()),
        any::<String>().prop_map(|text| serde_json::json!(text).to_string()),
        "[-a-zA-Z0-9_]{1,40}".prop_map(|text| serde_json::json!(text).to_string()),
        Just(r#""\ud800""#.to_owned()),
    ];
    let field = prop_oneof![
        Just("items".to_owned()),
        Just("totalCount".to_owned()),
        Just("pageNumber".to_owned()),
        Just("pageSize".to_owned()),
        Just("id".to_owned()),
        Just("name".to_owned()),
        Just("fileName".to_owned()),
        Just("folderId".to_owned()),
        Just("parentId".to_owned()),
        Just("binderId".to_owned()),
        Just("latestVersionId".to_owned()),
        Just("metadata".to_owned()),
        Just("metadataElementId".to_owned()),
        Just("valueId".to_owned()),
        Just("url".to_owned()),
        Just("access_token".to_owned()),
        Just("expires_in".to_owned()),
        any::<String>(),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            vec((field.clone(), inner), 0..8).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.into_iter().map(|(name, value)| format!("{}:{value}", serde_json::json!(name))).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

/// JSON, damaged JSON, and other text.
fn answer() -> impl Strategy<Value = String> {
    let spoiled = (json(), any::<prop::sample::Index>(), any::<String>()).prop_map(|(text, at, with)| {
        let at = text.char_indices().map(|(at, _)| at).nth(at.index(text.chars().count())).unwrap_or(0);
        format!("{}{with}", &text[..at])
    });
    let enveloped = (vec(json(), 0..6), json())
        .prop_map(|(items, total)| format!(r#"{{"items":[{}],"totalCount":{total}}}"#, items.join(",")));
    prop_oneof![json(), enveloped, spoiled, any::<String>()]
}

proptest! {
    #[test]
    fn any_answer_is_read_or_refused(text in answer()) {
        let binder = BinderId::parse("asked").unwrap();
        let id = DocumentId::parse("ab-1").unwrap();
        if let Ok(page) = page(&text, Some(&binder), 1, 250) {
            // The cost of an item is bounded by the size of the response.
            prop_assert!(page.items.len() <= text.len());
            prop_assert!(page.page_size > 0);
            let odd = page.items.iter().filter_map(|item| item.as_ref().err());
            prop_assert!(odd.into_iter().all(|odd| odd.to_string().chars().count() < 1000));
        }
        let _ = page(&text, None, u32::MAX, u32::MAX);
        if let Ok(listed) = document(&text, &id) {
            prop_assert_eq!(listed.id, id);
        }
        let _ = binders(&text);
        let _ = folders(&text, &binder, None);
    }

    #[test]
    fn any_metadata_are_searched(text in json()) {
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str(&text).unwrap();
        let _ = (super::metadata::find(&raw, BINDER), super::metadata::find(&raw, TAB));
    }
}

/// The error of an item does not grow with it.
#[test]
fn endless_texts_are_cut() {
    let long = "x".repeat(10_000_000);
    let items = format!(r#"[{{"id":"{long}","name":"n"}},{{"id":7,"totalCount":"{long}"}},"{long}"]"#);
    let page = page(&format!(r#"{{"items":{items},"totalCount":3}}"#), None, 1, 3).unwrap();
    let lists = binders(&items).unwrap().into_iter().map(|item| item.unwrap_err());
    let odd: Vec<_> = page.items.into_iter().map(|item| item.unwrap_err()).chain(lists).collect();
    assert_eq!(odd.len(), 6);
    assert!(odd.iter().all(|odd| odd.to_string().len() < 1000));
}

/// Names are cut too.
#[test]
fn endless_names_are_cut() {
    let long = "å/".repeat(1_000_000);
    let item = format!(r#"{{"id":"x","name":"{long}","fileName":"{long}"}}"#);
    let page = page(&format!(r#"{{"items":[{item}],"totalCount":1}}"#), Some(&BinderId::parse("b").unwrap()), 1, 3);
    assert_eq!(page.unwrap().items[0].as_ref().unwrap().file_name.chars().count(), 4096);
    assert_eq!(binders(&format!("[{item}]")).unwrap()[0].as_ref().unwrap().name.chars().count(), 4096);
}

/// Deep nesting fails instead of overflowing the stack.
#[test]
fn deep_nesting_is_refused() {
    let id = DocumentId::parse("ab-1").unwrap();
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"{"metadata":["#, "]}"), (r#"{"items":["#, "]}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for text in [&deep, &open.repeat(100_000), &format!(r#"{{"items":[{deep}],"totalCount":1}}"#)] {
            let _ = (page(text, None, 1, 1), document(text, &id), binders(text));
            let _ = folders(text, &BinderId::parse("b").unwrap(), None);
        }
    }
}
