//! A run's report as a page for people: one file, without scripts, fonts or pictures from elsewhere.
//!
//! [`render`] makes a text of values, and nothing else. Three things hold of the text:
//!
//! - Whatever comes from outside went through `escape`, and a policy in the page forbids scripts and
//!   everything that would have to be fetched, should something be overlooked all the same.
//! - What speaks of one document is a line of its own, which [`without`] can take out.
//! - Links are relative, so that a mirror that is moved or mounted elsewhere keeps them. The same page
//!   lies in two folders, which is why it is rendered for a [`PageLocation`].

mod advice;
mod changes;
mod chart;
mod erase;
mod escape;
mod failures;
mod scale;
mod sections;
mod tree;

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

pub use changes::{ChangeKind, ChangeLog, ChangedDocument};
pub use erase::without;

use crate::report::{Outcome, RunReport};

const STYLE: &str = include_str!("style.css");

/// Where a page lies, which its links depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageLocation {
    /// In `runs/`, under the run's id.
    Runs,
    /// In the state folder, as the last run's.
    State,
}

impl PageLocation {
    /// The way to the destination.
    fn tree(self) -> &'static str {
        match self {
            Self::Runs => "../../",
            Self::State => "../",
        }
    }

    /// The way to the folder of all reports.
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
    /// How it ended; none: it was cut off.
    pub outcome: Option<Outcome>,
    /// Documents that it changed, if that is known.
    pub changed: Option<u64>,
    /// Documents that failed.
    pub failed: Option<u64>,
    /// Bytes that it brought over.
    pub bytes: Option<u64>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// Whether it has a page.
    pub page: bool,
}

/// What a page tells.
#[derive(Debug, Clone, Copy)]
pub struct ReportPage<'r> {
    /// The run.
    pub report: &'r RunReport,
    /// What it changed.
    pub changes: &'r ChangeLog,
    /// The last runs, oldest first; this one is the last.
    pub runs: &'r [ChartPoint],
    /// The binders' names by their ids.
    pub binders: &'r BTreeMap<String, String>,
    /// In which times are told.
    pub zone: &'r TimeZone,
}

/// The page of a run, for a place.
pub fn render(page: &ReportPage<'_>, place: PageLocation) -> String {
    let report = page.report;
    let id = escape::text(&report.run_id);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>Run {id}: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        report.outcome.word()
    );
    out.push_str(&sections::head(page));
    out.push_str(&sections::tiles(report));
    out.push_str(&sections::failures(page));
    out.push_str(&sections::withheld(report));
    out.push_str(&sections::warnings(report));
    out.push_str(&sections::tabs(report));
    out.push_str(&sections::runs(page, place));
    out.push_str(&tree::changes(page, place));
    out.push_str(&sections::numbers(report));
    out.push_str(&sections::foot(report, place));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

#[cfg(test)]
mod tests;
