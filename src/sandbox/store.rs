//! Imitates Azure Blob Storage or S3: links, headers and errors.

use std::time::Duration;

use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::strtime;
use url::form_urlencoded::{self, Serializer};

use super::answer::{Answered, with_type};
use super::id::{Guid, hex};
use crate::sandbox::auth::{Signer, millis};

/// The version of Azure's interface that is imitated.
const AZURE_VERSION: &str = "2025-05-05";
/// The format of times in links of S3.
const AMZ_DATE: &str = "%Y%m%dT%H%M%SZ";

/// The kind of store that is imitated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// Azure Blob Storage: links expire at `se`, headers are `x-ms-…`, and `If-Range` is ignored.
    #[default]
    Azure,
    /// S3: links live for `X-Amz-Expires`, and `If-Range` is honoured.
    S3,
}

/// Why a store refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The link has expired.
    Expired,
    /// The link has no signature.
    Unsigned,
    /// The signature is wrong.
    Forged,
    /// The request has credentials besides those of the link.
    Credentials,
    /// The method is not GET.
    Method,
    /// The blob doesn't exist.
    Missing,
    /// The range begins after the end.
    Range,
    /// The store failed.
    Internal,
    /// The store is overloaded.
    Busy,
}

impl Store {
    /// The query of a link to a version's bytes; `now` is in milliseconds since 1970.
    pub(super) fn sign(self, signer: &Signer, of: (Guid, Guid), now: u64, lifetime: Duration) -> String {
        let lifetime = millis(lifetime);
        let mut query = Serializer::new(String::new());
        match self {
            Self::Azure => {
                let end = now.saturating_add(lifetime);
                query.append_pair("sv", AZURE_VERSION).append_pair("se", &time(end).to_string());
                query.append_pair("sr", "b").append_pair("sp", "r");
                query.append_pair("sig", &STANDARD.encode(signer.link(of, &time(end).to_string())));
            }
            Self::S3 => {
                let (date, seconds) = (amz_date(now), lifetime.div_ceil(1000).to_string());
                query.append_pair("X-Amz-Algorithm", "AWS4-HMAC-SHA256").append_pair("X-Amz-Date", &date);
                query.append_pair("X-Amz-Expires", &seconds).append_pair("X-Amz-SignedHeaders", "host");
                query.append_pair("X-Amz-Signature", &hex(&signer.link(of, &format!("{date} {seconds}"))));
            }
        }
        query.finish()
    }

    /// Checks the query of a link.
    pub(super) fn check(self, signer: &Signer, of: (Guid, Guid), now: u64, query: &str) -> Result<(), Refusal> {
        let field = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned()).ok_or(Refusal::Unsigned)
        };
        let (signature, expected, end) = match self {
            Self::Azure => {
                let end = field("se")?;
                (field("sig")?, STANDARD.encode(signer.link(of, &end)), end.parse().ok())
            }
            Self::S3 => {
                let (date, seconds) = (field("X-Amz-Date")?, field("X-Amz-Expires")?);
                let expected = hex(&signer.link(of, &format!("{date} {seconds}")));
                (field("X-Amz-Signature")?, expected, amz_end(&date, &seconds))
            }
        };
        let end = end.filter(|_| signature == expected).ok_or(Refusal::Forged)?;
        if end <= time(now) { Err(Refusal::Expired) } else { Ok(()) }
    }

    /// A refusal in the store's format.
    pub(super) fn refuse(self, number: u64, refusal: Refusal) -> Answered {
        let (status, code, message) = self.error_parts(refusal);
        self.error(number, status, code, message)
    }

    /// An error document with any status.
    pub(super) fn error(self, number: u64, status: StatusCode, code: &str, message: &str) -> Answered {
        let id = request_id(number);
        let body = match self {
            Self::Azure => format!(
                "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}\n\
                 RequestId:{id}\nTime:{}</Message></Error>",
                Timestamp::now()
            ),
            Self::S3 => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
                 <RequestId>{id}</RequestId></Error>"
            ),
        };
        let mut response: Response<_> = with_type(status, "application/xml", body);
        self.mark(response.headers_mut(), number);
        if self == Self::Azure && !status.is_success() {
            insert(response.headers_mut(), "x-ms-error-code", code);
        }
        response
    }

    /// The headers of all responses of the store.
    pub(super) fn mark(self, headers: &mut HeaderMap, number: u64) {
        match self {
            Self::Azure => {
                insert(headers, "server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0");
                insert(headers, "x-ms-request-id", &request_id(number));
                insert(headers, "x-ms-version", AZURE_VERSION);
            }
            Self::S3 => {
                insert(headers, "server", "AmazonS3");
                insert(headers, "x-amz-request-id", &request_id(number));
            }
        }
    }

    /// The headers about the blob.
    pub(super) fn describe(self, headers: &mut HeaderMap) {
        if self == Self::Azure {
            insert(headers, "x-ms-blob-type", "BlockBlob");
            insert(headers, "x-ms-server-encrypted", "true");
        }
    }

    /// The header with the MD5 of the whole; Azure sends one with parts too, S3 none.
    pub(super) fn md5_header(self, part: bool) -> Option<HeaderName> {
        match (self, part) {
            (_, false) => Some(HeaderName::from_static("content-md5")),
            (Self::Azure, true) => Some(HeaderName::from_static("x-ms-blob-content-md5")),
            (Self::S3, true) => None,
        }
    }

    /// The strong `ETag` of a version.
    pub(super) fn etag(self, version: Guid) -> String {
        match self {
            Self::Azure => format!("\"0x{:X}\"", version.low()),
            Self::S3 => format!("\"{}\"", hex(&version.high().to_be_bytes()) + &hex(&version.low().to_be_bytes())),
        }
    }

    /// Whether `If-Range` is honoured.
    pub(super) fn honours_if_range(self) -> bool {
        self == Self::S3
    }

    fn error_parts(self, refusal: Refusal) -> ErrorParts {
        match self {
            Self::Azure => azure_error(refusal),
            Self::S3 => s3_error(refusal),
        }
    }
}

/// Status, code and message of an error.
type ErrorParts = (StatusCode, &'static str, &'static str);

fn azure_error(refusal: Refusal) -> ErrorParts {
    match refusal {
        Refusal::Expired | Refusal::Unsigned | Refusal::Forged => (
            StatusCode::FORBIDDEN,
            "AuthenticationFailed",
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed \
             correctly including the signature.",
        ),
        Refusal::Credentials => (
            StatusCode::BAD_REQUEST,
            "InvalidAuthenticationInfo",
            "Authentication information is not given in the correct format. Check the value of Authorization header.",
        ),
        Refusal::Method => {
            let message = "The resource doesn't support specified Http Verb.";
            (StatusCode::METHOD_NOT_ALLOWED, "UnsupportedHttpVerb", message)
        }
        Refusal::Missing => (StatusCode::NOT_FOUND, "BlobNotFound", "The specified blob does not exist."),
        Refusal::Range => {
            let message = "The range specified is invalid for the current size of the resource.";
            (StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
        }
        Refusal::Internal => {
            let message = "The server encountered an internal error. Please retry the request.";
            (StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
        }
        Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", "The server is busy."),
    }
}

fn s3_error(refusal: Refusal) -> ErrorParts {
    match refusal {
        Refusal::Expired => (StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"),
        Refusal::Unsigned => (StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
        Refusal::Forged => {
            let message = "The request signature we calculated does not match the signature you provided.";
            (StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message)
        }
        Refusal::Credentials => (StatusCode::BAD_REQUEST, "InvalidArgument", "Only one auth mechanism allowed"),
        Refusal::Method => {
            let message = "The specified method is not allowed against this resource.";
            (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
        }
        Refusal::Missing => (StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist."),
        Refusal::Range => (StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", "The requested range is not satisfiable"),
        Refusal::Internal => {
            let message = "We encountered an internal error. Please try again.";
            (StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
        }
        Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."),
    }
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn request_id(number: u64) -> String {
    format!("{number:08x}-001e-0000-0000-{number:012x}")
}

/// From milliseconds since 1970.
fn time(millis: u64) -> Timestamp {
    i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or(Timestamp::MAX)
}

fn amz_date(now: u64) -> String {
    strtime::format(AMZ_DATE, time(now)).unwrap_or_default()
}

fn amz_end(date: &str, seconds: &str) -> Option<Timestamp> {
    let start: Timestamp = date.parse().ok()?;
    start.checked_add(Duration::from_secs(seconds.parse().ok()?)).ok()
}
