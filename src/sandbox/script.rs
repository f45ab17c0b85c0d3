//! Replies that a test queues for a route, taken in order by the next requests to it.

use std::collections::VecDeque;
use std::fmt;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde_json::Value;

use super::organisation::Organisation;
use super::route::Route;

/// What happens to one request.
pub enum Reply {
    /// It is served as if there were no script.
    Pass,
    /// It gets this answer.
    Answer(Answer),
    /// The connection is dropped without an answer.
    Drop,
    /// The connection stays open and silent.
    HangHead,
    /// It is served, but the body stops in the middle and the connection stays open.
    Stall,
    /// It is served, but the body ends in the middle.
    Truncate,
    /// The closure runs, and what it returns happens.
    Run(Box<dyn FnOnce(&mut Organisation) -> Reply + Send>),
}

/// A request as a [hook](super::Sandbox::hook) sees it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    /// Its route.
    pub route: Route,
    /// Its path and query.
    pub target: &'r str,
    /// The range of bytes that it asks for.
    pub range: Option<&'r str>,
    /// The `ETag` that the bytes must have for a part of them to be sent.
    pub if_range: Option<&'r str>,
    /// Its body.
    pub body: &'r [u8],
}

/// Looks at every request, and answers some of them.
pub(super) type Hook = dyn Fn(&Asked<'_>) -> Option<Reply> + Send + Sync;

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// An answer with this status and an empty body.
    pub fn status(status: u16) -> Self {
        Self::Answer(Answer { status, headers: Vec::new(), body: Bytes::new() })
    }

    /// An answer with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string())
    }

    /// An answer that reports an error as the service does.
    pub fn problem(status: u16, title: &str) -> Self {
        let body = serde_json::json!({"type": "about:blank", "title": title, "status": status, "traceId": "scripted"});
        Self::body(status, "application/problem+json", body.to_string())
    }

    /// An answer with any body.
    pub fn body(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::Answer(Answer { status, headers: Vec::new(), body: body.into() }).header("content-type", content_type)
    }

    /// The same answer with one more header. Other replies stay as they are.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer(answer) = &mut self {
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Changes the organisation when the request arrives, which is then served.
    ///
    /// The closure runs in the sandbox's thread: it must not call the sandbox.
    pub fn run(change: impl FnOnce(&mut Organisation) + Send + 'static) -> Self {
        Self::Run(Box::new(|organisation| {
            change(organisation);
            Self::Pass
        }))
    }

    /// The same reply several times, for those that can be repeated: `Run` becomes `Pass` after the first.
    #[must_use]
    pub fn times(self, count: usize) -> Vec<Self> {
        let mut replies: Vec<Self> = (1..count).map(|_| self.again()).collect();
        if count > 0 {
            replies.insert(0, self);
        }
        replies
    }

    fn again(&self) -> Self {
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
    /// The answer as it is sent; a header that HTTP can't carry is left out.
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

/// The replies that wait for requests.
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
