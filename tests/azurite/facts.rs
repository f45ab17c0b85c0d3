//! The statements of `docs/api-contract.md` about the store, as far as Azurite shows them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Response;

use crate::azurite::{Azurite, Upload, md5};

const BYTES: &[u8] = b"0123456789";

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn the_headers_of_a_blob() {
    let Some(azurite) = Azurite::start() else { return };
    let blobs = &azurite.blobs;
    let hash = STANDARD.encode(md5(BYTES));
    let uploads = [("whole", Upload::Whole), ("blocks", Upload::Blocks(4)), ("hashed", Upload::BlocksWithMd5(4))];
    for (blob, how) in uploads {
        blobs.upload(blob, BYTES, how);
        let whole = blobs.get(blob, 60, &[]);
        assert_eq!(whole.status(), 200, "{blob}");
        assert_eq!(header(&whole, "x-ms-blob-type"), Some("BlockBlob"));
        assert_eq!(header(&whole, "accept-ranges"), Some("bytes"));
        assert_eq!(header(&whole, "content-length"), Some("10"));
        assert!(header(&whole, "etag").unwrap().starts_with("\"0x"));
        assert!(header(&whole, "last-modified").unwrap().ends_with("GMT"));
        assert!(header(&whole, "x-ms-request-id").is_some() && header(&whole, "x-ms-version").is_some());

        let part = blobs.get(blob, 60, &[("range", "bytes=4-")]);
        assert_eq!(part.status(), 206, "{blob}");
        assert_eq!(header(&part, "content-range"), Some("bytes 4-9/10"));
        assert_eq!(header(&part, "etag"), header(&whole, "etag"));
        assert_eq!(header(&part, "content-md5"), None);
        let known = (how != Upload::Blocks(4)).then_some(hash.as_str());
        assert_eq!(header(&part, "x-ms-blob-content-md5"), known, "{blob}");
        assert_eq!(blobs.body(part), &BYTES[4..]);
    }
}

#[test]
fn conditions_on_a_part() {
    let Some(azurite) = Azurite::start() else { return };
    let blobs = &azurite.blobs;
    blobs.upload("a", BYTES, Upload::Whole);
    let old = header(&blobs.get("a", 60, &[]), "etag").unwrap().to_owned();
    blobs.upload("a", b"abcdefghij", Upload::Whole);
    let range = ("range", "bytes=4-");
    // `If-Range` is ignored: the rest of the new blob comes, and only its ETag shows it.
    let part = blobs.get("a", 60, &[range, ("if-range", &old)]);
    assert_eq!(part.status(), 206);
    assert_ne!(header(&part, "etag"), Some(old.as_str()));
    assert_eq!(blobs.body(part), b"efghij");
    let refused = blobs.get("a", 60, &[range, ("if-match", &old)]);
    assert_eq!((refused.status().as_u16(), header(&refused, "x-ms-error-code")), (412, Some("ConditionNotMet")));
}

#[test]
fn refusals() {
    let Some(azurite) = Azurite::start() else { return };
    let blobs = &azurite.blobs;
    blobs.upload("a", BYTES, Upload::Whole);
    // Azure says AuthenticationFailed, Azurite AuthorizationFailure.
    for (blob, seconds, status, code) in [
        ("a", -60, 403, "AuthorizationFailure"),
        ("b", -60, 403, "AuthorizationFailure"),
        ("b", 60, 404, "BlobNotFound"),
    ] {
        let refused = blobs.get(blob, seconds, &[]);
        assert_eq!((refused.status().as_u16(), header(&refused, "x-ms-error-code")), (status, Some(code)));
        assert_eq!(header(&refused, "content-type"), Some("application/xml"));
        assert_eq!(header(&refused, "x-ms-blob-type"), None);
        let text = String::from_utf8(blobs.body(refused)).unwrap();
        assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
    }
}
