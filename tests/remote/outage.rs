//! While a service is down one request at a time probes it, and the others then continue.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use ibinder_sync::remote::ErrorKind;

use crate::{
    connect, document, remote,
    server::{Reply, Server, answer, json, status, token},
    settings, version,
};

const CROWD: usize = 50;

/// The number of failing probes.
const PROBES: usize = 10;

fn good() -> Reply {
    json(r#"{"id":"doc-1","binderId":"b"}"#)
}

#[tokio::test]
async fn all_wait_while_one_probes() {
    // The requests of all tasks fail once each, while all of them are in flight: none can be answered after the
    // outage begins. Then only the list of binders is requested.
    let all = Barrier::new(CROWD);
    let server = Server::api(move |seen, nth| match seen.path() {
        "/api/binders" if nth < PROBES => status(503),
        "/api/binders" => json("[]"),
        _ if nth < CROWD => {
            all.wait();
            status(503)
        }
        _ => good(),
    });
    let mut settings = settings(&server);
    settings.give_up = Duration::from_mins(1);
    let (remote, requests) = connect(settings);
    let document = document();
    let answers = join_all((0..CROWD).map(|_| remote.document(&document))).await;
    assert!(answers.iter().all(Result::is_ok));
    // A late answer to a request in flight ends an outage early.
    let probes = server.count("/api/binders");
    assert!((1..=PROBES + CROWD / 3).contains(&probes), "{probes}");
    assert_eq!((server.count("/api/documents/doc-1"), requests.retried()), (2 * CROWD, CROWD as u64));
}

#[tokio::test]
async fn a_call_that_always_fails_is_no_outage() {
    let server = Server::api(|seen, _| match seen.path() {
        "/api/binders" => json("[]"),
        _ => status(502),
    });
    let (remote, _) = remote(&server);
    for _ in 0..3 {
        let error = remote.document(&document()).await.unwrap_err();
        assert_eq!((error.kind(), error.tries()), (ErrorKind::Unavailable, 4), "{error}");
    }
    assert_eq!(server.count("/api/documents/doc-1"), 12);
}

#[tokio::test]
async fn an_error_page_with_status_200_is_no_answer() {
    let server = Server::api(|_, nth| {
        if nth < 40 {
            Reply::Send(answer(200, "content-type: text/html", "<html>Back soon</html>"))
        } else {
            json("[]")
        }
    });
    let mut settings = settings(&server);
    settings.give_up = Duration::from_mins(1);
    let (remote, _) = connect(settings);
    assert!(remote.binders().await.is_ok());
}

#[tokio::test]
async fn requests_wait_for_a_token_endpoint_that_is_down() {
    let server = Server::start(|seen, nth| match seen.path() {
        "/token" if nth < 20 => status(503),
        "/token" => token(1),
        _ => json("[]"),
    });
    let mut settings = settings(&server);
    settings.give_up = Duration::from_mins(1);
    let (remote, _) = connect(settings);
    let answers = join_all((0..CROWD).map(|_| remote.binders())).await;
    assert!(answers.iter().all(Result::is_ok));
    // One probe, and then all others.
    assert_eq!((server.count("/token"), server.count("/api/binders")), (21, CROWD + 1));
}

#[tokio::test]
async fn a_silent_service_is_given_up() {
    let server = Server::api(|seen, _| match seen.path() {
        "/api/binders" => Reply::Hang(Vec::new()),
        _ => status(503),
    });
    let mut settings = settings(&server);
    settings.head_timeout = Duration::from_hours(1);
    let (remote, _) = connect(settings);
    let error = remote.document(&document()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GivenUp, "{error}");
    assert_eq!(server.count("/api/binders"), 1);
}

#[tokio::test]
async fn a_single_token_refusal_in_an_outage_is_not_final() {
    let server = Server::start(|seen, nth| match seen.path() {
        "/token" if nth < 20 => status(503),
        "/token" if nth == 20 => status(403),
        "/token" => token(1),
        _ => json("[]"),
    });
    let mut settings = settings(&server);
    settings.give_up = Duration::from_mins(1);
    let (remote, _) = connect(settings);
    assert!(remote.binders().await.is_ok());
}

#[tokio::test]
async fn links_are_requested_only_when_storage_is_up() {
    let back = AtomicBool::new(false);
    let server = Server::api(move |seen, nth| {
        let host = seen.header("host").unwrap();
        match seen.path() {
            path if path.starts_with("/api/") => json(&format!(r#"{{"url":"http://{host}/blob?sig=hush"}}"#)),
            "/" if nth < PROBES => status(503),
            "/" => {
                back.store(true, Ordering::SeqCst);
                status(403)
            }
            _ if !back.load(Ordering::SeqCst) => status(503),
            _ => Reply::Send(answer(200, "", "whole")),
        }
    });
    let mut settings = settings(&server);
    settings.give_up = Duration::from_mins(1);
    let (remote, _) = connect(settings);
    let link = remote.download_link(&document(), &version()).await.unwrap();
    let first = join_all((0..CROWD).map(|_| remote.fetch(&link, None)));
    let later = async {
        while server.count("/") == 0 {
            tokio::task::yield_now().await;
        }
        remote.download_link(&document(), &version()).await.unwrap();
        server.count("/")
    };
    let (answers, probes) = tokio::join!(first, later);
    assert!(answers.iter().all(Result::is_ok));
    assert!(probes > PROBES, "the later link was asked for when storage was back, after {probes} probes");
    assert!(server.seen("/").iter().all(|seen| seen.target == "/"), "a probe bears nothing of a link");
}
