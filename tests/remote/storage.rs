use ibinder_sync::remote::{Announced, Blob, Error, ErrorKind, Link, Remote, Resume};

use crate::{
    connect, document, remote,
    server::{Reply, Server, answer, head, json, status},
    settings, version,
};

/// A server whose links lead to `/blob?sig=hush` on itself.
fn server(script: impl Fn(&crate::server::Seen, usize) -> Reply + Send + Sync + 'static) -> Server {
    Server::api(move |seen, nth| {
        if seen.path().starts_with("/api/") {
            let host = seen.header("host").unwrap();
            json(&format!(r#"{{"url":"http://{host}/blob?sig=hush"}}"#))
        } else {
            script(seen, nth)
        }
    })
}

async fn link(remote: &Remote) -> Link {
    remote.download_link(&document(), &version()).await.unwrap()
}

async fn fetch(server: &Server, resume: Option<&Resume>) -> Result<Blob, Error> {
    let (remote, _) = remote(server);
    remote.fetch(&link(&remote).await, resume).await
}

async fn read(blob: &mut Blob) -> Result<String, Error> {
    let mut all = Vec::new();
    while let Some(bytes) = blob.chunk().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(String::from_utf8(all).unwrap())
}

fn announced(etag: &str) -> Announced {
    Announced { etag: Some(etag.to_owned()), total: Some(10), ..Announced::default() }
}

fn resume(offset: u64) -> Resume {
    Resume { offset, announced: announced("\"v1\"") }
}

#[tokio::test]
async fn storage_gets_no_identity() {
    let server = server(|_, _| Reply::Send(answer(200, "etag: \"v1\"\nset-cookie: a=b", "whole")));
    let (remote, requests) = remote(&server);
    for _ in 0..2 {
        let mut blob = remote.fetch(&link(&remote).await, None).await.unwrap();
        assert_eq!(
            (blob.start, blob.announced.total, blob.announced.etag.as_deref(), blob.ends_at_close),
            (0, Some(5), Some("\"v1\""), false)
        );
        assert_eq!(read(&mut blob).await.unwrap(), "whole");
        assert_eq!(blob.chunk().await.unwrap(), None);
    }
    assert_eq!((requests.storage(), requests.api(), requests.token()), (2, 2, 1));
    for seen in server.seen("/blob") {
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/blob?sig=hush"));
        let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
        for name in &names {
            assert!(["accept", "accept-encoding", "host", "user-agent"].contains(name), "{names:?}");
        }
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
    }
}

#[tokio::test]
async fn gateways_may_add_many_headers() {
    let headers = format!("x-via: {}\n", "proxy ".repeat(8)).repeat(1000);
    let server = server(move |_, _| Reply::Send(answer(200, &headers, "whole")));
    assert_eq!(read(&mut fetch(&server, None).await.unwrap()).await.unwrap(), "whole");
}

#[tokio::test]
async fn a_download_resumes() {
    let server = server(|_, _| Reply::Send(answer(206, "content-range: bytes 3-9/10\netag: \"v1\"", "3456789")));
    let mut blob = fetch(&server, Some(&resume(3))).await.unwrap();
    assert_eq!((blob.start, blob.announced.total), (3, Some(10)));
    assert_eq!(read(&mut blob).await.unwrap(), "3456789");
    let seen = &server.seen("/blob")[0];
    assert_eq!((seen.header("range"), seen.header("if-range")), (Some("bytes=3-"), Some("\"v1\"")));
}

#[tokio::test]
async fn answers_that_do_not_continue_a_download() {
    let answers: [(fn() -> Reply, ErrorKind); 6] = [
        (|| Reply::Send(answer(200, "etag: \"v2\"", "0123456789")), ErrorKind::Contradicted),
        (|| Reply::Send(answer(200, "etag: \"v1\"", "3456789")), ErrorKind::Contradicted),
        (|| status(416), ErrorKind::NotTheRest),
        (|| Reply::Send(answer(206, "content-range: bytes 0-6/10", "0123456")), ErrorKind::NotTheRest),
        (|| Reply::Send(answer(206, "content-range: bytes 3-9/10\netag: \"v2\"", "3456789")), ErrorKind::Contradicted),
        (|| Reply::Send(answer(206, "", "3456789")), ErrorKind::NotTheRest),
    ];
    for (number, (reply, kind)) in answers.into_iter().enumerate() {
        let server = server(move |_, _| reply());
        let error = fetch(&server, Some(&resume(3))).await.unwrap_err();
        assert_eq!((error.kind(), server.count("/blob")), (kind, 1), "{number}: {error}");
    }
}

#[tokio::test]
async fn the_whole_in_place_of_the_rest_starts_at_its_beginning() {
    let server = server(|_, _| Reply::Send(answer(200, "etag: \"v1\"", "0123456789")));
    let mut blob = fetch(&server, Some(&resume(3))).await.unwrap();
    assert_eq!((blob.start, blob.announced.total), (0, Some(10)));
    assert_eq!(read(&mut blob).await.unwrap(), "0123456789");
}

#[tokio::test]
async fn a_failing_range_is_returned_after_two_tries() {
    let server = server(|seen, _| if seen.path() == "/blob" { status(503) } else { status(404) });
    let error = fetch(&server, Some(&resume(3))).await.unwrap_err();
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Unavailable, 2));
}

#[tokio::test]
async fn nothing_is_continued_without_a_strong_tag() {
    for resume in [resume(0), Resume { offset: 3, announced: Announced::default() }] {
        let server = server(|_, _| Reply::Send(answer(200, "etag: W/\"v1\"", "0123456789")));
        let blob = fetch(&server, Some(&resume)).await.unwrap();
        assert_eq!(blob.announced.etag, None);
        assert_eq!(server.seen("/blob")[0].header("range"), None);
    }
}

#[tokio::test]
async fn a_link_that_has_expired() {
    for code in [401, 403, 404, 410] {
        let server = server(move |_, _| Reply::Send(answer(code, "", "<Error><Code>hush</Code></Error>")));
        let error = fetch(&server, None).await.unwrap_err();
        assert_eq!((error.kind(), error.tries(), server.count("/blob")), (ErrorKind::LinkExpired, 1, 1));
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    }
}

#[tokio::test]
async fn a_fault_before_the_bytes_is_tried_again() {
    let faults: [fn() -> Reply; 3] = [|| status(503), || Reply::Send(answer(429, "", "")), || Reply::Close(Vec::new())];
    for fault in faults {
        let server = server(move |_, nth| if nth < 2 { fault() } else { Reply::Send(answer(200, "", "whole")) });
        assert_eq!(read(&mut fetch(&server, None).await.unwrap()).await.unwrap(), "whole");
        assert_eq!(server.count("/blob"), 3);
    }
    // The host answers: only this document is at fault.
    let server = server(|seen, _| status(if seen.path() == "/blob" { 500 } else { 404 }));
    let error = fetch(&server, None).await.unwrap_err();
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Unavailable, 4));
}

#[tokio::test]
async fn bytes_that_are_not_as_announced() {
    let answers: [fn() -> Reply; 4] = [
        || Reply::Close(head(200, "content-length: 10", "01234")),
        || Reply::Close(head(200, "transfer-encoding: chunked", "5\r\n01234\r\n")),
        || {
            Reply::Send(head(
                206,
                "content-range: bytes 3-9/10\netag: \"v1\"\ntransfer-encoding: chunked",
                "2\r\n34\r\n0\r\n\r\n",
            ))
        },
        || {
            let long = "a\r\n3456789abc\r\n0\r\n\r\n";
            Reply::Send(head(206, "content-range: bytes 3-9/10\netag: \"v1\"\ntransfer-encoding: chunked", long))
        },
    ];
    for (number, reply) in answers.into_iter().enumerate() {
        let server = server(move |_, _| reply());
        let mut blob = fetch(&server, Some(&resume(3)).filter(|_| number > 1)).await.unwrap();
        let mut got = blob.start;
        let error = loop {
            match blob.chunk().await {
                Ok(bytes) => got += bytes.unwrap().len() as u64,
                Err(error) => break error,
            }
        };
        assert!(got <= 10, "{number}: more than the document has was handed on");
        // A rest of another length contradicts the announcement; anything else is a broken connection.
        let kind = if number > 1 { ErrorKind::Contradicted } else { ErrorKind::Unavailable };
        assert_eq!(error.kind(), kind, "{number}");
        assert!(!error.to_string().contains("hush"), "{error}");
        assert_eq!(blob.chunk().await.unwrap(), None);
    }
}

#[tokio::test]
async fn bytes_that_only_the_close_ends() {
    let server = server(|_, _| Reply::Close(head(200, "", "whole?")));
    let mut blob = fetch(&server, None).await.unwrap();
    assert_eq!((blob.announced.total, blob.ends_at_close), (None, true));
    assert_eq!(read(&mut blob).await.unwrap(), "whole?");
    let framed =
        crate::storage::server(|_, _| Reply::Send(head(200, "transfer-encoding: chunked", "5\r\nwhole\r\n0\r\n\r\n")));
    let mut blob = fetch(&framed, None).await.unwrap();
    assert_eq!((blob.announced.total, blob.ends_at_close), (None, false));
    assert_eq!(read(&mut blob).await.unwrap(), "whole");
}

#[tokio::test]
async fn bytes_that_stop_coming() {
    let server = server(|_, _| Reply::Hang(head(200, "content-length: 10", "01234")));
    let mut settings = settings(&server);
    settings.stall_timeout = std::time::Duration::from_secs(1);
    let (remote, _) = connect(settings);
    let mut blob = remote.fetch(&link(&remote).await, None).await.unwrap();
    assert_eq!(read(&mut blob).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn the_content_encoding_is_reported() {
    let server = server(|_, _| Reply::Send(answer(200, "content-encoding: GZip", "whole")));
    assert_eq!(fetch(&server, None).await.unwrap().encoding.as_deref(), Some("gzip"));
}

#[tokio::test]
async fn redirects_are_followed_as_links_are() {
    let other = Server::start(|_, _| Reply::Send(answer(206, "content-range: bytes 3-9/10\netag: \"v1\"", "3456789")));
    let location = other.url("/there?sig=hush2");
    let server = server(move |_, _| Reply::Send(answer(302, &format!("location: {location}"), "")));
    let blob = fetch(&server, Some(&resume(3))).await.unwrap();
    assert_eq!(blob.start, 3);
    let seen = &other.seen("/there")[0];
    assert_eq!((seen.target.as_str(), seen.header("range")), ("/there?sig=hush2", Some("bytes=3-")));
    assert_eq!((seen.header("referer"), seen.header("cookie")), (None, None));
}

#[tokio::test]
async fn redirects_that_are_not_followed() {
    for location in ["/blob", "http://example.com/", "http://192.168.0.1/", "file:///etc/passwd", "http://["] {
        let server = server(move |_, _| Reply::Send(answer(302, &format!("location: {location}"), "")));
        let error = fetch(&server, None).await.unwrap_err();
        assert_eq!((error.kind(), error.tries()), (ErrorKind::Rejected, 1), "{location}: {error}");
        assert_eq!(server.count("/blob"), if location == "/blob" { 6 } else { 1 });
    }
}

#[tokio::test]
async fn bytes_that_trickle() {
    let server = server(|_, _| Reply::Drip(head(200, "content-length: 1000000", ""), b"x".to_vec()));
    let mut settings = settings(&server);
    settings.stall_timeout = std::time::Duration::from_millis(100);
    let (remote, _) = connect(settings);
    let mut blob = remote.fetch(&link(&remote).await, None).await.unwrap();
    let error = read(&mut blob).await.unwrap_err();
    assert!(error.to_string().contains("slower than 1000 bytes per second for 100ms"), "{error}");
}

/// A signature covers the link as given.
#[tokio::test]
async fn a_link_is_sent_byte_for_byte() {
    for target in ["/blob/%2E%2E/x?f='x'&y={1}|2^`", "/blob//x~'(1)*!/%7ea?q=%zz&a&b=&c=a+b"] {
        let server = Server::api(move |seen, _| match seen.header("host") {
            Some(host) if seen.path().starts_with("/api/") => {
                json(&serde_json::json!({"url": format!("http://{host}{target}#fragment")}).to_string())
            }
            _ if seen.target == target => Reply::Send(answer(200, "", "whole")),
            _ => Reply::Send(answer(403, "", "SignatureDoesNotMatch")),
        });
        assert_eq!(read(&mut fetch(&server, None).await.unwrap()).await.unwrap(), "whole");
    }
}

#[tokio::test]
async fn a_redirect_may_be_written_in_utf_8() {
    let server = Server::api(|seen, _| match seen.path() {
        "/%C3%A5/%7e" => Reply::Send(answer(200, "", "whole")),
        "/blob" => Reply::Send(answer(302, "location: /å/%7e", "")),
        _ => json(&format!(r#"{{"url":"http://{}/blob?sig=hush"}}"#, seen.header("host").unwrap())),
    });
    assert_eq!(read(&mut fetch(&server, None).await.unwrap()).await.unwrap(), "whole");
}
