//! SAS links, signed with the well-known key of the development account.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded::Serializer;

pub(crate) const ACCOUNT: &str = "devstoreaccount1";
pub(crate) const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// The signed fields differ between versions of the interface.
const VERSION: &str = "2022-11-02";

/// The query of a link that reads one blob, valid for this many seconds; below zero it has expired.
pub(crate) fn reads(container: &str, blob: &str, seconds: i64) -> String {
    let end = end(seconds);
    let resource = format!("/blob/{ACCOUNT}/{container}/{blob}");
    // Permissions, start, end, resource, identifier, addresses, protocol, version, kind, then snapshot, encryption
    // scope and five response headers.
    let signed = ["r", "", &end, &resource, "", "", "", VERSION, "b", "", "", "", "", "", "", ""].join("\n");
    query(&[("sv", VERSION), ("sr", "b"), ("sp", "r"), ("se", &end), ("sig", &sign(&signed))])
}

/// The query that allows everything with the account's containers and blobs.
pub(crate) fn administers() -> String {
    let end = end(3600);
    // Account, permissions, services, kinds of resource, start, end, addresses, protocol, version, encryption scope.
    let signed = [ACCOUNT, "rwdlac", "b", "sco", "", &end, "", "", VERSION, "", ""].join("\n");
    let fields =
        [("sv", VERSION), ("ss", "b"), ("srt", "sco"), ("sp", "rwdlac"), ("se", &end), ("sig", &sign(&signed))];
    query(&fields)
}

fn end(seconds: i64) -> String {
    let end = Timestamp::now() + SignedDuration::from_secs(seconds);
    end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn query(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn sign(text: &str) -> String {
    STANDARD.encode(hmac(&STANDARD.decode(KEY).unwrap(), text.as_bytes()))
}

/// HMAC-SHA256 with a key of at most 64 bytes.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[test]
fn hmac_is_the_one_of_rfc_4231() {
    let hash = hmac(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(STANDARD.encode(hash), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
}
