//! The status file for monitoring, `.ibinder-sync/status.json` (contract: `docs/reference.md`, "Status").
//!
//! It is written at the start and at the end of each run and check. Its readers learn counts and times, but no
//! name of a binder, document or file (a copy for others hides filters too): monitoring users need none. This file
//! only has values; `session` writes them.
//! business with those. Everything is a value here; who writes it when is for `app` to know.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    monitoring::{CopyStatus, Liveness, Process, ProcessState, Working},
    report::{
        Binders, Bytes, Checked, CopyReport, Documents, FailureCause, Filters, Freed, Outcome, Requests, RunReport,
        Scrub, VerifyOutcome,
    },
};

/// The name of the file in the state folder.
pub const STATUS: &str = "status.json";

/// The format that this version writes. Readers refuse a higher one; new fields don't raise it.
const FORMAT: u32 = 1;

/// The status of a mirror.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The format of this file.
    pub format: u32,
    /// When it was written.
    pub written_at: Timestamp,
    /// The version of the program that wrote it.
    pub version: String,
    /// The organisation's id; empty if unknown.
    #[serde(default)]
    pub organisation_id: String,
    /// The folder of the mirror.
    pub dest: String,
    /// Running processes, and those that were killed.
    #[serde(default)]
    pub at_work: Vec<Working>,
    /// The last run, whatever its outcome.
    pub last_run: Option<LastRun>,
    /// The last complete run.
    pub last_complete_run: Option<CompleteRun>,
    /// What is known but not mirrored as iBinder has it.
    #[serde(default)]
    pub waiting: Waiting,
    /// The size of the mirror.
    pub space: Option<Space>,
    /// The manifests in `runs/`; `None` if they weren't counted.
    pub manifests: Option<Manifests>,
    /// The last check, of whatever part of the mirror.
    pub last_verify: Option<LastVerify>,
    /// The last complete round of checks.
    pub last_round: Option<LastRound>,
    /// Known damage that is not repaired.
    pub damage: Option<Damage>,
    /// The copy in an object store; `None` if runs keep none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<Box<CopyStatus>>,
}

/// The result of the last run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    /// Its id; empty if it could not begin.
    pub run_id: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The exit code.
    pub exit_code: u8,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Its duration.
    #[serde(default)]
    pub duration_seconds: f64,
    /// Binders.
    #[serde(default)]
    pub binders: Binders,
    /// Documents.
    #[serde(default)]
    pub documents: Documents,
    /// Bytes.
    #[serde(default)]
    pub bytes: Bytes,
    /// What retention deleted.
    #[serde(default)]
    pub freed: Freed,
    /// Requests.
    #[serde(default)]
    pub requests: Requests,
    /// What `--scrub` checked.
    pub scrub: Option<Scrub>,
    /// The filters.
    pub filters: Option<Filters>,
    /// Failures, counted by cause.
    #[serde(default)]
    pub failures: BTreeMap<FailureCause, u64>,
    /// The number of warnings.
    #[serde(default)]
    pub warnings: u64,
}

impl LastRun {
    /// Whether nothing went wrong but perhaps with the copy, which was made when the run was over.
    pub(super) fn is_good(&self) -> bool {
        matches!(self.exit_code, 0 | 9 | 130 | 143)
    }

    /// A summary of a report.
    pub fn of(report: &RunReport, exit_code: u8) -> Self {
        let mut failures = BTreeMap::new();
        for failure in &report.failures {
            *failures.entry(failure.cause).or_default() += 1;
        }
        Self {
            run_id: report.run_id.clone(),
            outcome: report.outcome,
            exit_code,
            started_at: report.started_at,
            finished_at: report.finished_at,
            duration_seconds: report.duration_seconds,
            binders: report.binders,
            documents: report.documents,
            bytes: report.bytes,
            freed: report.freed,
            requests: report.requests,
            scrub: report.scrub,
            filters: report.filters.clone(),
            failures,
            warnings: report.warnings.len() as u64,
        }
    }
}

/// A run that mirrored everything that iBinder listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteRun {
    /// Its id.
    pub run_id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// What is known but not mirrored as iBinder has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// Versions that failed, and those left by a run that ended early.
    pub versions: u64,
    /// The latest time since when the oldest of them waits: it was missing at the start of a complete run, or it
    /// failed in a run that began then.
    pub oldest_since: Option<Timestamp>,
    /// Documents that are not listed any more but not known to be removed.
    pub unconfirmed: u64,
    /// Removals that were withheld because there were too many at once.
    pub withheld: u64,
}

/// The size of the mirror.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Space {
    /// Documents in the tree.
    pub documents: u64,
    /// Their size in bytes.
    pub tree_bytes: u64,
    /// Objects: old versions, equal contents once.
    pub objects: u64,
    /// Their size in bytes.
    pub history_bytes: u64,
    /// Bytes that can still be written; `None` if unknown.
    pub free_bytes: Option<u64>,
    /// The number of the run that counted.
    pub counted_by: i64,
}

/// How many manifests there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifests {
    /// Their number.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// The result of the last check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastVerify {
    /// The outcome.
    pub outcome: VerifyOutcome,
    /// The exit code.
    pub exit_code: u8,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// What was read.
    pub checked: Checked,
    /// What the mirror has in all.
    pub mirrored: Checked,
    /// Findings that are damage.
    pub damaged: u64,
    /// The repaired ones among them.
    pub repaired: u64,
}

impl LastVerify {
    /// Whether everything was read and is as recorded.
    fn clears(&self) -> bool {
        self.outcome == VerifyOutcome::Sound && self.checked == self.mirrored
    }
}

/// A complete round of checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRound {
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The number of damaged documents and objects.
    pub damaged: u64,
}

/// Damage that was found and not repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// When it was found.
    pub found_at: Timestamp,
    /// The number of documents and objects.
    pub left: u64,
}

/// Why a status can't be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// It isn't a status.
    #[error("not the status of a mirror ({0})")]
    Garbled(String),
    /// A later version wrote it.
    #[error("it has format {0}, but this version of ibinder-sync reads only up to {FORMAT}: update ibinder-sync")]
    Later(u32),
}

impl Status {
    /// A mirror about which nothing is known yet.
    pub fn new(dest: String, now: Timestamp) -> Self {
        Self { format: FORMAT, written_at: now, version: env!("CARGO_PKG_VERSION").to_owned(), dest, ..Self::default() }
    }

    /// With the present version and time.
    #[must_use]
    pub fn written_now(self) -> Self {
        let fresh = Self::new(String::new(), Timestamp::now());
        Self { format: fresh.format, written_at: fresh.written_at, version: fresh.version, ..self }
    }

    /// Parses a status.
    pub fn read(bytes: &[u8]) -> Result<Self, StatusError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let garbled = |error: serde_json::Error| StatusError::Garbled(error.to_string());
        let Head { format } = serde_json::from_slice(bytes).map_err(garbled)?;
        if format > FORMAT {
            return Err(StatusError::Later(format));
        }
        serde_json::from_slice(bytes).map_err(garbled)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        // Numbers, strings and lists always serialize.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The text of a copy for other users, without names in filters.
    pub fn text_for_others(&self) -> String {
        let mut copy = self.clone();
        if let Some(run) = &mut copy.last_run {
            run.filters = run.filters.as_ref().map(Filters::without_names);
        }
        if let Some(of_copy) = &mut copy.copy {
            // It may name a file.
            of_copy.error = None;
        }
        copy.text()
    }

    /// A process begins. If it has the lock, others that claim to change the mirror were killed.
    pub fn begin(&mut self, working: Working, look: impl Fn(u32) -> ProcessState) {
        let looks = |command: &str| command == "verify";
        let locked = !looks(&working.command);
        self.at_work.retain(|other| {
            let there = other.process.liveness(&working.process, &look) != Liveness::Gone;
            there && other.process != working.process && (looks(&other.command) || !locked)
        });
        self.at_work.push(working);
    }

    /// A process ended.
    pub fn end(&mut self, process: &Process) {
        self.at_work.retain(|working| working.process != *process);
    }

    /// A run ended, or could not begin; `left` is the known damage, earlier and new.
    pub fn record_run(&mut self, run: LastRun, left: Option<Damage>) {
        if run.outcome == Outcome::Complete && run.is_good() {
            let LastRun { run_id, started_at, finished_at, .. } = run.clone();
            self.last_complete_run = Some(CompleteRun { run_id, started_at, finished_at });
        }
        self.record_scrub(&run, left);
        self.last_run = Some(run);
    }

    /// A copy was brought up to date, or could not be.
    pub fn record_copy(&mut self, report: &CopyReport, now: Timestamp) {
        self.copy = Some(Box::new(CopyStatus::after(self.copy.take(), report, now)));
    }

    /// Records damage that a run found, whatever its outcome.
    pub fn record_scrub(&mut self, run: &LastRun, left: Option<Damage>) {
        if let Some(scrub) = run.scrub.filter(|scrub| scrub.damaged > scrub.repaired) {
            let alone = Damage { found_at: run.finished_at, left: scrub.damaged - scrub.repaired };
            self.damage = Some(left.filter(|left| left.found_at >= run.started_at).unwrap_or(alone));
        } else {
            self.recount(left);
        }
    }

    /// Updates the count of known damage. A count of other damage doesn't clear it.
    pub fn recount(&mut self, left: Option<Damage>) {
        let same = |left: &Damage| self.damage.as_ref().is_some_and(|damage| damage.found_at == left.found_at);
        if let Some(left) = left.filter(same) {
            self.damage = (left.left > 0).then_some(left);
        }
    }

    /// A check ended; `left` is the known damage, earlier and new. Damage is cleared when everything was read
    /// since without findings, or when all of it was replaced.
    pub fn record_verify(&mut self, verify: LastVerify, round: Option<LastRound>, left: Option<Damage>) {
        let found = verify.damaged.saturating_sub(verify.repaired);
        let clean = |damage: &Damage| {
            let clean = |r: &LastRound| r.damaged == 0 && r.began_at.is_some_and(|began| began > damage.found_at);
            verify.clears() || round.as_ref().is_some_and(clean)
        };
        if found > 0 {
            self.damage = left.or(Some(Damage { found_at: verify.finished_at, left: found }));
        } else if self.damage.as_ref().is_some_and(clean) {
            self.damage = None;
        } else {
            self.recount(left);
        }
        self.last_verify = Some(verify);
        self.last_round = round;
    }
}
