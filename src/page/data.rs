//! The data of a page, and where it is.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    model::LinkBase,
    report::{Language, Outcome, RunReport},
};

/// Where a page is, which its links depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageLocation<'p> {
    /// In `runs/`, under the run's id.
    Runs,
    /// In the state folder, as the last run's.
    State,
    /// Outside of the mirror, where its readers reach the documents, but neither other pages nor the report.
    Outside(&'p LinkBase),
}

impl<'p> PageLocation<'p> {
    /// The path to the destination.
    pub(super) fn tree(self) -> &'p str {
        match self {
            Self::Runs => "../../",
            Self::State => "../",
            Self::Outside(base) => base.as_str(),
        }
    }

    /// The path to the folder of all reports.
    pub(super) fn runs(self) -> Option<&'static str> {
        match self {
            Self::Runs => Some(""),
            Self::State => Some("runs/"),
            Self::Outside(_) => None,
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
    /// The language.
    pub language: Language,
    /// The organisation's name, if it is known.
    pub organisation: Option<&'r str>,
}
