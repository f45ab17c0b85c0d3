use std::{
    io::Write,
    time::{Duration, Instant},
};

use ibinder_sync::remote::ErrorKind;

use crate::{
    connect, document, policy, remote,
    server::{Reply, Server, answer, head, json, problem, status},
    settings,
};

const PATH: &str = "/api/documents/doc-1";

fn good() -> Reply {
    json(r#"{"id":"doc-1","binderId":"b"}"#)
}

#[tokio::test]
async fn transient_faults_are_retried() {
    let faults: [fn() -> Reply; 12] = [
        || status(500),
        || status(502),
        || status(408),
        || Reply::Send(answer(429, "retry-after: 0", "")),
        || Reply::Close(Vec::new()),
        || Reply::Close(b"HTTP/1.1 200 OK\r\nconte".to_vec()),
        || Reply::Close(b"nonsense\r\n\r\n".to_vec()),
        || Reply::Close(head(200, "content-length: 30", r#"{"id":"doc-1""#)),
        || Reply::Close(head(200, "transfer-encoding: chunked", "5\r\n{\"id\"")),
        || Reply::Send(answer(200, "content-type: text/html", "<html>Sign in</html>")),
        || json(r#"{"id":"doc-1""#),
        || status(204),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let server = Server::api(move |_, nth| if nth < 2 { fault() } else { good() });
        let (remote, requests) = remote(&server);
        let listed = remote.document(&document()).await.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(listed.id, document());
        assert_eq!((requests.api(), requests.retried()), (3, 2), "{number}");
        assert_eq!(requests.throttled(), if number == 3 { 2 } else { 0 });
        assert_eq!(server.count("/token"), 1);
    }
}

#[tokio::test]
async fn permanent_faults_end_after_all_tries() {
    type Fault = (fn() -> Reply, ErrorKind, &'static str);
    let faults: [Fault; 4] = [
        (|| problem(500, "Broken"), ErrorKind::Unavailable, "\"Broken\", trace id 00-trace (4 tries)"),
        (|| status(429), ErrorKind::Throttled, "429 (4 tries)"),
        (|| json("<html>"), ErrorKind::Unavailable, "not JSON"),
        (|| Reply::Close(Vec::new()), ErrorKind::Unavailable, "connection failed"),
    ];
    for (fault, kind, text) in faults {
        // Other requests are answered: this is no outage.
        let server = Server::api(move |seen, _| if seen.path() == PATH { fault() } else { json("[]") });
        let (remote, requests) = remote(&server);
        let error = remote.document(&document()).await.unwrap_err();
        assert_eq!((error.kind(), error.tries(), server.count(PATH)), (kind, 4, 4), "{error}");
        assert_eq!(requests.retried(), 3);
        assert!(error.to_string().starts_with("GET /api/documents/doc-1: "), "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn final_answers_are_requested_once() {
    let answers: [(fn() -> Reply, ErrorKind); 8] = [
        (|| problem(400, "Bad"), ErrorKind::Rejected),
        (|| problem(403, "No"), ErrorKind::Forbidden),
        (|| problem(404, "None"), ErrorKind::NotFound { problem_json: true }),
        (|| status(404), ErrorKind::NotFound { problem_json: false }),
        (
            || Reply::Send(answer(404, "content-type: text/html", "<html>404")),
            ErrorKind::NotFound { problem_json: false },
        ),
        (
            || Reply::Send(answer(404, "content-type: application/json", r#"{"message":"no Route matched"}"#)),
            ErrorKind::NotFound { problem_json: false },
        ),
        (|| status(405), ErrorKind::MethodNotAllowed),
        (|| problem(409, "Conflict"), ErrorKind::Rejected),
    ];
    for (reply, kind) in answers {
        let server = Server::api(move |_, _| reply());
        let (remote, _) = remote(&server);
        let error = remote.document(&document()).await.unwrap_err();
        assert_eq!((error.kind(), error.tries(), server.count(PATH)), (kind, 1, 1), "{error}");
    }
}

#[tokio::test]
async fn a_truncated_404_is_not_believed() {
    let body = r#"{"type":"t","title":"None","status":404"#;
    let server = Server::api(move |_, _| {
        Reply::Close(head(404, "content-type: application/problem+json\ncontent-length: 500", body))
    });
    let (remote, _) = remote(&server);
    let error = remote.document(&document()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound { problem_json: false });
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let server = Server::api(|_, nth| if nth == 0 { Reply::Send(answer(503, "retry-after: 1", "")) } else { good() });
    let mut settings = settings(&server);
    settings.retry = policy(3);
    settings.retry.max_delay = Duration::from_mins(1);
    let (remote, _) = connect(settings);
    let start = Instant::now();
    assert!(remote.document(&document()).await.is_ok());
    assert!(start.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn credentials_follow_no_redirect() {
    let elsewhere = Server::start(|_, _| good());
    let location = elsewhere.url("/api/documents/doc-1");
    let server = Server::api(move |_, _| Reply::Send(answer(307, &format!("location: {location}"), "")));
    let (remote, _) = remote(&server);
    let error = remote.document(&document()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(elsewhere.total(), 0);
}

#[tokio::test]
async fn an_endless_answer_ends() {
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000)).into_bytes();
    let server = Server::api(move |_, _| Reply::Endless(head(200, "transfer-encoding: chunked", ""), chunk.clone()));
    let (remote, _) = remote(&server);
    let error = remote.document(&document()).await.unwrap_err();
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Rejected, 1), "{error}");
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let server = Server::api(|_, _| Reply::Hang(head(200, "content-length: 99999999999", "")));
    let (remote, _) = remote(&server);
    assert_eq!(remote.document(&document()).await.unwrap_err().kind(), ErrorKind::Rejected);
}

#[tokio::test]
async fn silence_ends() {
    let silences: [fn() -> Reply; 3] = [
        || Reply::Hang(Vec::new()),
        || Reply::Hang(b"HTTP/1.1 200".to_vec()),
        || Reply::Hang(head(200, "content-length: 30", r#"{"id":"#)),
    ];
    for silence in silences {
        let server = Server::api(move |_, nth| if nth == 0 { silence() } else { good() });
        let mut settings = settings(&server);
        settings.head_timeout = Duration::from_secs(1);
        settings.stall_timeout = Duration::from_secs(1);
        let (remote, requests) = connect(settings);
        assert!(remote.document(&document()).await.is_ok());
        assert!(requests.retried() >= 1);
    }
}

#[tokio::test]
async fn nothing_listens() {
    let server = Server::api(|_, _| good());
    let mut settings = settings(&server);
    // Nothing listens on this port.
    settings.api_url.set_port(Some(1)).unwrap();
    let (remote, _) = connect(settings);
    for tries in [3, 0] {
        let error = remote.document(&document()).await.unwrap_err();
        assert_eq!((error.kind(), error.tries()), (ErrorKind::GivenUp, tries), "{error}");
        assert!(error.to_string().contains("connection failed"), "{error}");
    }
}

#[tokio::test]
async fn a_trickle_times_out() {
    let server = Server::api(|_, nth| match nth {
        0 => Reply::Drip(head(200, "content-length: 300", ""), b"{".to_vec()),
        _ => good(),
    });
    let mut settings = settings(&server);
    settings.stall_timeout = Duration::from_millis(100);
    let (remote, requests) = connect(settings);
    assert!(remote.document(&document()).await.is_ok());
    assert!(requests.retried() >= 1);
}

#[tokio::test]
async fn an_unrequested_compression_is_decoded() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(br#"{"id":"doc-1","binderId":"b"}"#).unwrap();
    let body = encoder.finish().unwrap();
    let mut whole = head(200, &format!("content-encoding: gzip\ncontent-length: {}", body.len()), "");
    whole.extend(body);
    let server = Server::api(move |_, _| Reply::Send(whole.clone()));
    assert!(remote(&server).0.document(&document()).await.is_ok());
}

#[tokio::test]
async fn proxies_may_add_many_headers() {
    let headers = "x-via: proxy\n".repeat(500);
    let server = Server::api(move |_, _| Reply::Send(answer(200, &headers, r#"{"id":"doc-1","binderId":"b"}"#)));
    assert!(remote(&server).0.document(&document()).await.is_ok());
}

#[tokio::test]
async fn a_deprecation_is_noted_once() {
    let server = Server::api(|_, nth| {
        let headers = if nth == 0 { "" } else { "deprecation: @1688169599\nsunset: Sat, 31 Dec 2033 23:59:59 GMT" };
        Reply::Send(answer(200, headers, r#"{"id":"doc-1","binderId":"b"}"#))
    });
    let (remote, _) = remote(&server);
    assert!(remote.document(&document()).await.is_ok());
    assert_eq!(remote.deprecation(), None);
    for _ in 0..2 {
        assert!(remote.document(&document()).await.is_ok());
        let said = "GET /api/documents/doc-1: deprecation: @1688169599, sunset: Sat, 31 Dec 2033 23:59:59 GMT";
        assert_eq!(remote.deprecation(), Some(said));
    }
}
