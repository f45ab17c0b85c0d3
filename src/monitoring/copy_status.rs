//! What is known of the copy in an object store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::{CopyReport, CopyResult};

/// The copy in an object store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyStatus {
    /// Where it is.
    pub location: String,
    /// How the last try ended.
    pub outcome: CopyResult,
    /// When that was.
    pub tried_at: Timestamp,
    /// When the last try ended that brought it up to date.
    pub last_success_at: Option<Timestamp>,
    /// When the first try ended that has not brought it up to date since; `None` if it is up to date.
    pub behind_since: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u64,
    /// The number of its last commit, as far as it is known.
    pub commit: Option<u64>,
    /// The run whose mirror it has.
    pub run_id: Option<String>,
    /// When that commit was made.
    pub committed_at: Option<Timestamp>,
    /// Contents that it lacks, because the mirror itself lacks them.
    pub missing: u64,
    /// Contents that the last try uploaded.
    pub contents: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Requests of the last try.
    pub requests: u64,
    /// Why the last try failed.
    pub error: Option<String>,
}

impl CopyStatus {
    /// After another try; a copy at another place begins anew.
    pub(super) fn after(before: Option<Box<Self>>, report: &CopyReport, now: Timestamp) -> Self {
        let before =
            before.filter(|before| before.location == report.location).map(|before| *before).unwrap_or_default();
        let is_current = report.is_current();
        let failed = u64::from(report.outcome == CopyResult::Failed);
        Self {
            location: report.location.clone(),
            outcome: report.outcome,
            tried_at: now,
            last_success_at: if is_current { Some(now) } else { before.last_success_at },
            behind_since: if is_current { None } else { before.behind_since.or(Some(now)) },
            failures: if is_current { 0 } else { before.failures + failed },
            commit: report.commit.or(before.commit),
            run_id: if report.commit.is_some() { report.run_id.clone() } else { before.run_id },
            committed_at: if report.commit.is_some() { report.committed_at } else { before.committed_at },
            missing: report.missing,
            contents: report.contents,
            bytes: report.bytes,
            requests: report.requests,
            error: report.error.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_until_the_copy_is_up_to_date() {
        use CopyResult::{Committed, Failed, Newer, Stopped, Unchanged};
        let at = |second| Timestamp::from_second(second).unwrap();
        #[rustfmt::skip]
        let table = [
            // place, outcome, commit, last success, behind since, failures, commit
            ("a", Failed,    None,    None,     Some(1),  1, None),
            ("a", Stopped,   None,    None,     Some(1),  1, None),
            ("a", Committed, Some(1), Some(3),  None,     0, Some(1)),
            ("a", Failed,    None,    Some(3),  Some(4),  1, Some(1)),
            ("a", Failed,    Some(1), Some(3),  Some(4),  2, Some(1)),
            ("a", Unchanged, Some(1), Some(6),  None,     0, Some(1)),
            ("a", Stopped,   Some(1), Some(6),  Some(7),  0, Some(1)),
            ("a", Newer,     Some(9), Some(6),  Some(7),  0, Some(9)),
            ("b", Failed,    None,    None,     Some(9),  1, None),
        ];
        let mut status = None;
        for ((location, outcome, found, success, behind, failures, commit), second) in table.into_iter().zip(1..) {
            let report = CopyReport { location: location.to_owned(), outcome, commit: found, ..CopyReport::default() };
            let next = CopyStatus::after(status, &report, at(second));
            assert_eq!((next.last_success_at, next.behind_since), (success.map(at), behind.map(at)), "{second}");
            assert_eq!((next.failures, next.commit, next.outcome), (failures, commit, outcome), "{second}");
            status = Some(Box::new(next));
        }
    }
}
