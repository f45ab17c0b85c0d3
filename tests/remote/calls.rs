use ibinder_sync::{
    model::{BinderId, FolderId},
    remote::{ErrorKind, Query},
};

use crate::{
    binder, document, remote,
    server::{Server, json},
    version,
};

#[tokio::test]
async fn every_request_has_token_and_tenant() {
    let server = Server::api(|_, _| json("[]"));
    let (remote, _) = remote(&server);
    remote.binders().await.unwrap();
    let seen = &server.seen("/api/binders")[0];
    assert_eq!(seen.header("authorization"), Some("Bearer tok-1"));
    assert_eq!(seen.header("x-ibinder-tenantid"), Some("ORG-1"));
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert!(seen.header("user-agent").unwrap().starts_with("ibinder-sync/"));
}

#[tokio::test]
async fn a_search() {
    let server = Server::api(|_, _| {
        json(
            "\u{feff}{\"items\":[{\"id\":\"A\"},{\"id\":7},{\"id\":\"b\",\"binderId\":\"Other\"}],\
             \"totalCount\":\"12\",\"pageNumber\":2,\"pageSize\":3}",
        )
    });
    let (remote, _) = remote(&server);
    let (binder, tab) = (binder(), FolderId::parse("tab-1").unwrap());
    let page = remote.search(&Query { binder: Some(&binder), tab: Some(&tab), order: None }, 2, 250).await.unwrap();
    assert_eq!((page.total, page.page_number, page.page_size), (12, 2, 3));
    assert_eq!(page.items[0].as_ref().unwrap().binder, binder);
    assert_eq!(page.items[1].as_ref().unwrap_err().position, 1);
    assert_eq!(page.items[2].as_ref().unwrap().binder.as_str(), "Other");
    let seen = &server.seen("/api/documents")[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/api/documents?pageSize=250&pageNumber=2"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert!(seen.body.contains(r#"{"metadataElementId":"GLOBAL_TabId","valueId":"tab-1"}"#));
}

#[tokio::test]
async fn folders() {
    let server = Server::api(|_, _| json(r#"[{"id":"F","name":"Ritningar","parentId":null}]"#));
    let (remote, _) = remote(&server);
    let (binder, folder) = (BinderId::parse("a/b").unwrap(), FolderId::parse("T 1").unwrap());
    let tabs = remote.tabs(&binder).await.unwrap();
    assert_eq!(tabs[0].as_ref().unwrap().parent, None);
    let folders = remote.subfolders(&binder, &folder).await.unwrap();
    assert_eq!(folders[0].as_ref().unwrap().parent, Some(folder));
    assert_eq!(server.count("/api/documents/drives/binders/a%2Fb"), 1);
    assert_eq!(server.count("/api/documents/drives/binders/a%2Fb/folders/T%201"), 1);
}

#[tokio::test]
async fn the_metadata_schema_is_returned_unchanged() {
    let server = Server::api(|_, _| json(" [ {\"id\": \"x\"} ] "));
    let (remote, _) = remote(&server);
    assert_eq!(&*remote.metadata_elements(&binder()).await.unwrap(), "[ {\"id\": \"x\"} ]");
    assert_eq!(server.count("/api/binders/Binder_1/metadataelements"), 1);
}

#[tokio::test]
async fn a_link_that_may_not_be_followed() {
    let server = Server::api(|_, _| json(r#"{"url":"file:///etc/passwd?hush"}"#));
    let (remote, _) = remote(&server);
    let error = remote.download_link(&document(), &version()).await.unwrap_err();
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Rejected, 1));
    assert!(!error.to_string().contains("hush"), "{error}");
    assert_eq!(server.count("/api/documents/doc-1/versions/ver-1/downloadlink"), 1);
}
