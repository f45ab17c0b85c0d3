//! Headers of several kinds of responses.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::pace::parse_retry_after;

/// Longest header value shown, in characters.
const LONGEST: usize = 100;

pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// A deprecation notice: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
pub(super) fn deprecation(headers: &HeaderMap) -> Option<String> {
    let named = ["deprecation", "sunset"].map(|name| (name, text(headers, HeaderName::from_static(name))));
    let words: Vec<String> = named
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", value?.chars().take(LONGEST).collect::<String>())))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

pub(super) fn content_type(headers: &HeaderMap) -> Option<&str> {
    text(headers, CONTENT_TYPE)
}

pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse_retry_after(text(headers, RETRY_AFTER)?, Timestamp::now())
}
