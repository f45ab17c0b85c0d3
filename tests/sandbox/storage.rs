//! Links and the bytes behind them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ibinder_sync::sandbox::{Organisation, Route, Sandbox};
use md5::{Digest, Md5};
use reqwest::{Response, StatusCode};

use crate::client::{Api, http, problem, start};

const BYTES: &[u8] = b"0123456789";

/// A sandbox with one document, and a link to it.
async fn with_link() -> (Sandbox, Api, String, String) {
    let mut organisation = Organisation::empty();
    let binder = organisation.add_binder("Brf Eken");
    let document = organisation.add_document(&binder, None, "siffror.txt", BYTES).unwrap();
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    let link = api.link(&document).await;
    (sandbox, api, document, link)
}

async fn get(link: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers.iter().fold(http().get(link), |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

/// An error as an object store writes it.
async fn refused(response: Response, status: u16, code: &str) {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/xml");
    let text = response.text().await.unwrap();
    assert!(text.starts_with("<?xml") && text.contains(&format!("<Code>{code}</Code>")), "{text}");
}

#[tokio::test]
async fn a_blob_is_described_by_its_headers() {
    let (sandbox, _, _, link) = with_link().await;
    assert!(link.starts_with(&sandbox.storage_url()));
    assert_ne!(sandbox.storage_url(), sandbox.api_url().replace("/api", ""));
    let blob = get(&link, &[]).await;
    assert_eq!(blob.status(), 200);
    let header = |name: &str| blob.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-length"), "10");
    assert_eq!(header("accept-ranges"), "bytes");
    assert_eq!(header("content-md5"), STANDARD.encode(Md5::digest(BYTES)));
    assert!(header("etag").starts_with('"') && header("last-modified").ends_with("GMT"));
    assert_eq!(blob.bytes().await.unwrap(), BYTES);

    sandbox.change_settings(|settings| {
        (settings.etag, settings.last_modified, settings.content_md5, settings.ranges) = (false, false, false, false);
    });
    let blob = get(&link, &[("range", "bytes=2-3")]).await;
    assert_eq!(blob.status(), 200);
    for name in ["etag", "last-modified", "content-md5", "accept-ranges"] {
        assert!(!blob.headers().contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn ranges_are_cut_out_if_the_validator_still_holds() {
    let (sandbox, _, _, link) = with_link().await;
    let whole = get(&link, &[]).await;
    let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
    let modified = whole.headers()["last-modified"].to_str().unwrap().to_owned();
    for condition in [None, Some(&etag), Some(&modified)] {
        let mut headers = vec![("range", "bytes=4-")];
        headers.extend(condition.map(|value| ("if-range", value.as_str())));
        let part = get(&link, &headers).await;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.headers()["content-range"], "bytes 4-9/10");
        assert_eq!(part.headers()["content-length"], "6");
        assert!(!part.headers().contains_key("content-md5"));
        assert_eq!(part.bytes().await.unwrap(), &BYTES[4..]);
    }
    let changed = get(&link, &[("range", "bytes=4-"), ("if-range", "\"other\"")]).await;
    assert_eq!((changed.status(), changed.bytes().await.unwrap().as_ref()), (StatusCode::OK, BYTES));
    let beyond = get(&link, &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.headers()["content-range"], "bytes */10");
    refused(beyond, 416, "InvalidRange").await;
    let ranges: Vec<_> = sandbox.requests().into_iter().filter_map(|request| request.range).collect();
    assert_eq!(ranges.len(), 5);
}

#[tokio::test]
async fn links_expire_and_can_not_be_forged() {
    let (sandbox, api, document, link) = with_link().await;
    refused(get(&format!("{link}0"), &[]).await, 403, "SignatureDoesNotMatch").await;
    refused(get(link.split('?').next().unwrap(), &[]).await, 403, "AccessDenied").await;
    refused(get(&link.replace("expires=", "expires=9"), &[]).await, 403, "SignatureDoesNotMatch").await;
    sandbox.advance(Duration::from_mins(4));
    assert_eq!(get(&link, &[]).await.status(), 200);
    sandbox.advance(Duration::from_mins(1));
    refused(get(&link, &[]).await, 403, "AccessDenied").await;
    assert_eq!(get(&api.link(&document).await, &[]).await.status(), 200);
    let queries = sandbox.requests().into_iter().filter(|request| request.route == Route::Blob);
    assert!(queries.into_iter().all(|request| !request.path.contains('?')));
}

#[tokio::test]
async fn leaked_credentials_are_refused() {
    let (sandbox, api, _, link) = with_link().await;
    let bearer = format!("Bearer {}", api.token);
    refused(get(&link, &[("authorization", &bearer)]).await, 400, "InvalidArgument").await;
    let organisation = sandbox.with_organisation(|organisation| organisation.id());
    refused(get(&link, &[("x-ibinder-tenantid", &organisation)]).await, 400, "InvalidArgument").await;
    assert_eq!(get(&link, &[]).await.status(), 200);
}

#[tokio::test]
async fn old_versions_stay_readable() {
    let (sandbox, api, document, link) = with_link().await;
    let old = sandbox.with_organisation(|organisation| {
        let old = organisation.documents()[0].version.clone();
        organisation.revise(&document, "new").unwrap();
        old
    });
    assert_eq!(get(&api.link(&document).await, &[]).await.bytes().await.unwrap(), "new");
    assert_eq!(get(&api.link_to(&document, &old).await, &[]).await.bytes().await.unwrap(), BYTES);
    assert_eq!(get(&link, &[]).await.bytes().await.unwrap(), BYTES);
    problem(api.get(&format!("/documents/{document}/versions/{document}/downloadlink")).await, 404).await;
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_its_connection() {
    let (sandbox, _, _, link) = with_link().await;
    sandbox.change_settings(|settings| settings.length = false);
    let blob = get(&link, &[]).await;
    assert_eq!(blob.content_length(), None);
    assert!(!blob.headers().contains_key("transfer-encoding"));
    assert_eq!(blob.bytes().await.unwrap(), BYTES);
}
