//! Pieces that several sections use: links, times, counts.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};

use crate::report::format;

/// A path as a relative link, with every special character escaped.
pub(super) fn href(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + path.len() / 4);
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            // Writing to a text never fails.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

pub(super) fn local_time(at: Timestamp, zone: &TimeZone, pattern: &str) -> String {
    at.to_zoned_datetime(zone.clone()).strftime(pattern).to_string()
}

/// The counts that are not 0.
pub(super) fn parts(counted: &[(u64, &str)]) -> String {
    let counted = counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{}\u{a0}{what}", format::count(*n)));
    let parts: Vec<String> = counted.collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// A line with the number of items that are not shown.
pub(super) fn more(count: u64, one: &str, many: &str) -> Markup {
    html! {
        @if count > 0 {
            p.soft { "and " (format::count(count)) " more " (if count == 1 { one } else { many }) }
        }
    }
}
