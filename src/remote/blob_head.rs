//! What the head of a storage answer says about the bytes that follow.
//!
//! Storage is presumably an object store, and everything it may say is used where it is said and required nowhere
//! (`docs/api-contract.md`, "Content": assumed). Two things are strict. Bytes that were encoded on the way are not the
//! document's. And a part continues what is held only if it is exactly the rest of the same bytes: it starts where
//! it should, ends at the end, and bears no other `ETag`; otherwise the whole is asked for.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{
    StatusCode, Version,
    header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, TRANSFER_ENCODING,
    },
};

use super::{
    answer::{content_type, retry_after, text},
    cause::Cause,
};

/// The hash of the whole where an answer holds a part.
const WHOLE_MD5: HeaderName = HeaderName::from_static("x-ms-blob-content-md5");

/// The hash of what an answer holds.
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

const DATES: DateTimeParser = DateTimeParser::new();

/// Where an interrupted download goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// How many bytes are held.
    pub offset: u64,
    /// The strong `ETag` under which they came.
    pub etag: String,
}

/// What an answer brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Bytes.
    Bytes(Head),
    /// Nothing that continues what is held; the whole may be had.
    Restart,
}

/// What is known about the bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) start: u64,
    /// Size of the whole, not of this answer.
    pub(super) total: Option<u64>,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<Timestamp>,
    pub(super) md5: Option<[u8; 16]>,
    pub(super) content_type: Option<String>,
    pub(super) closes: bool,
}

/// Where the bytes of an answer belong, and what is known of the whole.
#[derive(Clone, Copy)]
struct Place {
    start: u64,
    total: Option<u64>,
    md5: Option<[u8; 16]>,
}

/// Reads the head of an answer to a request for the whole or, with `resume`, for the rest.
pub(super) fn read(
    status: StatusCode,
    version: Version,
    headers: &HeaderMap,
    resume: Option<&Resume>,
) -> Result<Verdict, Cause> {
    match (status, resume) {
        (StatusCode::OK, _) => {
            let total = length(headers);
            let md5 = md5(headers, CONTENT_MD5).or_else(|| md5(headers, WHOLE_MD5));
            bytes(version, headers, Place { start: 0, total, md5 })
        }
        (StatusCode::PARTIAL_CONTENT, Some(resume)) => match rest(headers, resume) {
            Some(total) => {
                let md5 = md5(headers, WHOLE_MD5);
                bytes(version, headers, Place { start: resume.offset, total: Some(total), md5 })
            }
            None => Ok(Verdict::Restart),
        },
        (StatusCode::PARTIAL_CONTENT, None) => Err(Cause::Garbled("it is a part, and the whole was asked for".into())),
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => Ok(Verdict::Restart),
        _ if status.is_success() => Err(Cause::Garbled(format!("{status} bears no document"))),
        _ => Err(Cause::Storage { status: status.as_u16(), retry_after: retry_after(headers) }),
    }
}

/// What the head of an answer tells of the whole, wherever the answer begins in it.
pub(super) fn known(status: StatusCode, headers: &HeaderMap) -> Result<Head, Cause> {
    let own = if status == StatusCode::OK { md5(headers, CONTENT_MD5) } else { None };
    head(Version::HTTP_11, headers, Place { start: 0, total: None, md5: own.or_else(|| md5(headers, WHOLE_MD5)) })
}

fn bytes(version: Version, headers: &HeaderMap, place: Place) -> Result<Verdict, Cause> {
    head(version, headers, place).map(Verdict::Bytes)
}

fn head(version: Version, headers: &HeaderMap, place: Place) -> Result<Head, Cause> {
    if let Some(encoding) = headers.get_all(CONTENT_ENCODING).iter().find(|value| !is_identity(value.as_bytes())) {
        return Err(Cause::Encoded(String::from_utf8_lossy(encoding.as_bytes()).chars().take(40).collect()));
    }
    let framed = headers.contains_key(CONTENT_LENGTH) || is_chunked(headers);
    Ok(Head {
        etag: text(headers, ETAG).filter(|etag| is_strong(etag)).map(str::to_owned),
        last_modified: text(headers, LAST_MODIFIED).and_then(|date| DATES.parse_timestamp(date).ok()),
        content_type: content_type(headers).map(str::to_owned),
        // HTTP/2 says where a body ends.
        closes: version < Version::HTTP_2 && !framed,
        start: place.start,
        total: place.total,
        md5: place.md5,
    })
}

/// The size of the whole, if the answer is exactly the rest that is wanted.
fn rest(headers: &HeaderMap, resume: &Resume) -> Option<u64> {
    let range = text(headers, CONTENT_RANGE)?;
    let (unit, range) = range.split_once(' ')?;
    let (span, total) = range.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last, total): (u64, u64, u64) = (number(first)?, number(last)?, number(total)?);
    let fits = unit.eq_ignore_ascii_case("bytes")
        && first == resume.offset
        && last >= first
        && last.checked_add(1) == Some(total);
    let same = text(headers, ETAG).is_none_or(|etag| etag == resume.etag);
    let length = length(headers).is_none_or(|length| length == total - first);
    (fits && same && length).then_some(total)
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

/// A weak tag says that two bodies mean the same, not that they are the same.
pub(super) fn is_strong(etag: &str) -> bool {
    etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"')
}

fn is_identity(encoding: &[u8]) -> bool {
    let encoding = encoding.trim_ascii();
    encoding.is_empty() || encoding.eq_ignore_ascii_case(b"identity")
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

    fn ask(status: u16, list: &[(&str, &str)], resume: Option<&Resume>) -> Result<Verdict, Cause> {
        read(StatusCode::from_u16(status).unwrap(), Version::HTTP_11, &headers(list), resume)
    }

    fn whole(list: &[(&str, &str)]) -> Head {
        let Ok(Verdict::Bytes(head)) = ask(200, list, None) else { panic!("bytes") };
        head
    }

    #[test]
    fn everything_is_used_where_it_is_said() {
        let head = whole(&[
            ("content-length", "5"),
            ("etag", "\"abc\""),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("content-type", "application/pdf"),
        ]);
        assert_eq!((head.start, head.total, head.closes), (0, Some(5), false));
        assert_eq!(head.etag.as_deref(), Some("\"abc\""));
        assert_eq!(head.last_modified.unwrap().to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(head.md5.unwrap()[..3], [0x5d, 0x41, 0x40]);
        assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
        let other = whole(&[("x-ms-blob-content-md5", "XUFAKrxLKna5cZ2REBfFkg==")]);
        assert_eq!(other.md5, head.md5);
    }

    #[test]
    fn nothing_is_required() {
        assert_eq!(whole(&[]), Head { closes: true, ..Head::default() });
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
            assert_eq!(whole(&[(name, odd)]), Head { closes: true, ..Head::default() }, "{name}: {odd}");
        }
    }

    #[test]
    fn what_ends_a_body() {
        assert!(!whole(&[("transfer-encoding", "chunked")]).closes);
        assert!(!whole(&[("transfer-encoding", "gzip, Chunked")]).closes);
        assert!(whole(&[("transfer-encoding", "gzip")]).closes);
        let read = read(StatusCode::OK, Version::HTTP_2, &HeaderMap::new(), None);
        assert!(matches!(read, Ok(Verdict::Bytes(head)) if !head.closes));
    }

    #[test]
    fn a_part_continues_only_as_exactly_the_rest() {
        let resume = Resume { offset: 3, etag: "\"a\"".into() };
        let part = |list: &[(&str, &str)]| match ask(206, list, Some(&resume)).unwrap() {
            Verdict::Bytes(head) => Some((head.start, head.total)),
            Verdict::Restart => None,
        };
        let good = Some((3, Some(10)));
        assert_eq!(part(&[("content-range", "bytes 3-9/10")]), good);
        assert_eq!(part(&[("content-range", "Bytes 3-9/10"), ("etag", "\"a\""), ("content-length", "7")]), good);
        for range in [
            "bytes 0-9/10",
            "bytes 4-9/10",
            "bytes 3-8/10",
            "bytes 3-9/*",
            "bytes */10",
            "3-9/10",
            "items 3-9/10",
            "",
            "bytes 3-18446744073709551615/0",
        ] {
            assert_eq!(part(&[("content-range", range)]), None, "{range}");
        }
        assert_eq!(part(&[]), None);
        assert_eq!(part(&[("content-range", "bytes 3-9/10"), ("etag", "\"b\"")]), None);
        assert_eq!(part(&[("content-range", "bytes 3-9/10"), ("etag", "W/\"a\"")]), None);
        assert_eq!(part(&[("content-range", "bytes 3-9/10"), ("content-length", "6")]), None);
        assert_eq!(ask(416, &[], Some(&resume)).unwrap(), Verdict::Restart);
        let Ok(Verdict::Bytes(head)) = ask(200, &[("content-length", "10")], Some(&resume)) else { panic!("whole") };
        assert_eq!((head.start, head.total), (0, Some(10)));
    }

    #[test]
    fn a_part_never_takes_its_own_hash_for_that_of_the_whole() {
        let resume = Resume { offset: 3, etag: "\"a\"".into() };
        let list = [("content-range", "bytes 3-9/10"), ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")];
        let Ok(Verdict::Bytes(head)) = ask(206, &list, Some(&resume)) else { panic!("bytes") };
        assert_eq!(head.md5, None);
    }

    #[test]
    fn what_is_no_document() {
        for status in [201, 204, 206, 302, 304, 401, 403, 404, 410, 416, 429, 500] {
            assert!(ask(status, &[], None).is_err(), "{status}");
        }
        assert!(matches!(ask(200, &[("content-encoding", "gzip")], None), Err(Cause::Encoded(_))));
        assert!(ask(200, &[("content-encoding", "identity")], None).is_ok());
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
            let resume = resumes.then(|| Resume { offset, etag: "\"x\"".to_owned() });
            let status = StatusCode::from_u16(status).unwrap();
            if let Ok(Verdict::Bytes(head)) = read(status, Version::HTTP_11, &headers, resume.as_ref()) {
                // Bytes never go anywhere but to the start, or behind what is held.
                proptest::prop_assert!(head.start == 0 || resume.is_some_and(|resume| resume.offset == head.start));
                proptest::prop_assert!(head.total.is_none_or(|total| total >= head.start));
            }
        }
    }
}
