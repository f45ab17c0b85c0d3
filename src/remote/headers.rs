//! Headers that more than one kind of answer bears.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::pace::parse_retry_after;

/// Most characters of a header that are shown.
const LONGEST: usize = 100;

/// The text of a header; none where it is missing or isn't text.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// What an answer says of the end of the call that it answers: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
pub(super) fn farewell(headers: &HeaderMap) -> Option<String> {
    let named = ["deprecation", "sunset"].map(|name| (name, text(headers, HeaderName::from_static(name))));
    let words: Vec<String> = named
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", value?.chars().take(LONGEST).collect::<String>())))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What kind of body it is said to be.
pub(super) fn content_type(headers: &HeaderMap) -> Option<&str> {
    text(headers, CONTENT_TYPE)
}

/// How long the answer asks to wait.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse_retry_after(text(headers, RETRY_AFTER)?, Timestamp::now())
}
