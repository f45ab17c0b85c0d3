//! A service that is down is asked by one request at a time, and the others go on where they were.

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

/// How many probes fail.
const PROBES: usize = 10;

fn good() -> Reply {
    json(r#"{"id":"doc-1","binderId":"b"}"#)
}

#[tokio::test]
async fn a_crowd_waits_while_one_asks() {
    // The crowd's own requests fail once each, when all of them are under way: none of them can be answered later than
    // the outage begins. Then nothing but the list of binders is asked for.
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
    // An answer to what was still under way ends an outage early.
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
async fn a_page_that_says_200_and_is_none_is_no_answer() {
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
async fn a_token_endpoint_that_is_down_is_waited_for() {
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
    // One probe of its own, and then everybody.
    assert_eq!((server.count("/token"), server.count("/api/binders")), (21, CROWD + 1));
}

#[tokio::test]
async fn a_service_that_takes_requests_and_never_answers_is_given_up() {
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
async fn a_single_refusal_of_a_token_ends_nothing_in_an_outage_either() {
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
async fn storage_that_is_down_is_waited_for_before_a_link_is_asked_for() {
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
