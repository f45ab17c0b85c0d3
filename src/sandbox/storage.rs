//! The storage origin: versions' bytes behind signed links, like an object store.
//!
//! It refuses requests with the API's credentials, so that a client that leaks them to another host fails.

use std::io;
use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::stream;

use super::answer::{Answered, Length, http_date, with_header};
use super::content::{Content, SMALL};
use super::id::Guid;
use super::range::{RequestedRange, requested};
use super::settings::Settings;
use super::shared::{Call, Shared, TENANT};
use super::store::Refusal;

/// Larger bodies have no `Content-MD5`, as in stores that receive them in parts.
const HASHED: u64 = 1024 * 1024;

/// A version's bytes and their headers.
struct Blob {
    content: Content,
    modified: i64,
    version: Guid,
}

pub(super) async fn serve(shared: &Shared, call: &Call, path: &str) -> Answered {
    let blob = match find(shared, call, path) {
        Ok(blob) => blob,
        Err(refusal) => return call.settings.store.refuse(call.number, refusal),
    };
    let length = blob.content.len();
    let settings = &call.settings;
    let store = settings.store;
    let etag = settings.etag.then(|| store.etag(blob.version));
    let modified = settings.last_modified.then(|| http_date(blob.modified));
    let part = if settings.ranges {
        let validators = [etag.as_deref(), modified.as_deref()];
        requested(&call.headers, length, store.honours_if_range().then_some(validators))
    } else {
        RequestedRange::Whole
    };
    let (status, range) = match part {
        RequestedRange::Whole => (StatusCode::OK, 0..length),
        RequestedRange::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        RequestedRange::Nothing => {
            let refusal = store.refuse(call.number, Refusal::Range);
            return with_header(refusal, header::CONTENT_RANGE, &format!("bytes */{length}"));
        }
    };
    let Ok(body) = body(&blob.content, range.clone()).await else {
        // The file behind the version was edited or removed.
        shared.organisation().mark_outdated();
        return store.refuse(call.number, Refusal::Missing);
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    store.mark(response.headers_mut(), call.number);
    store.describe(response.headers_mut());
    describe(response.headers_mut(), settings, etag, modified);
    let part = status == StatusCode::PARTIAL_CONTENT;
    if part {
        let text = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        response = with_header(response, header::CONTENT_RANGE, &text);
    }
    let announced = store.md5_header(part).filter(|_| settings.content_md5 && length <= HASHED);
    if let Some(name) = announced {
        let hash = shared.hasher.lock().unwrap_or_else(std::sync::PoisonError::into_inner).md5(&blob.content);
        if let Some(hash) = hash {
            response = with_header(response, name, &STANDARD.encode(hash));
        }
    }
    measure(response, settings.length, range.end - range.start)
}

/// Resolves a link, if it is valid.
fn find(shared: &Shared, call: &Call, path: &str) -> Result<Blob, Refusal> {
    if call.headers.contains_key(header::AUTHORIZATION) || call.headers.contains_key(TENANT) {
        return Err(Refusal::Credentials);
    }
    if call.method != Method::GET {
        return Err(Refusal::Method);
    }
    let parsed = path.strip_prefix("/ibinder-documents/").and_then(|path| {
        let (document, version) = path.split_once('/')?;
        Some((Guid::parse(document)?, Guid::parse(version)?))
    });
    let (document, version) = parsed.ok_or(Refusal::Missing)?;
    call.settings.store.check(&shared.signer, (document, version), shared.clock.now(), &call.query)?;
    let organisation = shared.organisation();
    let found = organisation.document_position(document).and_then(|at| {
        let document = &organisation.documents[at as usize];
        let number = document.version_number(version)?;
        Some(Blob { content: organisation.content(at, number), modified: document.modified(number), version })
    });
    found.ok_or(Refusal::Missing)
}

fn describe(headers: &mut HeaderMap, settings: &Settings, etag: Option<String>, modified: Option<String>) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    if settings.ranges {
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    for (name, value) in [(header::ETAG, etag), (header::LAST_MODIFIED, modified)] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
}

/// Sets the body's length, or sends it as HTTP/1.0 does, where the close of the connection ends it.
fn measure(mut response: Answered, said: bool, length: u64) -> Answered {
    if said {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        response.extensions_mut().insert(Length(length));
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_10;
    parts.extensions.insert(Length(length));
    Response::from_parts(parts, Body::from_stream(body.into_data_stream()))
}

async fn body(content: &Content, range: Range<u64>) -> io::Result<Body> {
    if range.end - range.start <= SMALL {
        return match content {
            Content::Parts { .. } => content.read(&range).map(Body::from),
            Content::File { .. } => {
                let content = content.clone();
                tokio::task::spawn_blocking(move || content.read(&range)).await?.map(Body::from)
            }
        };
    }
    // The first piece is read before the headers are sent, to see whether the file still exists.
    let first = piece(content.clone(), range.clone()).await?;
    let next = range.start + first.len() as u64;
    let rest = stream::try_unfold((content.clone(), next), move |(content, at)| async move {
        if at >= range.end {
            return Ok(None);
        }
        let bytes = piece(content.clone(), at..range.end).await?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let next = at + bytes.len() as u64;
        Ok::<_, io::Error>(Some((bytes, (content, next))))
    });
    Ok(Body::from_stream(futures::StreamExt::chain(stream::iter([Ok(first)]), rest)))
}

async fn piece(content: Content, range: Range<u64>) -> io::Result<bytes::Bytes> {
    match content {
        Content::Parts { .. } => content.piece(&range),
        Content::File { .. } => tokio::task::spawn_blocking(move || content.piece(&range)).await?,
    }
}
