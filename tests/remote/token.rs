use futures::future::join_all;
use ibinder_sync::remote::{Error, ErrorKind, Remote};

use crate::{
    SECRET, connect, document, policy, remote,
    server::{Reply, Seen, Server, answer, json, problem, status, token},
    settings,
};

const BINDERS: &str = "/api/binders";

/// Many concurrent requests.
async fn crowd(remote: &Remote) -> Vec<Result<(), Error>> {
    join_all((0..50).map(|_| async { remote.binders().await.map(|_| ()) })).await
}

fn bearer(seen: &Seen) -> &str {
    seen.header("authorization").and_then(|header| header.strip_prefix("Bearer ")).unwrap()
}

#[tokio::test]
async fn concurrent_requests_share_one_token() {
    let server = Server::api(|_, _| json("[]"));
    let (remote, requests) = remote(&server);
    assert!(crowd(&remote).await.iter().all(Result::is_ok));
    assert!(crowd(&remote).await.iter().all(Result::is_ok));
    assert_eq!((server.count("/token"), server.count(BINDERS)), (1, 100));
    assert_eq!((requests.token(), requests.api(), requests.retried()), (1, 100, 0));
    let seen = &server.seen("/token")[0];
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(
        seen.body,
        "grant_type=client_credentials&client_id=client-1&client_secret=s3cr3t%2Fhush%26hush&scope=ibinder_public"
    );
    assert_eq!(seen.header("x-ibinder-tenantid"), None);
}

#[tokio::test]
async fn refused_credentials_are_tried_twice_and_never_again() {
    for code in [400, 401, 403] {
        let server = Server::start(move |_, _| {
            let body = format!(r#"{{"error":"invalid_client","title":"no {SECRET}"}}"#);
            Reply::Send(answer(code, "content-type: application/json", &body))
        });
        let (remote, _) = remote(&server);
        for round in 0..2 {
            for result in crowd(&remote).await {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Credentials, "{round}: {error}");
                assert!(error.to_string().contains(&code.to_string()), "{error}");
                assert!(!error.to_string().contains(SECRET), "{error}");
            }
        }
        assert_eq!(server.total(), 2, "{code}");
    }
}

#[tokio::test]
async fn a_refusal_may_be_a_mistake_once() {
    let server = Server::start(|seen, nth| match (seen.path(), nth) {
        ("/token", 0 | 2) => status(401),
        ("/token", nth) => token(nth),
        (_, 1) => status(401),
        _ => json("[]"),
    });
    let (remote, _) = remote(&server);
    assert!(remote.binders().await.is_ok());
    // The token expires, and the earlier refusal doesn't count any more.
    assert!(remote.binders().await.is_ok());
    assert_eq!(server.count("/token"), 4);
}

#[tokio::test]
async fn a_token_endpoint_with_faults_is_asked_again() {
    let server = Server::start(|seen, nth| match (seen.path(), nth) {
        ("/token", 0) => status(500),
        ("/token", 1) => json("<html>Sign in</html>"),
        ("/token", 2) => Reply::Close(Vec::new()),
        ("/token", 3) => json(r#"{"access_token":null}"#),
        ("/token", 4) => Reply::Send(answer(429, "retry-after: 0", "")),
        ("/token", 5) => status(404),
        ("/token", 6) => Reply::Send(answer(302, "location: /elsewhere", "")),
        ("/token", _) => token(1),
        _ => json("[]"),
    });
    let mut settings = settings(&server);
    settings.retry = policy(20);
    let (remote, requests) = connect(settings);
    assert!(crowd(&remote).await.iter().all(Result::is_ok));
    assert_eq!((requests.token(), requests.retried(), requests.throttled()), (8, 7, 1));
    assert_eq!(server.count("/elsewhere"), 0);
}

#[tokio::test]
async fn concurrent_requests_share_a_failure() {
    let server = Server::start(|_, _| status(503));
    let (remote, _) = remote(&server);
    for result in crowd(&remote).await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::GivenUp);
    }
    // Four tries of the first request, and probes, one at a time.
    let total = server.total();
    assert!((4..100).contains(&total), "{total}");
    assert_eq!(remote.binders().await.unwrap_err().kind(), ErrorKind::GivenUp);
    assert_eq!(server.total(), total);
}

#[tokio::test]
async fn a_401_renews_the_token_once_for_all() {
    let server = Server::api(|seen, _| if bearer(seen) == "tok-1" { problem(401, "expired") } else { json("[]") });
    let (remote, _) = remote(&server);
    assert!(crowd(&remote).await.iter().all(Result::is_ok));
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test]
async fn three_rejected_tokens_are_final() {
    let server = Server::api(|_, _| status(401));
    let mut settings = settings(&server);
    settings.retry = policy(20);
    let (remote, _) = connect(settings);
    for _ in 0..2 {
        for result in crowd(&remote).await {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Credentials);
        }
    }
    assert_eq!(server.count("/token"), 3);
}

/// A 401 about one resource is its answer, whatever else happens, and costs no token.
#[tokio::test]
async fn a_401_about_a_resource_costs_no_token() {
    let server = Server::api(|seen, _| if seen.path() == BINDERS { json("[]") } else { problem(401, "no") });
    let (remote, _) = remote(&server);
    for busy in [false, true, false] {
        if busy {
            assert!(crowd(&remote).await.iter().all(Result::is_ok));
        }
        let error = remote.document(&document()).await.unwrap_err();
        assert!(error.is_unauthorized(), "{error}");
        assert_eq!((error.kind(), error.tries()), (ErrorKind::Rejected, 2), "{error}");
    }
    assert_eq!(server.count("/token"), 1);
    // Each try is checked, and nothing more is requested.
    assert_eq!(server.count(BINDERS), 50 + 6);
}

/// Many refused requests check the token once.
#[tokio::test]
async fn concurrent_401s_cause_one_check() {
    let all = std::sync::Barrier::new(50);
    let server = Server::api(move |seen, _| {
        if seen.path() == BINDERS {
            return json("[]");
        }
        all.wait();
        problem(401, "no")
    });
    let (remote, _) = remote(&server);
    let document = document();
    let answers = join_all((0..50).map(|_| remote.document(&document))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_err_and(Error::is_unauthorized)));
    assert_eq!((server.count("/token"), server.count(BINDERS)), (1, 2));
}

/// An expired token is refused for everything; its requests are repeated with the next one.
#[tokio::test]
async fn an_expired_token_is_replaced_without_errors() {
    let server = Server::api(|seen, _| match (bearer(seen), seen.path()) {
        ("tok-1", _) => problem(401, "expired"),
        (_, BINDERS) => json("[]"),
        _ => json(r#"{"id":"doc-1","binderId":"b"}"#),
    });
    let (remote, _) = remote(&server);
    let document = document();
    let answers = join_all((0..50).map(|_| remote.document(&document))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(server.count("/token"), 2);
    assert!(server.count(BINDERS) <= 1, "{}", server.count(BINDERS));
}
