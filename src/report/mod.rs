//! What a run did: counted while it goes on, written down when it ends.
//!
//! [`Tally`] collects from every task; [`Progress`] is what a screen reads meanwhile;
//! [`RunReport`] is the document that other programs read, whose shape is a contract; [`page`] makes a
//! page for people of it.

mod amount;
mod cause;
mod change;
mod checkup;
mod filters;
mod health;
#[cfg(test)]
mod health_tests;
mod metrics;
pub mod page;
mod process;
mod progress;
mod run_report;
mod status;
#[cfg(test)]
mod status_tests;
mod tally;
mod under_way;
mod verify_report;

pub use amount::{bytes, count};
pub use cause::FailureCause;
pub use change::Change;
pub use checkup::{Area, Belief, Check, Checkup, Statement, Verdict};
pub use filters::Filters;
pub use health::{Health, Level, Problem, span};
pub use metrics::{METRICS, metrics, metrics_after_failure};
pub use process::{Process, Seen, Whereabouts, Working};
pub use progress::Progress;
pub use run_report::{
    Answers, Binders, Bytes, Documents, Failure, Freed, Night, Outcome, Requests, RunReport, Scrub, Statuses,
    TabsWithoutDocuments, Withheld,
};
pub use status::{CompleteRun, Damage, Illegible, LastRound, LastRun, LastVerify, STATUS, Space, Status, Waiting};
pub use tally::Tally;
pub use under_way::{Coming, Download, UnderWay};
pub use verify_report::{Checked, Finding, FindingKind, VerifyOutcome, VerifyReport};
