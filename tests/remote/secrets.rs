//! No printable value contains a secret.

use std::fmt::{Debug, Display};

use ibinder_sync::remote::{ErrorKind, Remote};

use crate::{
    SECRET, document, remote,
    server::{Reply, Seen, Server, answer, json},
    settings, version,
};

/// The forbidden texts: the secret, the token, and the query of a link.
const HUSH: [&str; 4] = [SECRET, "s3cr3t%2Fhush%26hush", "tok-1", "sig=hush"];

fn check(what: &str, text: &str) {
    for secret in HUSH {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
}

fn check_all(what: &str, value: &(impl Debug + Display)) {
    check(what, &format!("{value} {value:?} {value:#?}"));
}

/// A server that repeats all that it knows in its errors.
fn parrot() -> Server {
    Server::start(|seen: &Seen, _| match seen.path() {
        "/token" => json(r#"{"access_token":"tok-1"}"#),
        "/blob" => Reply::Send(answer(200, "", "whole")),
        path if path.ends_with("/downloadlink") => {
            json(&format!(r#"{{"url":"http://{}/blob?sig=hush"}}"#, seen.header("host").unwrap()))
        }
        _ => {
            let said = seen.header("authorization").unwrap_or_default();
            let body =
                format!(r#"{{"title":"bad {said}","status":400,"errors":{{"x":["{said}"]}},"traceId":"{said}"}}"#);
            Reply::Send(answer(400, "content-type: application/json", &body))
        }
    })
}

#[tokio::test]
async fn values_show_no_secret() {
    let server = parrot();
    check("settings", &format!("{:?}", settings(&server)));
    let (remote, _) = remote(&server);
    let link = remote.download_link(&document(), &version()).await.unwrap();
    check_all("link", &link);
    assert!(link.to_string().ends_with("/blob"));
    let blob = remote.fetch(&link, None).await.unwrap();
    check("blob", &format!("{blob:?} {blob:#?}"));
    check("client", &format!("{remote:?} {remote:#?}"));
}

#[tokio::test]
async fn errors_show_no_secret() {
    let server = parrot();
    let (remote, _) = remote(&server);
    let error = remote.binders().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    check_all("error", &error);
    check("trace id", error.trace_id().unwrap());
    assert!(error.to_string().contains("[secret]"), "{error}");
}

#[tokio::test]
async fn errors_of_answers_with_secrets_show_none() {
    let odd = [
        ("/token", r#"{"access_token":{"tok-1":1}}"#),
        ("/token", r#"{"access_token":"tok-1\n"}"#),
        ("/token", r#""tok-1""#),
        ("/api/documents/doc-1/versions/ver-1/downloadlink", r#"{"url":"ftp://h/x?sig=hush"}"#),
        ("/api/documents/doc-1/versions/ver-1/downloadlink", r#"{"url":["http://h/x?sig=hush"]}"#),
        ("/api/documents/doc-1/versions/ver-1/downloadlink", r#""http://h/x?sig=hush""#),
        ("/api/documents/doc-1/versions/ver-1/downloadlink", "sig=hush"),
    ];
    for (path, body) in odd {
        let server = Server::api(move |_, _| json(body));
        let server = if path == "/token" { Server::start(move |_, _| json(body)) } else { server };
        let (remote, _): (Remote, _) = remote(&server);
        let error = remote.download_link(&document(), &version()).await.unwrap_err();
        check_all(path, &error);
    }
}

#[tokio::test]
async fn a_broken_connection_to_storage_shows_no_query() {
    let server = Server::api(|_, _| {
        // Nothing listens on this port.
        json(r#"{"url":"http://127.0.0.1:1/blob?sig=hush"}"#)
    });
    let (remote, _) = remote(&server);
    let link = remote.download_link(&document(), &version()).await.unwrap();
    let error = remote.fetch(&link, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().starts_with("GET http://127.0.0.1:1/blob: "), "{error}");
    check_all("error", &error);
}
