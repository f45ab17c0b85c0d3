//! What became of the copy in an object store.

use super::CopyCheck;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How bringing a copy up to date ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyResult {
    /// A commit was made.
    Committed,
    /// The copy had everything.
    Unchanged,
    /// The copy is of a later moment than the mirror, and was left as it is.
    Newer,
    /// The work was ended from outside.
    Stopped,
    /// It could not be done.
    #[default]
    Failed,
}

/// What became of the copy in an object store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyReport {
    /// Where it is.
    pub location: String,
    /// How it ended.
    pub outcome: CopyResult,
    /// The number of its last commit, as far as it is known.
    pub commit: Option<u64>,
    /// The run whose mirror it has.
    pub run_id: Option<String>,
    /// When that commit was made.
    pub committed_at: Option<Timestamp>,
    /// Contents that were uploaded.
    pub contents: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Contents that it lacks, because the mirror itself lacks them.
    pub missing: u64,
    /// Requests that were sent to the store.
    pub requests: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// What a check of it found; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CopyCheck>,
}

impl CopyReport {
    /// Whether the copy has what the mirror has.
    pub fn is_current(&self) -> bool {
        matches!(self.outcome, CopyResult::Committed | CopyResult::Unchanged)
    }
}
