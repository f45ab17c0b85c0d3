//! A run's report as a page for people: one file, without scripts, fonts or pictures from elsewhere.
//!
//! [`render`] is a function of data: `purge` renders a page again from a report that it edited. maud escapes
//! every value that is not markup, and a policy in the page forbids scripts and anything that has to be fetched.
//! Links are relative, so that a mirror may be moved; the same page lies in two folders, see [`PageLocation`].

mod advice;
mod changes;
mod chart;
mod failures;
mod scale;
mod sections;

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::{Timestamp, tz::TimeZone};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::{Outcome, RunReport, escape_line, format};

const STYLE: &str = include_str!("style.css");

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Where a page lies, which its links depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageLocation {
    /// In `runs/`, under the run's id.
    Runs,
    /// In the state folder, as the last run's.
    State,
}

impl PageLocation {
    /// The path to the destination.
    fn tree(self) -> &'static str {
        match self {
            Self::Runs => "../../",
            Self::State => "../",
        }
    }

    /// The path to the folder of all reports.
    fn runs(self) -> &'static str {
        match self {
            Self::Runs => "",
            Self::State => "runs/",
        }
    }
}

/// A run in the charts.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartPoint {
    /// Its id.
    pub id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How it ended; `None` if it was cut off.
    pub outcome: Option<Outcome>,
    /// Documents that it changed, if known.
    pub changed: Option<u64>,
    /// Documents that failed.
    pub failed: Option<u64>,
    /// Bytes that it downloaded.
    pub bytes: Option<u64>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// Whether it has a page.
    pub page: bool,
}

/// The data of a page.
#[derive(Debug, Clone, Copy)]
pub struct ReportPage<'r> {
    /// The run.
    pub report: &'r RunReport,
    /// The last runs, oldest first; this one is the last.
    pub runs: &'r [ChartPoint],
    /// The binders' names by their ids.
    pub binders: &'r BTreeMap<String, String>,
    /// The time zone of the times.
    pub zone: &'r TimeZone,
}

/// The page of a run, for a location.
pub fn render(page: &ReportPage<'_>, location: PageLocation) -> String {
    let report = page.report;
    let body = html! {
        body {
            main {
                (sections::head(page))
                (sections::tiles(report))
                (sections::failures(page))
                (sections::withheld(report))
                (sections::warnings(report))
                (sections::tabs(report))
                (sections::runs(page, location))
                (changes::changes(report, location))
                (sections::numbers(report))
                (sections::foot(report, location))
            }
        }
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Run " (report.run_id) ": " (report.outcome.word()) }
                style { (PreEscaped(STYLE)) }
            }
            // No template has line breaks or control characters: each of them is from outside.
            (PreEscaped(escape_line(&body.into_string())))
        }
    };
    page.into_string()
}

/// A path as a relative link, in which no reader takes any character for anything else.
fn href(path: &str) -> String {
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

fn moment(at: Timestamp, zone: &TimeZone, pattern: &str) -> String {
    at.to_zoned_datetime(zone.clone()).strftime(pattern).to_string()
}

/// The counts that are not 0.
fn parts(counted: &[(u64, &str)]) -> String {
    let counted = counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{}\u{a0}{what}", format::count(*n)));
    let parts: Vec<String> = counted.collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// How many are not shown.
fn more(count: u64, one: &str, many: &str) -> Markup {
    html! {
        @if count > 0 {
            p.soft { "and " (format::count(count)) " more " (if count == 1 { one } else { many }) }
        }
    }
}

#[cfg(test)]
mod tests;
