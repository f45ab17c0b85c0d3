//! Decides whether a request is served, or answered by a script, the rate limit or a fault.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};

use crate::sandbox::{
    answer::{self, Answered, End, halve, problem, with_header},
    api,
    connection::Switch,
    fault::FaultKind,
    meter, request_log,
    route::{Route, Target},
    script::{HookRequest, Reply},
    shared::{Call, Shared},
    storage,
    store::Refusal,
};

const BODY_LIMIT: usize = 1024 * 1024;

enum Dispatch {
    Serve,
    Half(End),
    Answer(Answered),
    Drop,
    Hang,
}

/// Handles the API origin.
pub(super) async fn on_api(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Answered {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == meter::PATH {
        return shared.meter.serve(&parts.method);
    }
    let (uri, call) = match read(&shared, parts, body).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let Some(target) = Target::parse(uri.path()) else {
        return problem(call.number, StatusCode::NOT_FOUND, "Not found", &[]);
    };
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    answer(&shared, &call, target.route(), path, &switch, api::serve(&shared, &call, &target)).await
}

/// Handles the storage origin.
pub(super) async fn on_storage(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Answered {
    let (parts, body) = request.into_parts();
    let (uri, call) = match read(&shared, parts, body).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let served = storage::serve(&shared, &call, uri.path());
    answer(&shared, &call, Route::Blob, uri.path(), &switch, served).await
}

async fn read(shared: &Shared, parts: Parts, body: axum::body::Body) -> Result<(axum::http::Uri, Call), Answered> {
    let number = shared.next_number();
    let body = to_bytes(body, BODY_LIMIT).await;
    let body = body.map_err(|_| problem(number, StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", &[]))?;
    let query = parts.uri.query().unwrap_or("").to_owned();
    let settings = shared.settings();
    Ok((parts.uri, Call { number, settings, method: parts.method, headers: parts.headers, query, body }))
}

async fn answer(
    shared: &Shared,
    call: &Call,
    route: Route,
    path: &str,
    switch: &Switch,
    served: impl Future<Output = Answered>,
) -> Answered {
    shared.journal.count(route);
    let at = shared.clock.since_start();
    let second = (!matches!(route, Route::Token | Route::Blob)).then(|| shared.meter.arrived());
    let answered = match choose(shared, call, route, path).await {
        Dispatch::Serve => Some(served.await),
        Dispatch::Half(end) => Some(halve(served.await, end)),
        Dispatch::Answer(answered) => Some(answered),
        Dispatch::Drop => {
            switch.cut();
            None
        }
        Dispatch::Hang => None,
    };
    if let Some(second) = second {
        let status = answered.as_ref().map(|answered| answered.status());
        shared.meter.answered(second, status == Some(StatusCode::TOO_MANY_REQUESTS));
    }
    if call.settings.record {
        shared.journal.record(request_log::Request {
            route,
            method: call.method.to_string(),
            path: path.to_owned(),
            range: call.text(header::RANGE).map(str::to_owned),
            status: answered.as_ref().map(|answered| answered.status().as_u16()),
            at,
        });
    }
    match answered {
        Some(answered) => dated(shared, call, answered),
        None => std::future::pending().await,
    }
}

/// Adds a `Date` of the sandbox's clock, unless the response has one.
fn dated(shared: &Shared, call: &Call, answered: Answered) -> Answered {
    if answered.headers().contains_key(header::DATE) {
        return answered;
    }
    let now = i64::try_from(shared.clock.now() / 1000).unwrap_or(i64::MAX);
    let date = answer::http_date(now.saturating_add(call.settings.clock_offset));
    // Without any `Date` the server would add its own.
    with_header(answered, header::DATE, if call.settings.date { &date } else { "unknown" })
}

async fn choose(shared: &Shared, call: &Call, route: Route, target: &str) -> Dispatch {
    if route != Route::Blob && shared.is_down() {
        return Dispatch::Answer(problem(call.number, StatusCode::SERVICE_UNAVAILABLE, "Service unavailable", &[]));
    }
    let (range, if_range) = (call.text(header::RANGE), call.text(header::IF_RANGE));
    match shared.scripted(&HookRequest { route, target, range, if_range, body: &call.body }) {
        Reply::Answer(answer) => return Dispatch::Answer(answer.into_response()),
        Reply::Drop => return Dispatch::Drop,
        Reply::HangHead => return Dispatch::Hang,
        Reply::Stall => return Dispatch::Half(End::Silent),
        Reply::Truncate => return Dispatch::Half(End::Short),
        Reply::Pass | Reply::Run(_) => {}
    }
    let settings = &call.settings;
    if settings.faults.slows(settings.seed, call.number, route) {
        tokio::time::sleep(settings.slow).await;
    }
    let limit = settings.limit.filter(|_| route != Route::Blob);
    if limit.is_some_and(|per_second| !shared.limiter.admits(per_second)) {
        let refusal = problem(call.number, StatusCode::TOO_MANY_REQUESTS, "Too many requests", &[]);
        let told = settings.retry_after;
        return Dispatch::Answer(if told { with_header(refusal, header::RETRY_AFTER, "1") } else { refusal });
    }
    match settings.faults.roll(settings.seed, call.number, route) {
        Some(fault) => apply_fault(shared, call, route, fault),
        None => Dispatch::Serve,
    }
}

/// Applies a fault to a request. Faults with several variants alternate between them.
fn apply_fault(shared: &Shared, call: &Call, route: Route, fault: FaultKind) -> Dispatch {
    let number = call.number;
    let store = call.settings.store;
    let error = |refusal, status: StatusCode, title: &str| {
        let of_storage = route == Route::Blob;
        Dispatch::Answer(if of_storage { store.refuse(number, refusal) } else { problem(number, status, title, &[]) })
    };
    match fault {
        FaultKind::TooMany => Dispatch::Answer(too_many(number)),
        FaultKind::Internal => {
            error(Refusal::Internal, StatusCode::INTERNAL_SERVER_ERROR, "An unexpected error occurred")
        }
        FaultKind::BadGateway => Dispatch::Answer(answer::html(StatusCode::BAD_GATEWAY, "502 Bad Gateway")),
        FaultKind::Unavailable => error(Refusal::Busy, StatusCode::SERVICE_UNAVAILABLE, "Reduce your request rate"),
        FaultKind::Drop if number.is_multiple_of(2) => Dispatch::Drop,
        FaultKind::Drop => Dispatch::Half(End::Broken),
        FaultKind::Truncate => Dispatch::Half(End::Short),
        FaultKind::Stall => Dispatch::Half(End::Silent),
        FaultKind::ExpiredLink => Dispatch::Answer(store.refuse(number, Refusal::Expired)),
        FaultKind::Garbage => Dispatch::Answer(garbage(call, route)),
        FaultKind::RevokeToken => {
            if let Some(token) = call.bearer() {
                shared.tokens.revoke(token);
            }
            Dispatch::Serve
        }
        FaultKind::Slow => Dispatch::Serve,
    }
}

fn too_many(number: u64) -> Answered {
    let refusal = problem(number, StatusCode::TOO_MANY_REQUESTS, "Too many requests", &[]);
    match number % 3 {
        0 => with_header(refusal, header::RETRY_AFTER, "1"),
        1 => {
            let soon = SystemTime::now() + Duration::from_secs(2);
            let seconds = soon.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let date = answer::http_date(i64::try_from(seconds).unwrap_or(0));
            with_header(refusal, header::RETRY_AFTER, &date)
        }
        _ => refusal,
    }
}

fn garbage(call: &Call, route: Route) -> Answered {
    let number = call.number;
    if route == Route::Blob {
        let message = "We encountered an internal error.";
        return call.settings.store.error(number, StatusCode::OK, "InternalError", message);
    }
    if number.is_multiple_of(2) {
        answer::html(StatusCode::OK, "Tjänsten uppdateras")
    } else {
        answer::json(Bytes::from_static(b"{\"items\":[{\"id\":\"3f2a"))
    }
}
