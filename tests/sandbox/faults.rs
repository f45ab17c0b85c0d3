//! Each fault with probability 1, and each scripted reply.

use std::time::Duration;

use ibinder_sync::sandbox::{FaultKind, Faults, Organisation, Reply, Route, Sandbox};
use reqwest::Response;
use serde_json::{Value, json};

use crate::client::{Api, ask_token, body, http, problem, start};

/// Long enough for any answer over loopback.
const SILENCE: Duration = Duration::from_millis(100);

async fn with_link() -> (Sandbox, Api, String) {
    let mut organisation = Organisation::empty();
    let binder = organisation.add_binder("Brf Eken");
    let document = organisation.add_document(&binder, None, "a.txt", vec![b'x'; 100_000]).unwrap();
    let sandbox = start(organisation);
    let api = Api::new(&sandbox).await;
    let link = api.link(&document).await;
    (sandbox, api, link)
}

async fn blob(link: &str) -> Result<Response, reqwest::Error> {
    http().get(link).send().await
}

#[tokio::test]
async fn errors_of_the_api_are_problems() {
    let (sandbox, api, _) = with_link().await;
    for (fault, status) in [(FaultKind::Internal, 500), (FaultKind::Unavailable, 503), (FaultKind::TooMany, 429)] {
        sandbox.set_faults(Faults::always(fault));
        problem(api.get("/binders").await, status).await;
    }
    let mut forms = Vec::new();
    for _ in 0..3 {
        let refusal = api.get("/binders").await;
        forms.push(refusal.headers().get("retry-after").map(|value| value.to_str().unwrap().len()));
    }
    forms.sort_unstable();
    assert_eq!(forms, [None, Some(1), Some(29)]);
    sandbox.set_faults(Faults::always(FaultKind::BadGateway));
    let proxy = api.get("/binders").await;
    assert_eq!((proxy.status().as_u16(), &proxy.headers()["content-type"]), (502, &"text/html".parse().unwrap()));
    sandbox.set_faults(Faults::none());
    assert_eq!(api.get("/binders").await.status(), 200);
}

#[tokio::test]
async fn errors_of_the_storage_are_xml() {
    let (sandbox, _, link) = with_link().await;
    for (fault, status) in [
        (FaultKind::Internal, 500),
        (FaultKind::Unavailable, 503),
        (FaultKind::ExpiredLink, 403),
        (FaultKind::Garbage, 200),
    ] {
        sandbox.set_faults(Faults::always(fault));
        let refusal = blob(&link).await.unwrap();
        assert_eq!(refusal.status(), status);
        assert!(refusal.text().await.unwrap().contains("<Error><Code>"), "{fault:?}");
    }
}

#[tokio::test]
async fn garbage_is_no_json() {
    let (sandbox, api, _) = with_link().await;
    sandbox.set_faults(Faults::always(FaultKind::Garbage));
    let mut starts = Vec::new();
    for _ in 0..2 {
        let answer = api.get("/binders").await;
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
        starts.push(text.chars().next());
    }
    starts.sort_unstable();
    assert_eq!(starts, [Some('<'), Some('{')]);
}

#[tokio::test]
async fn a_revoked_token_stays_revoked() {
    let (sandbox, api, _) = with_link().await;
    sandbox.set_faults(Faults::always(FaultKind::RevokeToken));
    assert_eq!(api.get("/binders").await.status(), 401);
    sandbox.set_faults(Faults::none());
    assert_eq!(api.get("/binders").await.status(), 401);
    assert_eq!(Api::new(&sandbox).await.get("/binders").await.status(), 200);
}

#[tokio::test]
async fn dropped_connections_break_before_or_in_the_body() {
    let (sandbox, api, link) = with_link().await;
    sandbox.set_faults(Faults::always(FaultKind::Drop));
    let (mut before, mut within) = (0, 0);
    for number in 0..4 {
        let answer =
            if number < 2 { blob(&link).await } else { api.request("GET".parse().unwrap(), "/binders").send().await };
        match answer {
            Err(error) => {
                assert!(!error.is_timeout(), "the connection was left hanging");
                before += 1;
            }
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                assert!(answer.bytes().await.is_err());
                within += 1;
            }
        }
    }
    assert_eq!((before, within), (2, 2));
}

#[tokio::test]
async fn a_truncated_body_is_shorter_than_promised() {
    let (sandbox, _, link) = with_link().await;
    sandbox.set_faults(Faults::always(FaultKind::Truncate));
    let mut answer = blob(&link).await.unwrap();
    assert_eq!(answer.content_length(), Some(100_000));
    let mut length = 0;
    let end = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => length += chunk.len(),
            end => break end,
        }
    };
    assert!(end.is_err());
    assert_eq!(length, 50_000);

    // If only the close ends the body, the missing half can't be noticed.
    sandbox.change_settings(|settings| settings.length = false);
    assert_eq!(blob(&link).await.unwrap().bytes().await.unwrap().len(), 50_000);
}

#[tokio::test]
async fn a_stalled_body_stops_and_the_sandbox_still_ends() {
    let (sandbox, _, link) = with_link().await;
    sandbox.set_faults(Faults::always(FaultKind::Stall));
    let mut answer = blob(&link).await.unwrap();
    let mut length = 0;
    while length < 50_000 {
        length += answer.chunk().await.unwrap().unwrap().len();
    }
    assert_eq!(length, 50_000);
    assert!(tokio::time::timeout(SILENCE, answer.chunk()).await.is_err());
    drop(sandbox);
    assert!(answer.chunk().await.is_err());
}

#[tokio::test]
async fn a_slow_answer_is_late_but_correct() {
    let (sandbox, api, _) = with_link().await;
    sandbox.change_settings(|settings| settings.slow = SILENCE);
    sandbox.set_faults(Faults::always(FaultKind::Slow));
    let asked = std::time::Instant::now();
    assert_eq!(api.get("/binders").await.status(), 200);
    assert!(asked.elapsed() >= SILENCE);
}

#[tokio::test]
async fn requests_above_the_limit_get_429() {
    let (sandbox, api, _) = with_link().await;
    sandbox.change_settings(|settings| settings.limit = Some(3));
    let mut refused = 0;
    for _ in 0..20 {
        let answer = api.get("/binders").await;
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "1");
            refused += 1;
        }
    }
    assert!((1..=17).contains(&refused), "{refused}");
    sandbox.change_settings(|settings| settings.retry_after = false);
    loop {
        let answer = api.get("/binders").await;
        if answer.status() == 429 {
            assert!(!answer.headers().contains_key("retry-after"));
            break;
        }
    }
}

#[tokio::test]
async fn the_meter_measures_the_request_rate() {
    let (sandbox, api, link) = with_link().await;
    let meter = async |method: &str| {
        let url = sandbox.api_url().replace("/api", "/sandbox/meter");
        body(http().request(method.parse().unwrap(), url).send().await.unwrap()).await
    };
    assert_eq!(meter("DELETE").await["served"], 2, "the document and its link");
    sandbox.script(Route::Binders, vec![Reply::Pass, Reply::problem(429, "Too many"), Reply::Pass]);
    for _ in 0..3 {
        api.get("/binders").await;
    }
    blob(&link).await.unwrap();
    let told = meter("GET").await;
    assert_eq!((&told["served"], &told["refused"]), (&json!(2), &json!(1)));
    assert!((1..=3).contains(&told["worst_second"].as_u64().unwrap()));
    assert_eq!(told["seconds"].as_array().unwrap().iter().map(|s| s[0].as_u64().unwrap()).sum::<u64>(), 2);
}

#[tokio::test]
async fn a_service_comes_back_after_an_outage() {
    let (sandbox, api, _) = with_link().await;
    sandbox.go_down(1, 3);
    assert_eq!(api.get("/binders").await.status(), 200);
    assert_eq!(ask_token(&sandbox, &api.http, &[]).await.status(), 503);
    problem(api.get("/binders").await, 503).await;
    problem(api.search("pageSize=1&pageNumber=1", &[]).await, 503).await;
    assert_eq!(api.get("/binders").await.status(), 200);
}

#[tokio::test]
async fn scripted_replies_are_taken_in_order() {
    let (sandbox, api, link) = with_link().await;
    let scripted = Reply::json(202, &json!({"a": 1})).header("x-own", "yes");
    sandbox.script(Route::Binders, vec![scripted, Reply::problem(409, "Conflict"), Reply::Drop]);
    sandbox.script(Route::Binders, Reply::status(500).times(2));
    let first = api.get("/binders").await;
    assert_eq!((first.status().as_u16(), &first.headers()["x-own"]), (202, &"yes".parse().unwrap()));
    problem(api.get("/binders").await, 409).await;
    let dropped = api.request("GET".parse().unwrap(), "/binders").send().await.unwrap_err();
    assert!(!dropped.is_timeout(), "the connection was left hanging");
    assert_eq!(api.get("/binders").await.status(), 500);
    assert_eq!(api.get("/binders").await.status(), 500);
    assert_eq!(api.get("/binders").await.status(), 200);
    let statuses: Vec<_> =
        sandbox.requests().iter().filter(|r| r.route == Route::Binders).map(|request| request.status).collect();
    assert_eq!(statuses, [Some(202), Some(409), None, Some(500), Some(500), Some(200)]);

    sandbox.script(Route::Blob, vec![Reply::Truncate, Reply::HangHead, Reply::Stall]);
    assert!(blob(&link).await.unwrap().bytes().await.is_err());
    assert!(tokio::time::timeout(SILENCE, blob(&link)).await.is_err());
    assert!(tokio::time::timeout(SILENCE, blob(&link).await.unwrap().bytes()).await.is_err());
    assert_eq!(blob(&link).await.unwrap().bytes().await.unwrap().len(), 100_000);
}
