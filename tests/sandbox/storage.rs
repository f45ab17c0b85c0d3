//! Links and the bytes behind them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ibinder_sync::sandbox::{Organisation, Route, Sandbox, Store};
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

/// An error in Azure's format, or in that of S3 if Azure's request id is missing.
async fn refused(response: Response, status: u16, code: &str) {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/xml");
    if response.headers().contains_key("x-ms-request-id") {
        assert_eq!(response.headers()["x-ms-error-code"], code);
        assert!(response.headers().contains_key("x-ms-version"));
    } else {
        assert!(response.headers().contains_key("x-amz-request-id"));
    }
    assert!(!response.headers().contains_key("x-ms-blob-type"), "an error has no marks of a blob");
    let text = response.text().await.unwrap();
    let xml = text.trim_start_matches('\u{feff}');
    assert!(xml.starts_with("<?xml") && text.contains(&format!("<Code>{code}</Code>")), "{text}");
}

/// The value of a field of a link's query.
fn field(link: &str, name: &str) -> String {
    let url = url::Url::parse(link).unwrap();
    url.query_pairs().find(|(key, _)| key == name).unwrap_or_else(|| panic!("no {name} in {link}")).1.into_owned()
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
    assert!(header("etag").starts_with("\"0x") && header("last-modified").ends_with("GMT"));
    assert_eq!(header("x-ms-blob-type"), "BlockBlob");
    assert!(!header("x-ms-request-id").is_empty() && !header("x-ms-version").is_empty());
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
async fn ranges_are_served_despite_if_range() {
    let (sandbox, _, _, link) = with_link().await;
    let whole = get(&link, &[]).await;
    let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
    for condition in [None, Some(etag.as_str()), Some("\"other\"")] {
        let mut headers = vec![("range", "bytes=4-")];
        headers.extend(condition.map(|value| ("if-range", value)));
        let part = get(&link, &headers).await;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{condition:?}");
        assert_eq!(part.headers()["content-range"], "bytes 4-9/10");
        assert_eq!(part.headers()["content-length"], "6");
        assert_eq!(part.headers()["etag"], etag);
        assert_eq!(part.headers()["x-ms-blob-content-md5"], STANDARD.encode(Md5::digest(BYTES)), "that of the whole");
        assert!(!part.headers().contains_key("content-md5"));
        assert_eq!(part.bytes().await.unwrap(), &BYTES[4..]);
    }
    let beyond = get(&link, &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.headers()["content-range"], "bytes */10");
    refused(beyond, 416, "InvalidRange").await;
    let ranges: Vec<_> = sandbox.requests().into_iter().filter_map(|request| request.range).collect();
    assert_eq!(ranges.len(), 4);
}

#[tokio::test]
async fn links_expire_and_cannot_be_forged() {
    let (sandbox, api, document, link) = with_link().await;
    assert_eq!((field(&link, "sp"), field(&link, "sr")), ("r".into(), "b".into()));
    let end: jiff::Timestamp = field(&link, "se").parse().unwrap();
    let lives = end.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((290..=300).contains(&lives), "{lives} seconds");
    refused(get(&format!("{link}0"), &[]).await, 403, "AuthenticationFailed").await;
    refused(get(link.split('?').next().unwrap(), &[]).await, 403, "AuthenticationFailed").await;
    refused(get(&link.replace("se=2", "se=3"), &[]).await, 403, "AuthenticationFailed").await;
    sandbox.advance(Duration::from_mins(4));
    assert_eq!(get(&link, &[]).await.status(), 200);
    sandbox.advance(Duration::from_mins(1));
    refused(get(&link, &[]).await, 403, "AuthenticationFailed").await;
    assert_eq!(get(&api.link(&document).await, &[]).await.status(), 200);
    let queries = sandbox.requests().into_iter().filter(|request| request.route == Route::Blob);
    assert!(queries.into_iter().all(|request| !request.path.contains('?')));
}

#[tokio::test]
async fn storage_can_imitate_s3() {
    let (sandbox, api, document, _) = with_link().await;
    sandbox.change_settings(|settings| settings.store = Store::S3);
    let link = api.link(&document).await;
    assert_eq!((field(&link, "X-Amz-Expires").as_str(), field(&link, "X-Amz-SignedHeaders").as_str()), ("300", "host"));
    let whole = get(&link, &[]).await;
    assert_eq!(whole.status(), 200);
    assert!(whole.headers().contains_key("x-amz-request-id") && !whole.headers().contains_key("x-ms-blob-type"));
    assert_eq!(whole.headers()["content-md5"], STANDARD.encode(Md5::digest(BYTES)));
    let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
    let modified = whole.headers()["last-modified"].to_str().unwrap().to_owned();
    for (condition, status) in [(&etag, 206), (&modified, 206), (&"\"other\"".to_owned(), 200)] {
        let part = get(&link, &[("range", "bytes=4-"), ("if-range", condition)]).await;
        assert_eq!(part.status(), status, "{condition}");
        assert!(!part.headers().contains_key("x-ms-blob-content-md5"));
    }
    refused(get(&format!("{link}0"), &[]).await, 403, "SignatureDoesNotMatch").await;
    refused(get(link.split('?').next().unwrap(), &[]).await, 403, "AccessDenied").await;
    sandbox.advance(Duration::from_mins(6));
    refused(get(&link, &[]).await, 403, "AccessDenied").await;
}

#[tokio::test]
async fn leaked_credentials_are_refused() {
    let (sandbox, api, _, link) = with_link().await;
    let bearer = format!("Bearer {}", api.token);
    refused(get(&link, &[("authorization", &bearer)]).await, 400, "InvalidAuthenticationInfo").await;
    let organisation = sandbox.with_organisation(|organisation| organisation.id());
    refused(get(&link, &[("x-ibinder-tenantid", &organisation)]).await, 400, "InvalidAuthenticationInfo").await;
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
