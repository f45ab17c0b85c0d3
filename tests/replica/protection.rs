//! Whether a bucket or container protects what is added, as `doctor` asks it.

use ibinder_sync::replica::Protection;
use reqwest::Method;

use crate::{
    bench::open,
    server::{KINDS, Kind, Server},
};

/// A request to moto, which looks at no signature.
fn ask(server: &Server, method: Method, path: &str, lock: bool, body: &'static str) {
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let url = format!("http://{}/{path}", server.address.unwrap());
    let key = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let mut request =
        client.request(method, url).header("authorization", key).header("content-type", "application/xml");
    if lock {
        request = request.header("x-amz-bucket-object-lock-enabled", "true");
    }
    server.wait(async { request.body(body).send().await.unwrap().error_for_status().unwrap() });
}

fn protection(server: &Server, url: &str) -> Protection {
    let variables = server.env().into_iter().map(|(name, value)| (name.to_owned(), value));
    open(url, variables).protection().unwrap()
}

#[test]
fn a_store_without_protection_says_so() {
    for server in KINDS.into_iter().filter_map(Server::start) {
        if let Some(folder) = server.url().strip_prefix("file://") {
            std::fs::create_dir_all(folder).unwrap();
        }
        let said = protection(&server, &server.url());
        match server.kind {
            // It knows nothing of locks.
            Kind::S3s => assert!(matches!(said, Protection::Unknown(_)), "{said:?}"),
            _ => assert!(matches!(said, Protection::Missing(_)), "{:?}: {said:?}", server.kind),
        }
    }
}

#[test]
fn a_default_retention_of_a_bucket_is_seen() {
    let Some(server) = Server::start(Kind::Moto) else { return };
    ask(&server, Method::PUT, "locked", true, "");
    assert!(matches!(protection(&server, "s3://locked/eken"), Protection::Missing(_)));
    let rule = "<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ObjectLockEnabled>Enabled\
        </ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule>\
        </ObjectLockConfiguration>";
    ask(&server, Method::PUT, "locked?object-lock", false, rule);
    let kept = Protection::Kept("for 30 days in COMPLIANCE mode".to_owned());
    assert_eq!(protection(&server, "s3://locked/eken"), kept);
}
