//! An organisation made from a folder, and the effect of changed files.

use std::fs;
use std::path::Path;

use ibinder_sync::sandbox::{Organisation, Route};
use reqwest::Client;

use crate::client::{Api, body, http, problem, start, text};

fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

async fn fetch(http: &Client, link: &str) -> Vec<u8> {
    http.get(link).send().await.unwrap().bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn folders_become_binders_and_files_documents() {
    let root = tempfile::tempdir().unwrap();
    let large = vec![b'z'; 700_001];
    write(root.path(), "Brf Eken/Ritningar/Hus A/plan.pdf", &large);
    write(root.path(), "Brf Eken/avtal.txt", b"agreement");
    write(root.path(), "lös.txt", b"loose");
    fs::create_dir(root.path().join("Tom")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.path().join("lös.txt"), root.path().join("Brf Eken/länk.txt")).unwrap();

    let organisation = Organisation::from_folder(root.path()).unwrap();
    let again = Organisation::from_folder(root.path()).unwrap();
    assert_eq!((organisation.id(), organisation.documents()), (again.id(), again.documents()));
    let own = root.path().file_name().unwrap().to_str().unwrap();
    let mut seen: Vec<_> = organisation
        .documents()
        .into_iter()
        .map(|document| (document.binder_name, document.folders.join("/"), document.file_name, document.size))
        .collect();
    seen.sort();
    let mut expected = [
        ("Brf Eken".to_owned(), String::new(), "avtal.txt".to_owned(), 9),
        ("Brf Eken".to_owned(), "Ritningar/Hus A".to_owned(), "plan.pdf".to_owned(), 700_001),
        (own.to_owned(), String::new(), "lös.txt".to_owned(), 5),
    ];
    expected.sort();
    assert_eq!(seen, expected);

    let plan = organisation.documents().into_iter().find(|document| document.file_name == "plan.pdf").unwrap();
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    let link = api.link(&plan.id).await;
    assert!(fetch(&http(), &link).await == large, "the streamed file differs");
    assert_eq!(sandbox.count(Route::Blob), 1);
}

#[tokio::test]
async fn links_may_lead_to_another_server() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "Brf Eken/Hus A/50 % \"plan\".pdf", b"plan");
    let sandbox = start(Organisation::from_folder(root.path()).unwrap());
    let api = Api::new(&sandbox).await;
    let plan = sandbox.with_organisation(|o| o.documents().remove(0));
    for url in ["http://127.0.0.1:1/", "http://127.0.0.1:1"] {
        sandbox.change_settings(|settings| settings.blobs_from = Some(url.parse().unwrap()));
        assert_eq!(api.link(&plan.id).await, "http://127.0.0.1:1/Brf%20Eken/Hus%20A/50%20%25%20%22plan%22.pdf");
    }
    write(root.path(), "Brf Eken/late.txt", b"late");
    assert_eq!(body(api.search("pageSize=10&pageNumber=1", &[]).await).await["totalCount"], 1, "it is read once");
}

#[tokio::test]
async fn edits_are_seen_by_the_next_run() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "Brf Eken/a.txt", b"one");
    write(root.path(), "Brf Eken/b.txt", b"stays");
    let sandbox = start(Organisation::from_folder(root.path()).unwrap());
    let api = Api::new(&sandbox).await;
    let documents = sandbox.with_organisation(|organisation| organisation.documents());
    let (edited, kept) = (&documents[0], &documents[1]);
    let link = api.link(&edited.id).await;
    assert_eq!(fetch(&http(), &link).await, b"one");

    write(root.path(), "Brf Eken/a.txt", b"edited");
    write(root.path(), "Kv. Örnen/c.txt", b"new");
    // The old version's bytes are gone, and the document has another version.
    assert_eq!(http().get(&link).send().await.unwrap().status(), 404);
    let now = body(api.get(&format!("/documents/{}", edited.id)).await).await;
    assert_ne!(text(&now["latestVersionId"]), edited.version);
    assert_eq!(fetch(&http(), &api.link(&edited.id).await).await, b"edited");

    write(root.path(), "Kv. Örnen/d.txt", b"newer");
    assert_eq!(body(api.get("/binders").await).await.as_array().unwrap().len(), 2);
    assert_eq!(api.crawl(10, &[]).await.len(), 4);
    fs::remove_file(root.path().join("Brf Eken/a.txt")).unwrap();
    fs::remove_dir_all(root.path().join("Kv. Örnen")).unwrap();
    assert_eq!(body(api.get("/binders").await).await.as_array().unwrap().len(), 1);
    assert_eq!(api.crawl(10, &[]).await, [kept.id.as_str()]);
    problem(api.get(&format!("/documents/{}", edited.id)).await, 404).await;
}
