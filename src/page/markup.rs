//! Pieces that several sections use: links, times, counts.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};

use crate::report::Language;

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

/// The counts that are not 0, each with its words in English and Swedish.
pub(super) fn parts(language: Language, counted: &[(u64, &'static str, &'static str)]) -> String {
    let counted = counted.iter().filter(|(n, ..)| *n > 0);
    let parts: Vec<String> =
        counted.map(|(n, en, sv)| format!("{}\u{a0}{}", language.number(*n), language.pick(en, sv))).collect();
    if parts.is_empty() { language.pick("none", "inga").to_owned() } else { parts.join(", ") }
}

/// A line with the number of items that are not shown: one and many in English, one and many in Swedish.
pub(super) fn more(language: Language, count: u64, english: (&str, &str), swedish: (&str, &str)) -> Markup {
    html! {
        @if count > 0 { p.soft { (language.pick("and ", "och ")) (language.count(count, english, swedish)) } }
    }
}
