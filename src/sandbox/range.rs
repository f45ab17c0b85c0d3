//! Ranges as RFC 9110 has them, of one part only: a request for several parts gets the whole.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What a request wants of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    Part(Range<u64>),
    /// A part that there is not.
    Nothing,
}

/// Reads `Range` and, with the validators that the answer will carry, `If-Range`.
pub(super) fn wanted(headers: &HeaderMap, length: u64, validators: Option<[Option<&str>; 2]>) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::RANGE) else { return Wanted::Whole };
    let condition = text(header::IF_RANGE);
    let holds = |known: [Option<&str>; 2]| condition.is_none() || known.contains(&condition);
    if !validators.is_none_or(holds) {
        return Wanted::Whole;
    }
    parse(range, length)
}

fn parse(text: &str, length: u64) -> Wanted {
    let Some((first, last)) = text.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Wanted::Whole;
    };
    let range = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if last < first => return Wanted::Whole,
        (Ok(first), Ok(last)) => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..length,
        (Err(_), Ok(suffix)) if first.trim().is_empty() => length.saturating_sub(suffix)..length,
        _ => return Wanted::Whole,
    };
    if range.start < range.end { Wanted::Part(range) } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        for (text, expected) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=2-99", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-99", Wanted::Part(0..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=x-", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
        ] {
            assert_eq!(parse(text, 10), expected, "{text}");
        }
    }

    #[test]
    fn a_condition_that_fails_asks_for_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, "bytes=1-".parse().unwrap());
        headers.insert(header::IF_RANGE, "\"old\"".parse().unwrap());
        assert_eq!(wanted(&headers, 4, Some([Some("\"new\""), None])), Wanted::Whole);
        assert_eq!(wanted(&headers, 4, Some([None, Some("\"old\"")])), Wanted::Part(1..4));
        assert_eq!(wanted(&headers, 4, None), Wanted::Part(1..4), "ignored");
    }
}
