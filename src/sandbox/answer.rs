//! Responses of the service and its storage, and bodies that end too early.

use std::io;

use axum::body::{Body, HttpBody};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::json::Json;
use super::organisation::Access;

pub(super) type Answered = Response<Body>;

pub(super) fn json(body: impl Into<Bytes>) -> Answered {
    with_type(StatusCode::OK, "application/json; charset=utf-8", body)
}

pub(super) fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answered {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(super) fn with_header(mut response: Answered, name: HeaderName, value: &str) -> Answered {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// An error of the API; `errors` maps fields to messages.
pub(super) fn problem(number: u64, status: StatusCode, title: &str, errors: &[(&str, &str)]) -> Answered {
    let mut json = Json::with_capacity(256);
    json.raw("{\"type\":\"https://httpstatuses.io/").number(u64::from(status.as_u16()));
    json.raw("\",\"title\":").text(title).raw(",\"status\":").number(u64::from(status.as_u16()));
    for (at, (field, message)) in errors.iter().enumerate() {
        json.raw(if at == 0 { ",\"errors\":{" } else { "," });
        json.text(field).raw(":[").text(message).raw("]");
    }
    json.raw(if errors.is_empty() { "" } else { "}" });
    json.raw(",\"traceId\":").text(&format!("00-{number:032x}-{number:016x}-00")).raw("}");
    with_type(status, "application/problem+json; charset=utf-8", json.into_bytes())
}

/// An error page of a proxy.
pub(super) fn html(status: StatusCode, title: &str) -> Answered {
    let page = format!("<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>");
    with_type(status, "text/html", page)
}

/// Formats seconds since 1970 as an HTTP date.
pub(super) fn http_date(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap_or_default()
}

/// The length of a body that is sent without `Content-Length`.
#[derive(Clone, Copy)]
pub(super) struct Length(pub(super) u64);

/// How a truncated body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The connection closes as if all had been sent.
    Short,
    /// The connection stays open and silent.
    Silent,
    /// The connection breaks.
    Broken,
}

/// The response with only the first half of its body; its headers promise the whole.
pub(super) fn halve(response: Answered, end: End) -> Answered {
    let (mut parts, body) = response.into_parts();
    let sized = parts.extensions.get::<Length>().map(|length| length.0);
    let length = sized.or_else(|| body.size_hint().exact()).unwrap_or(0);
    if sized.is_none() {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    let rest = (Some(body.into_data_stream()), length / 2);
    let halved = stream::unfold(rest, move |(body, left)| async move {
        let mut body = body?;
        if left > 0
            && let Some(Ok(piece)) = body.next().await
        {
            let cut = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            return Some((Ok::<Bytes, io::Error>(piece.slice(..cut)), (Some(body), left - cut as u64)));
        }
        // Yields first, so that what was sent is flushed before the end.
        tokio::task::yield_now().await;
        match end {
            End::Short => None,
            End::Silent => std::future::pending().await,
            End::Broken => Some((Err(io::ErrorKind::ConnectionReset.into()), (None, 0))),
        }
    });
    Response::from_parts(parts, Body::from_stream(halved))
}

/// The response for something that can't be read.
pub(super) fn refused(number: u64, access: Access) -> Answered {
    match access {
        Access::Forbidden => problem(number, StatusCode::FORBIDDEN, "Forbidden", &[]),
        Access::Missing => problem(number, StatusCode::NOT_FOUND, "Not found", &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_has_them() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
