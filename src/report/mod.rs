//! Reports of runs, checks and diagnoses.
//!
//! [`Tally`] collects the counts of a run from all tasks; [`Progress`] has what a screen shows meanwhile;
//! [`RunReport`] is for other programs, and its format is a contract.

mod change;
mod change_log;
mod changes;
mod copy_check;
mod copy_report;
mod doctor_report;
mod escape;
mod filters;
mod first_run;
pub mod format;
mod language;
mod progress;
mod prune_report;
mod run_report;
mod tally;
mod verify_report;
mod warning;

pub use crate::model::{Failure, FailureCause, FailureStep};
pub use change::Change;
pub use change_log::{BinderChanges, ChangeCounts, ChangeKind, ChangeLog, ChangedDocument, FolderChanges};
use changes::Changes;
pub use copy_check::{CopyCheck, CopyFinding, CopyRepair, CopyUse};
pub use copy_report::{CopyReport, CopyResult};
pub use doctor_report::{Area, Belief, Check, DoctorReport, Statement, Verdict};
pub use escape::{escape, escape_line};
pub use filters::Filters;
pub use first_run::{FirstRun, Limits, SizeEstimate};
pub use format::{bytes, count};
pub use language::Language;
pub use progress::{ActiveDownload, ActiveDownloads, Download, Progress, Share};
pub use prune_report::{FileCount, PruneReport};
pub use run_report::{
    Answers, Binders, Bytes, Documents, Freed, Outcome, Requests, RunReport, Scrub, Statuses, TabsWithoutDocuments,
    UnchangedCost, Withheld,
};
pub use tally::Tally;
pub use verify_report::{
    Checked, CopyVerifyReport, Finding, FindingKind, Observation, VerifiedCopy, VerifyOutcome, VerifyReport,
};
pub use warning::{BinderWarning, DocumentWarning, FileWarning, OtherWarning, Warning, WithheldWarning};
