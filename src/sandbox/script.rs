//! Scripted replies: a test queues them for a route, and the next requests to it take them in order.

use std::collections::VecDeque;
use std::fmt;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde_json::Value;

use super::organisation::Organisation;
use super::route::Route;

/// What happens to a request.
pub enum Reply {
    /// It is served normally.
    Pass,
    /// It gets this response.
    Answer(Answer),
    /// The connection is dropped without a response.
    Drop,
    /// The connection stays open and silent.
    HangHead,
    /// It is served, but the body stops halfway and the connection stays open.
    Stall,
    /// It is served, but the body ends halfway.
    Truncate,
    /// The closure runs and returns the reply.
    Run(Box<dyn FnOnce(&mut Organisation) -> Reply + Send>),
}

/// A request, for a [hook](super::Sandbox::hook).
#[derive(Clone, Copy, Debug)]
pub struct HookRequest<'r> {
    /// The route.
    pub route: Route,
    /// The path and query.
    pub target: &'r str,
    /// The `Range` header.
    pub range: Option<&'r str>,
    /// The `ETag` that the bytes must have for a part of them to be sent.
    pub if_range: Option<&'r str>,
    /// Its body.
    pub body: &'r [u8],
}

/// Sees every request, and can reply to it.
pub(super) type Hook = dyn Fn(&HookRequest<'_>) -> Option<Reply> + Send + Sync;

/// A complete response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// A response with an empty body.
    pub fn status(status: u16) -> Self {
        Self::Answer(Answer { status, headers: Vec::new(), body: Bytes::new() })
    }

    /// A response with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string())
    }

    /// An error response in the service's format.
    pub fn problem(status: u16, title: &str) -> Self {
        let body = serde_json::json!({"type": "about:blank", "title": title, "status": status, "traceId": "scripted"});
        Self::body(status, "application/problem+json", body.to_string())
    }

    /// A response with any body.
    pub fn body(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::Answer(Answer { status, headers: Vec::new(), body: body.into() }).header("content-type", content_type)
    }

    /// Adds a header to an answer; other replies are unchanged.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer(answer) = &mut self {
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Changes the organisation when the request arrives, which is then served.
    ///
    /// The closure runs in the sandbox's thread and must not call the sandbox.
    pub fn run(change: impl FnOnce(&mut Organisation) + Send + 'static) -> Self {
        Self::Run(Box::new(|organisation| {
            change(organisation);
            Self::Pass
        }))
    }

    /// Repeats the reply; `Run` becomes `Pass` after the first.
    #[must_use]
    pub fn times(self, count: usize) -> Vec<Self> {
        let mut replies: Vec<Self> = (1..count).map(|_| self.repeat()).collect();
        if count > 0 {
            replies.insert(0, self);
        }
        replies
    }

    fn repeat(&self) -> Self {
        match self {
            Self::Answer(answer) => Self::Answer(answer.clone()),
            Self::Drop => Self::Drop,
            Self::HangHead => Self::HangHead,
            Self::Stall => Self::Stall,
            Self::Truncate => Self::Truncate,
            Self::Pass | Self::Run(_) => Self::Pass,
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer) => f.debug_tuple("Answer").field(answer).finish(),
            Self::Pass => f.write_str("Pass"),
            Self::Drop => f.write_str("Drop"),
            Self::HangHead => f.write_str("HangHead"),
            Self::Stall => f.write_str("Stall"),
            Self::Truncate => f.write_str("Truncate"),
            Self::Run(_) => f.write_str("Run"),
        }
    }
}

impl Answer {
    /// The HTTP response; invalid headers are dropped.
    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in &self.headers {
            let (name, value) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// The queued replies.
#[derive(Default)]
pub(super) struct Scripts([VecDeque<Reply>; Route::ALL.len()]);

impl Scripts {
    pub(super) fn push(&mut self, route: Route, replies: Vec<Reply>) {
        self.0[route.index()].extend(replies);
    }

    pub(super) fn next(&mut self, route: Route) -> Reply {
        self.0[route.index()].pop_front().unwrap_or(Reply::Pass)
    }

    pub(super) fn waiting(&self, route: Route) -> usize {
        self.0[route.index()].len()
    }
}
