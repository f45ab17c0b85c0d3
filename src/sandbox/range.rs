//! Single ranges (RFC 9110). A request for several parts gets the whole.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RequestedRange {
    Whole,
    Part(Range<u64>),
    /// An unsatisfiable range.
    Nothing,
}

/// Reads `Range` and compares `If-Range` with the response's validators.
pub(super) fn requested(headers: &HeaderMap, length: u64, validators: Option<[Option<&str>; 2]>) -> RequestedRange {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::RANGE) else { return RequestedRange::Whole };
    let condition = text(header::IF_RANGE);
    let holds = |known: [Option<&str>; 2]| condition.is_none() || known.contains(&condition);
    if !validators.is_none_or(holds) {
        return RequestedRange::Whole;
    }
    parse(range, length)
}

fn parse(text: &str, length: u64) -> RequestedRange {
    let Some((first, last)) = text.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return RequestedRange::Whole;
    };
    let range = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if last < first => return RequestedRange::Whole,
        (Ok(first), Ok(last)) => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..length,
        (Err(_), Ok(suffix)) if first.trim().is_empty() => length.saturating_sub(suffix)..length,
        _ => return RequestedRange::Whole,
    };
    if range.start < range.end { RequestedRange::Part(range) } else { RequestedRange::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        for (text, expected) in [
            ("bytes=0-0", RequestedRange::Part(0..1)),
            ("bytes=2-", RequestedRange::Part(2..10)),
            ("bytes=2-99", RequestedRange::Part(2..10)),
            ("bytes=-3", RequestedRange::Part(7..10)),
            ("bytes=-99", RequestedRange::Part(0..10)),
            ("bytes=10-", RequestedRange::Nothing),
            ("bytes=-0", RequestedRange::Nothing),
            ("bytes=5-2", RequestedRange::Whole),
            ("bytes=0-1,3-4", RequestedRange::Whole),
            ("bytes=x-", RequestedRange::Whole),
            ("lines=0-1", RequestedRange::Whole),
        ] {
            assert_eq!(parse(text, 10), expected, "{text}");
        }
    }

    #[test]
    fn a_failed_if_range_gets_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, "bytes=1-".parse().unwrap());
        headers.insert(header::IF_RANGE, "\"old\"".parse().unwrap());
        assert_eq!(requested(&headers, 4, Some([Some("\"new\""), None])), RequestedRange::Whole);
        assert_eq!(requested(&headers, 4, Some([None, Some("\"old\"")])), RequestedRange::Part(1..4));
        assert_eq!(requested(&headers, 4, None), RequestedRange::Part(1..4), "ignored");
    }
}
