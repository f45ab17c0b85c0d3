//! Generated organisations over HTTP.

use std::collections::BTreeMap;

use ibinder_sync::sandbox::{Generated, Organisation, Sandbox, Settings};

use crate::client::{Api, body, http, start, text};

fn wanted(day: u32) -> Generated {
    Generated { binders: 3, documents: 120, seed: 9, day, document_size: None }
}

/// A version, a name and a folder.
type Seen = (String, String, String);

/// What a client sees of each document.
async fn look(organisation: Organisation) -> BTreeMap<String, Seen> {
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    let page = body(api.search("pageSize=250&pageNumber=1", &[]).await).await;
    let items = page["items"].as_array().unwrap().iter();
    let seen = |item: &serde_json::Value| {
        (text(&item["latestVersionId"]), text(&item["fileName"]), item["folderId"].to_string())
    };
    items.map(|item| (text(&item["id"]), seen(item))).collect()
}

#[tokio::test]
async fn the_second_day_is_deterministic_and_differs_from_the_first() {
    let first = look(Organisation::generated(&wanted(1))).await;
    let second = look(Organisation::generated(&wanted(2))).await;
    assert_eq!(second, look(Organisation::generated(&wanted(2))).await);
    let changes = Organisation::generated(&wanted(2)).day_changes();
    let new = second.keys().filter(|id| !first.contains_key(*id)).count();
    let gone = first.keys().filter(|id| !second.contains_key(*id)).count();
    let differ = |differ: fn(&Seen, &Seen) -> bool| {
        second.iter().filter(|(id, now)| first.get(*id).is_some_and(|then| differ(then, now))).count()
    };
    assert_eq!((new, gone), (changes.added, changes.removed));
    assert_eq!(differ(|then, now| then.0 != now.0), changes.revised);
    assert_eq!(differ(|then, now| then.1 != now.1), changes.renamed);
    assert_eq!(differ(|then, now| then.2 != now.2), changes.moved);
    assert_eq!(first.len() + changes.added - changes.removed, second.len());
}

#[tokio::test]
async fn large_documents_are_streamed_completely() {
    let size = 5_000_000;
    let organisation = Organisation::generated(&Generated { document_size: Some(size), ..wanted(1) });
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    let document = sandbox.with_organisation(|organisation| organisation.documents().pop().unwrap());
    let link = api.link(&document.id).await;
    let blob = http().get(&link).send().await.unwrap();
    assert_eq!(blob.content_length(), Some(size));
    let whole = blob.bytes().await.unwrap();
    let held = sandbox.with_organisation(|organisation| organisation.bytes(&document.id, &document.version).unwrap());
    assert!(whole == held, "the streamed bytes differ");
    let part = http().get(&link).header("range", "bytes=100000-4999990").send().await.unwrap();
    assert!(part.bytes().await.unwrap() == whole[100_000..=4_999_990], "the range differs");
}

#[tokio::test]
async fn guids_vary_in_case_only() {
    let sandbox = Sandbox::start(Organisation::generated(&wanted(1)), Settings::default()).unwrap();
    let api = Api::new(&sandbox).await;
    let (one, two) = (api.crawl(250, &[]).await, api.crawl(250, &[]).await);
    assert_ne!(one, two);
    let lower = |ids: &[String]| ids.iter().map(|id| id.to_lowercase()).collect::<Vec<_>>();
    assert_eq!(lower(&one), lower(&two));
    let upper = one.iter().find(|id| **id != id.to_lowercase()).unwrap();
    assert_eq!(api.get(&format!("/documents/{upper}")).await.status(), 200);
}

#[tokio::test]
async fn awkward_names_are_among_the_documents() {
    let seen = look(Organisation::generated(&wanted(1))).await;
    let names: Vec<&String> = seen.values().map(|(_, name, _)| name).collect();
    assert!(names.iter().any(|name| name.is_empty()));
    assert!(names.iter().any(|name| name.len() > 255));
    assert_eq!(names.iter().filter(|name| name.to_lowercase() == "protokoll.pdf").count(), 4);
    assert!(names.iter().any(|name| name.contains('\u{308}')));
}
