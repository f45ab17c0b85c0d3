//! The part of a run's report that the state stores, so that later runs can be compared with it.

use serde::{Deserialize, Serialize};

use crate::report::{Documents, RunReport};

#[derive(Serialize)]
struct StoredSummary<'r> {
    #[serde(flatten)]
    documents: &'r Documents,
    downloaded: u64,
    seconds: f64,
}

/// A report's counts, bytes and time, as JSON.
pub fn note(report: &RunReport) -> Option<String> {
    let note = StoredSummary {
        documents: &report.documents,
        downloaded: report.bytes.downloaded,
        seconds: report.duration_seconds,
    };
    serde_json::to_string(&note).ok()
}

/// The same, read again; earlier versions stored less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct StoredRun {
    adopted: u64,
    added: u64,
    updated: u64,
    moved: u64,
    removed: u64,
    pub(super) failed: Option<u64>,
    pub(super) downloaded: Option<u64>,
    pub(super) seconds: Option<f64>,
}

impl StoredRun {
    pub(super) fn changed(&self) -> u64 {
        self.adopted + self.added + self.updated + self.moved + self.removed
    }
}
