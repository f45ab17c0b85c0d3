//! What the stores do, as far as a copy depends on it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::TryStreamExt as _;
use object_store::{
    Error, ObjectStore as _, ObjectStoreExt as _, PutMode, WriteMultipart,
    multipart::{MultipartStore as _, PartId},
    parse_url_opts,
    path::Path,
    signer::{SignedUrlOptions, Signer as _},
};
use reqwest::{
    Method,
    header::{HeaderName, HeaderValue},
};
use sha2::{Digest as _, Sha256};

use crate::{
    azurite::{CONTAINER, md5},
    sas,
    server::{KINDS, Kind, PREFIX, Server, bucket_at},
};

const MIB: usize = 1024 * 1024;

fn each(test: impl Fn(&Server)) {
    for server in KINDS.into_iter().filter_map(Server::start) {
        test(&server);
    }
}

fn create(server: &Server, key: &str, bytes: &'static [u8]) -> Result<(), Error> {
    let put = server.wait(server.store().put_opts(&key.into(), bytes.into(), PutMode::Create.into()));
    put.map(drop)
}

/// A request that the client doesn't send by itself. Returns the status and the code of an error.
fn send(
    server: &Server,
    method: Method,
    key: &str,
    query: &[(&str, &str)],
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> (u16, String) {
    let address = server.address.unwrap();
    let headers = || headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    let url = if server.kind == Kind::Azurite {
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = [query, vec![sas::administers()]].concat().join("&");
        format!("http://{address}/{}/{CONTAINER}/{PREFIX}/{key}?{query}", sas::ACCOUNT)
    } else {
        let options = SignedUrlOptions::default().with_query(query.iter().copied());
        let options =
            headers().fold(options, |options, (name, value): (_, HeaderValue)| options.with_signed_header(name, value));
        let (bucket, path) = (bucket_at(address), Path::from(format!("{PREFIX}/{key}")));
        let signed = bucket.signed_url_opts(method.clone(), &path, Duration::from_mins(1), &options);
        server.wait(signed).unwrap().to_string()
    };
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let request = client.request(method, url).headers(headers().collect()).body(body);
    server.wait(async {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        (status, code.map_or(String::new(), |(code, _)| code.to_owned()))
    })
}

#[test]
fn the_url_and_the_environment_lead_to_the_store() {
    each(|server| {
        server.put("objects/a", *b"bytes");
        let environment = server.env().into_iter().map(|(name, value)| (name.to_lowercase(), value));
        let settings = environment.chain([("allow_http".to_owned(), "true".to_owned())]);
        let (store, prefix) = parse_url_opts(&server.url().parse().unwrap(), settings).unwrap();
        let bytes = server.wait(async { store.get(&prefix.join("objects").join("a")).await?.bytes().await });
        assert_eq!(bytes.unwrap(), b"bytes".as_slice(), "{:?}", server.kind);
    });
}

#[test]
fn the_second_put_of_a_name_is_refused_and_changes_nothing() {
    each(|server| {
        create(server, "commits/000000000001.json", b"first").unwrap();
        let second = create(server, "commits/000000000001.json", b"second");
        assert!(matches!(second, Err(Error::AlreadyExists { .. })), "{:?}: {second:?}", server.kind);
        assert_eq!(server.get("commits/000000000001.json"), b"first", "{:?}", server.kind);
        assert_eq!(server.list(), ["commits/000000000001.json"], "{:?}", server.kind);
    });
}

#[test]
fn of_two_puts_at_once_a_folder_and_azure_refuse_one() {
    for server in [Kind::File, Kind::Azurite].into_iter().filter_map(Server::start) {
        let (store, key) = (server.store(), Path::from("commits/000000000001.json"));
        for _ in 0..20 {
            let put = |byte| store.put_opts(&key, vec![byte; MIB].into(), PutMode::Create.into());
            let (one, other) = server.wait(async { tokio::join!(put(1), put(2)) });
            assert!(one.is_ok() != other.is_ok(), "{:?}: {one:?} {other:?}", server.kind);
            server.delete(key.as_ref());
        }
    }
}

#[test]
fn listings_are_by_prefix_and_see_each_put_and_each_deletion() {
    each(|server| {
        let keys: Vec<String> = (0..20).map(|n| format!("objects/{n:02}/{n:064}")).collect();
        for key in &keys {
            server.put(key, *b"bytes");
        }
        server.put("commits/000000000001.json", *b"{}");
        assert_eq!(server.list().len(), 21, "{:?}", server.kind);
        server.damage(&keys[3]);
        assert_eq!(server.get(&keys[3]), b"byter", "{:?}", server.kind);
        server.delete(&keys[3]);
        let missing = server.wait(server.store().head(&keys[3].as_str().into()));
        assert!(matches!(missing, Err(Error::NotFound { .. })), "{:?}: {missing:?}", server.kind);
        let store = server.store();
        let below: Vec<_> = server.wait(store.list(Some(&"objects".into())).try_collect()).unwrap();
        assert_eq!(below.len(), 19, "{:?}", server.kind);
    });
}

#[test]
fn contents_in_parts_appear_when_all_is_there() {
    each(|server| {
        let store = server.store();
        let bytes: Vec<u8> = (0..=250).cycle().take(12 * MIB).collect();
        server.wait(async {
            let mut upload = WriteMultipart::new(store.put_multipart(&"objects/large".into()).await.unwrap());
            upload.write(&bytes);
            upload.wait_for_capacity(0).await.unwrap();
            assert!(store.head(&"objects/large".into()).await.is_err(), "{:?}", server.kind);
            upload.finish().await.unwrap();
        });
        assert!(server.get("objects/large") == bytes, "{:?}", server.kind);
    });
}

#[test]
fn what_a_wrong_checksum_does() {
    let wrong_md5 = STANDARD.encode(md5(b"others"));
    let wrong_sha256 = STANDARD.encode(Sha256::digest(b"others"));
    for (kind, header, value, status, code, stays) in [
        (Kind::S3s, "x-amz-checksum-sha256", &wrong_sha256, 400, "BadDigest", true),
        (Kind::S3s, "content-md5", &wrong_md5, 400, "BadDigest", true),
        (Kind::Moto, "x-amz-checksum-sha256", &wrong_sha256, 200, "", true),
        (Kind::Moto, "content-md5", &wrong_md5, 200, "", true),
        (Kind::Azurite, "content-md5", &wrong_md5, 400, "InvalidOperation", false),
    ] {
        let Some(server) = Server::start(kind) else { continue };
        let blob = [("x-ms-blob-type", "BlockBlob")];
        let headers = [&[(header, value.as_str())][..], if kind == Kind::Azurite { &blob } else { &[] }].concat();
        let answer = send(&server, Method::PUT, "objects/a", &[], &headers, b"bytes".to_vec());
        assert_eq!(answer, (status, code.to_owned()), "{kind:?}, {header}");
        assert_eq!(!server.list().is_empty(), stays, "{kind:?}, {header}");
    }
}

#[test]
fn what_put_if_absent_does_for_contents_in_parts() {
    for (kind, status, code, kept) in [
        (Kind::S3s, 412, "PreconditionFailed", "first"),
        (Kind::Moto, 412, "PreconditionFailed", "first"),
        (Kind::Azurite, 409, "BlobAlreadyExists", "first"),
    ] {
        let Some(server) = Server::start(kind) else { continue };
        server.put("objects/a", *b"first");
        let absent = [("if-none-match", "*")];
        let answer = if kind == Kind::Azurite {
            let block = send(
                &server,
                Method::PUT,
                "objects/a",
                &[("comp", "block"), ("blockid", "MQ==")],
                &[],
                b"second".to_vec(),
            );
            assert_eq!(block.0, 201);
            let list = b"<BlockList><Latest>MQ==</Latest></BlockList>".to_vec();
            send(&server, Method::PUT, "objects/a", &[("comp", "blocklist")], &absent, list)
        } else {
            let (bucket, path) = (bucket_at(server.address.unwrap()), Path::from(format!("{PREFIX}/objects/a")));
            let (upload, PartId { content_id }) = server.wait(async {
                let upload = bucket.create_multipart(&path).await.unwrap();
                let part = bucket.put_part(&path, &upload, 0, b"second".as_slice().into()).await.unwrap();
                (upload, part)
            });
            let etag = content_id.split('"').nth(1).unwrap();
            let part = format!("<Part><PartNumber>1</PartNumber><ETag>\"{etag}\"</ETag></Part>");
            let list = format!("<CompleteMultipartUpload>{part}</CompleteMultipartUpload>");
            send(&server, Method::POST, "objects/a", &[("uploadId", &upload)], &absent, list.into_bytes())
        };
        assert_eq!(answer, (status, code.to_owned()), "{kind:?}");
        assert_eq!(server.get("objects/a"), kept.as_bytes(), "{kind:?}");
    }
}
