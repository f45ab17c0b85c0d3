//! Reads the headers of a storage response.
//!
//! Storage is presumably an object store; every header is used if present, and none is required
//! (`docs/api-contract.md`, "Content": assumed). One rule is strict: while a partial download is kept, later
//! responses must agree with what was announced. A 206 continues it only if it is exactly the rest of the same
//! bytes (right start, right end, same `ETag`, same total), and a 200 in its place must have the same size, `ETag`
//! and MD5. Otherwise an error tells the caller to request the whole.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{
    StatusCode, Version,
    header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, TRANSFER_ENCODING,
    },
};

use crate::remote::{
    announced::{Announced, is_strong},
    cause::Cause,
    headers::{content_type, retry_after, text},
};

/// The hash of the whole, in a partial response.
const WHOLE_MD5: HeaderName = HeaderName::from_static("x-ms-blob-content-md5");

/// The hash of this response's body.
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

const DATES: DateTimeParser = DateTimeParser::new();

/// Headers that Azure, S3 and Google Cloud add to blobs and never to errors.
const BLOB_HEADERS: [&str; 6] = [
    "x-ms-blob-type",
    "x-amz-version-id",
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
    "x-goog-hash",
    "x-goog-stored-content-length",
];

/// Where an interrupted download continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The number of bytes already there.
    pub offset: u64,
    /// What was announced with them; the rest is requested with `If-Match` of the strong `ETag`.
    pub announced: Announced,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) start: u64,
    /// The size of the whole, not of this response.
    pub(super) announced: Announced,
    pub(super) last_modified: Option<Timestamp>,
    /// `Content-Encoding`.
    pub(super) encoding: Option<String>,
    /// Whether the response has headers that stores add to blobs and never to error pages.
    pub(super) marked: bool,
    pub(super) ends_at_close: bool,
}

/// Reads the headers of a response to a request for the whole or, with `resume`, for the rest.
pub(super) fn read(
    status: StatusCode,
    version: Version,
    headers: &HeaderMap,
    resume: Option<&Resume>,
) -> Result<Head, Cause> {
    match (status, resume) {
        (StatusCode::OK, _) => whole(version, headers, resume),
        (StatusCode::PARTIAL_CONTENT, Some(resume)) => rest(version, headers, resume),
        // An unrequested range that covers the whole.
        (StatusCode::PARTIAL_CONTENT, None) if span(headers).is_some_and(Span::is_whole) => {
            whole(version, headers, None)
        }
        (StatusCode::PARTIAL_CONTENT, None) => {
            Err(Cause::Garbled("it is a part of the document instead of the whole".into()))
        }
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
            Err(Cause::NotTheRest("it has no bytes after the resumed position"))
        }
        _ if status.is_success() => Err(Cause::Garbled(format!("the status {status} carries no document"))),
        _ => Err(Cause::Storage { status: status.as_u16(), retry_after: retry_after(headers) }),
    }
}

/// What the headers say about the whole, wherever the body begins.
pub(super) fn describe(status: StatusCode, headers: &HeaderMap) -> Head {
    let own = if status == StatusCode::OK { md5(headers, CONTENT_MD5) } else { None };
    head(Version::HTTP_11, headers, 0, None, own.or_else(|| md5(headers, WHOLE_MD5)))
}

/// A response with the status of the whole.
fn whole(version: Version, headers: &HeaderMap, resume: Option<&Resume>) -> Result<Head, Cause> {
    let span = span(headers);
    if headers.contains_key(CONTENT_RANGE) && !span.is_some_and(Span::is_whole) {
        return Err(match resume {
            Some(_) => Cause::Contradicted("it sends a part of the document as the whole"),
            None => Cause::Garbled("it is a part of the document instead of the whole".into()),
        });
    }
    let total = length(headers).or(span.map(|span| span.total));
    let md5 = md5(headers, CONTENT_MD5).or_else(|| md5(headers, WHOLE_MD5));
    let mut head = head(version, headers, 0, total, md5);
    let Some(resume) = resume else { return Ok(head) };
    if let Some(how) = resume.announced.contradicted_by(&head.announced) {
        return Err(Cause::Contradicted(how));
    }
    // What this response leaves out was announced before.
    head.announced.total = head.announced.total.or(resume.announced.total);
    head.announced.md5 = head.announced.md5.or(resume.announced.md5);
    head.announced.content_type = resume.announced.content_type.clone().or(head.announced.content_type);
    Ok(head)
}

/// A response with the status of a part.
fn rest(version: Version, headers: &HeaderMap, resume: &Resume) -> Result<Head, Cause> {
    let Some(span) = span(headers) else { return Err(Cause::NotTheRest("it has no Content-Range")) };
    if content_type(headers).is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/")) {
        return Err(Cause::NotTheRest("it is a multipart response"));
    }
    if span.first != resume.offset || span.last.checked_add(1) != Some(span.total) {
        return Err(Cause::NotTheRest("it is a different part"));
    }
    if length(headers).is_some_and(|length| length != span.total - span.first) {
        return Err(Cause::NotTheRest("its length contradicts its Content-Range"));
    }
    let mut head = head(version, headers, resume.offset, Some(span.total), md5(headers, WHOLE_MD5));
    if let Some(how) = resume.announced.contradicted_by(&head.announced) {
        return Err(Cause::Contradicted(how));
    }
    if head.announced.etag.is_none() {
        return Err(Cause::NotTheRest("it has no ETag"));
    }
    head.announced.md5 = head.announced.md5.or(resume.announced.md5);
    head.announced.content_type = resume.announced.content_type.clone().or(head.announced.content_type);
    Ok(head)
}

fn head(version: Version, headers: &HeaderMap, start: u64, total: Option<u64>, md5: Option<[u8; 16]>) -> Head {
    let framed = headers.contains_key(CONTENT_LENGTH) || is_chunked(headers);
    let etag = text(headers, ETAG).filter(|etag| is_strong(etag)).map(str::to_owned);
    Head {
        start,
        announced: Announced { etag, total, md5, content_type: content_type(headers).map(str::to_owned) },
        last_modified: text(headers, LAST_MODIFIED).and_then(|date| DATES.parse_timestamp(date).ok()),
        encoding: encoding(headers),
        marked: BLOB_HEADERS.iter().any(|mark| headers.contains_key(*mark)),
        // HTTP/2 frames mark the end of a body.
        ends_at_close: version < Version::HTTP_2 && !framed,
    }
}

/// `Content-Encoding`; `None` for `identity`.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let names: Vec<String> = values
        .flat_map(|value| value.split(',').map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>())
        .filter(|name| !name.is_empty() && name != "identity")
        .map(|name| name.chars().take(40).collect())
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// A parsed `Content-Range`.
#[derive(Clone, Copy)]
struct Span {
    first: u64,
    last: u64,
    total: u64,
}

impl Span {
    fn is_whole(self) -> bool {
        self.first == 0 && self.last.checked_add(1) == Some(self.total)
    }
}

fn span(headers: &HeaderMap) -> Option<Span> {
    let (unit, range) = text(headers, CONTENT_RANGE)?.split_once(' ')?;
    let (span, total) = range.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let span = Span { first: number(first)?, last: number(last)?, total: number(total)? };
    (unit.eq_ignore_ascii_case("bytes") && span.last >= span.first).then_some(span)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH).and_then(number)
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn md5(headers: &HeaderMap, name: HeaderName) -> Option<[u8; 16]> {
    STANDARD.decode(text(headers, name)?).ok()?.try_into().ok()
}

fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).iter().next_back().and_then(|value| value.to_str().ok());
    last.and_then(|codings| codings.rsplit(',').next())
        .is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        list.iter().map(pair).collect()
    }

    fn ask(status: u16, list: &[(&str, &str)], resume: Option<&Resume>) -> Result<Head, Cause> {
        read(StatusCode::from_u16(status).unwrap(), Version::HTTP_11, &headers(list), resume)
    }

    fn whole(list: &[(&str, &str)]) -> Head {
        ask(200, list, None).unwrap()
    }

    #[test]
    fn all_headers_are_read() {
        let head = whole(&[
            ("content-length", "5"),
            ("etag", "\"abc\""),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("content-type", "application/pdf"),
        ]);
        assert_eq!((head.start, head.announced.total, head.ends_at_close), (0, Some(5), false));
        assert_eq!(head.announced.etag.as_deref(), Some("\"abc\""));
        assert_eq!(head.last_modified.unwrap().to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(head.announced.md5.unwrap()[..3], [0x5d, 0x41, 0x40]);
        assert_eq!(head.announced.content_type.as_deref(), Some("application/pdf"));
        let other = whole(&[("x-ms-blob-content-md5", "XUFAKrxLKna5cZ2REBfFkg==")]);
        assert_eq!(other.announced.md5, head.announced.md5);
    }

    #[test]
    fn no_header_is_required() {
        assert_eq!(whole(&[]), Head { ends_at_close: true, ..Head::default() });
        for (name, odd) in [
            ("content-md5", "abc"),
            ("content-md5", "aGVq"),
            ("etag", "W/\"abc\""),
            ("etag", "abc"),
            ("etag", "\""),
            ("etag", "\"\""),
            ("last-modified", "yesterday"),
            ("last-modified", ""),
        ] {
            assert_eq!(whole(&[(name, odd)]), Head { ends_at_close: true, ..Head::default() }, "{name}: {odd}");
        }
    }

    #[test]
    fn the_end_of_a_body() {
        assert!(!whole(&[("transfer-encoding", "chunked")]).ends_at_close);
        assert!(!whole(&[("transfer-encoding", "gzip, Chunked")]).ends_at_close);
        assert!(whole(&[("transfer-encoding", "gzip")]).ends_at_close);
        let read = read(StatusCode::OK, Version::HTTP_2, &HeaderMap::new(), None);
        assert!(!read.unwrap().ends_at_close);
    }

    fn partial() -> Resume {
        let announced =
            Announced { etag: Some("\"a\"".into()), total: Some(10), md5: Some([7; 16]), ..Announced::default() };
        Resume { offset: 3, announced }
    }

    /// Classifies a response to a request for the rest.
    fn rest_of(status: u16, list: &[(&str, &str)]) -> &'static str {
        match ask(status, list, Some(&partial())) {
            Ok(head) if head.start == 3 => "rest",
            Ok(head) if head.start == 0 => "whole",
            Err(Cause::NotTheRest(_)) => "not the rest",
            Err(Cause::Contradicted(_)) => "contradiction",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_range_response_must_match_what_was_announced() {
        let (tag, range) = (("etag", "\"a\""), ("content-range", "bytes 3-9/10"));
        for (status, list, means) in [
            (206, &[range, tag][..], "rest"),
            (206, &[("content-range", "Bytes 3-9/10"), tag, ("content-length", "7")], "rest"),
            (206, &[range, tag, ("x-ms-blob-content-md5", "BwcHBwcHBwcHBwcHBwcHBw==")], "rest"),
            // Another total, ETag or MD5.
            (206, &[("content-range", "bytes 3-8/9"), tag], "contradiction"),
            (206, &[range, ("etag", "\"b\"")], "contradiction"),
            (206, &[range, tag, ("x-ms-blob-content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], "contradiction"),
            // Nothing to compare, or a different part.
            (206, &[range], "not the rest"),
            (206, &[range, ("etag", "W/\"a\"")], "not the rest"),
            (206, &[tag], "not the rest"),
            (206, &[("content-range", "bytes 0-9/10"), tag], "not the rest"),
            (206, &[("content-range", "bytes 4-9/10"), tag], "not the rest"),
            (206, &[("content-range", "bytes 3-8/10"), tag], "not the rest"),
            (206, &[("content-range", "bytes 3-9/*"), tag], "not the rest"),
            (206, &[("content-range", "items 3-9/10"), tag], "not the rest"),
            (206, &[("content-range", "bytes 3-18446744073709551615/0"), tag], "not the rest"),
            (206, &[range, tag, ("content-length", "6")], "not the rest"),
            (416, &[], "not the rest"),
            // Another content type, or a multipart response.
            (206, &[range, tag, ("content-type", "application/octet-stream")], "rest"),
            (206, &[range, tag, ("content-type", "text/html")], "contradiction"),
            (206, &[range, tag, ("content-type", "Multipart/byteranges; boundary=x")], "not the rest"),
            (200, &[("content-length", "10"), tag, ("content-type", "application/json")], "contradiction"),
            // The whole instead.
            (200, &[("content-length", "10"), tag], "whole"),
            (200, &[("content-length", "10")], "whole"),
            (200, &[tag], "whole"),
            (200, &[("content-length", "10"), ("content-range", "bytes 0-9/10"), tag], "whole"),
            // A part sent as the whole.
            (200, &[("content-length", "7"), tag], "contradiction"),
            (200, &[("content-length", "7"), range, tag], "contradiction"),
            (200, &[("content-length", "10"), ("etag", "\"b\"")], "contradiction"),
            (200, &[("content-length", "10"), tag, ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], "contradiction"),
        ] {
            assert_eq!(rest_of(status, list), means, "{status} {list:?}");
        }
    }

    #[test]
    fn missing_headers_fall_back_to_what_was_announced() {
        let head = ask(200, &[("etag", "\"a\"")], Some(&partial())).unwrap();
        assert_eq!((head.announced.total, head.announced.md5), (Some(10), Some([7; 16])));
        let list = [("content-range", "bytes 3-9/10"), ("etag", "\"a\"")];
        assert_eq!(ask(206, &list, Some(&partial())).unwrap().announced.md5, Some([7; 16]));
    }

    #[test]
    fn the_hash_of_a_part_is_not_that_of_the_whole() {
        let list = [("content-range", "bytes 3-9/10"), ("etag", "\"a\""), ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")];
        let resume = Resume { announced: Announced { md5: None, ..partial().announced }, ..partial() };
        assert_eq!(ask(206, &list, Some(&resume)).unwrap().announced.md5, None);
    }

    #[test]
    fn a_part_that_covers_everything_is_the_whole() {
        let head = ask(206, &[("content-range", "bytes 0-9/10")], None).unwrap();
        assert_eq!((head.start, head.announced.total), (0, Some(10)));
        for range in ["bytes 0-8/10", "bytes 1-9/10", "bytes 0-9/*", "x"] {
            assert!(ask(206, &[("content-range", range)], None).is_err(), "{range}");
            assert!(ask(200, &[("content-range", range)], None).is_err(), "{range}");
        }
    }

    #[test]
    fn statuses_without_a_document() {
        for status in [201, 204, 206, 302, 304, 401, 403, 404, 410, 416, 429, 500] {
            assert!(ask(status, &[], None).is_err(), "{status}");
        }
    }

    #[test]
    fn encodings_and_marks() {
        for (list, encoding) in [
            (&[][..], None),
            (&[("content-encoding", "identity")], None),
            (&[("content-encoding", " , Identity")], None),
            (&[("content-encoding", "GZIP")], Some("gzip")),
            (&[("content-encoding", "identity, aws-chunked"), ("content-encoding", "br")], Some("aws-chunked, br")),
        ] {
            assert_eq!(whole(list).encoding.as_deref(), encoding, "{list:?}");
        }
        assert!(!whole(&[("x-ms-request-id", "1"), ("server", "Windows-Azure-Blob/1.0")]).marked);
        assert!(whole(&[("x-ms-blob-type", "BlockBlob")]).marked);
    }

    proptest::proptest! {
        #[test]
        fn any_head_is_read_or_refused(
            status in 100_u16..1000,
            names in proptest::sample::subsequence(vec![
                "content-length", "content-range", "content-encoding", "content-md5", "x-ms-blob-content-md5", "etag",
                "last-modified", "transfer-encoding", "content-type", "retry-after",
            ], 0..10),
            values in proptest::collection::vec(
                proptest::prop_oneof![
                    "(bytes )?[0-9]{1,22}(-[0-9]{1,22})?(/[0-9*]{1,22})?",
                    "\"[ -~]{0,20}\"|W/\"x\"",
                    "[A-Za-z0-9+/]{20,24}={0,2}",
                    "[ -~\u{e5}]{0,40}",
                ], 10),
            offset in proptest::prelude::any::<u64>(),
            resumes in proptest::prelude::any::<bool>(),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in names.into_iter().zip(&values) {
                if let Ok(value) = value.parse() {
                    headers.append(name, value);
                }
            }
            let announced = Announced { etag: Some("\"x\"".to_owned()), ..Announced::default() };
            let resume = resumes.then_some(Resume { offset, announced });
            let status = StatusCode::from_u16(status).unwrap();
            if let Ok(head) = read(status, Version::HTTP_11, &headers, resume.as_ref()) {
                // Bytes are only ever written at the start, or after the existing ones.
                proptest::prop_assert!(head.start == 0 || resume.is_some_and(|resume| resume.offset == head.start));
                proptest::prop_assert!(head.announced.total.is_none_or(|total| total >= head.start));
            }
        }
    }
}
