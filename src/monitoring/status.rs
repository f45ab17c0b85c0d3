//! How a mirror is, as a file that monitoring reads: `.ibinder-sync/status.json` (contract:
//! `docs/reference.md`, "Status").
//!
//! It is written at the start and at the end of each run and check. Whoever may read it learns
//! counts and times, and no name of a binder, a document or a file (a copy hides filters, too): a monitoring user has no
//! business with those. Everything is a value here; who writes it when is for `app` to know.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    monitoring::{Process, ProcessState, Whereabouts, Working},
    report::{
        Binders, Bytes, Checked, Documents, FailureCause, Filters, Freed, Outcome, Requests, RunReport, Scrub,
        VerifyOutcome,
    },
};

/// The file below the state folder.
pub const STATUS: &str = "status.json";

/// The format that this program writes. Readers refuse a higher one; fields are added without raising it.
const FORMAT: u32 = 1;

/// How a mirror is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The format of this file.
    pub format: u32,
    /// When it was written.
    pub written_at: Timestamp,
    /// The version of the program that wrote it.
    pub version: String,
    /// Whose documents; empty where nobody knows yet.
    #[serde(default)]
    pub organisation_id: String,
    /// Where the mirror is.
    pub dest: String,
    /// What is going on, or was when it was killed.
    #[serde(default)]
    pub at_work: Vec<Working>,
    /// The last run, however it ended.
    pub last_run: Option<LastRun>,
    /// The last run that was complete.
    pub last_complete_run: Option<CompleteRun>,
    /// What is known and not mirrored as the service has it.
    #[serde(default)]
    pub waiting: Waiting,
    /// What the mirror takes.
    pub space: Option<Space>,
    /// The last check, whatever part of the mirror it read.
    pub last_verify: Option<LastVerify>,
    /// The last round of checks that read everything.
    pub last_round: Option<LastRound>,
    /// Damage that a check left, and that no later one has shown to be gone.
    pub damage: Option<Damage>,
}

/// How the last run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    /// Its id; empty where it could not begin.
    pub run_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// With which code.
    pub exit_code: u8,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long it took.
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
    /// What retention let go.
    #[serde(default)]
    pub freed: Freed,
    /// Requests.
    #[serde(default)]
    pub requests: Requests,
    /// What `--scrub` checked.
    pub scrub: Option<Scrub>,
    /// What it was limited to.
    pub filters: Option<Filters>,
    /// What failed, counted by its cause.
    #[serde(default)]
    pub failures: BTreeMap<FailureCause, u64>,
    /// How many warnings there were.
    #[serde(default)]
    pub warnings: u64,
}

impl LastRun {
    /// The essence of a report.
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

/// A run after which everything that the service listed was mirrored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteRun {
    /// Its id.
    pub run_id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// What is known and not mirrored as the service has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// Versions that failed, and those that a run which ended early left.
    pub versions: u64,
    /// Since when the oldest of them waits, at most: it was not there when a complete run began, or it failed in a run that began then.
    pub oldest_since: Option<Timestamp>,
    /// Documents that are not listed any more, and of which nobody says that they are gone.
    pub unconfirmed: u64,
    /// Removals that were withheld, because there were too many at once.
    pub withheld: u64,
}

/// What the mirror takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Space {
    /// Documents in the tree.
    pub documents: u64,
    /// Their bytes.
    pub tree_bytes: u64,
    /// Objects: past versions, each content once.
    pub objects: u64,
    /// Their bytes.
    pub history_bytes: u64,
    /// Bytes that may still be written; none where that is not known.
    pub free_bytes: Option<u64>,
    /// The number of the run that counted.
    pub counted_by: i64,
}

/// How the last check ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastVerify {
    /// How it ended.
    pub outcome: VerifyOutcome,
    /// With which code.
    pub exit_code: u8,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// What was read.
    pub checked: Checked,
    /// What there was.
    pub mirrored: Checked,
    /// Findings that are damage.
    pub damaged: u64,
    /// Of those, the repaired ones.
    pub repaired: u64,
}

impl LastVerify {
    /// Whether everything was read, and nothing is left that is not as recorded.
    fn clears(&self) -> bool {
        self.outcome == VerifyOutcome::Sound && self.checked == self.mirrored
    }
}

/// A round of checks that read everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRound {
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How much damage was found.
    pub damaged: u64,
}

/// Damage that was found and is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// When it was found.
    pub found_at: Timestamp,
    /// How many documents and objects.
    pub left: u64,
}

/// Why a status can't be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegible {
    /// It is none.
    #[error("it is not a status of a mirror ({0})")]
    Garbled(String),
    /// A later version wrote it.
    #[error("it has format {0}, and this version of ibinder-sync reads up to {FORMAT}: update it")]
    Later(u32),
}

impl Status {
    /// A mirror of which nothing is known yet.
    pub fn new(dest: String, now: Timestamp) -> Self {
        Self { format: FORMAT, written_at: now, version: env!("CARGO_PKG_VERSION").to_owned(), dest, ..Self::default() }
    }

    /// The same, as this program writes it at this moment.
    #[must_use]
    pub fn written_now(self) -> Self {
        let fresh = Self::new(String::new(), Timestamp::now());
        Self { format: fresh.format, written_at: fresh.written_at, version: fresh.version, ..self }
    }

    /// Reads one.
    pub fn read(bytes: &[u8]) -> Result<Self, Illegible> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let garbled = |error: serde_json::Error| Illegible::Garbled(error.to_string());
        let Head { format } = serde_json::from_slice(bytes).map_err(garbled)?;
        if format > FORMAT {
            return Err(Illegible::Later(format));
        }
        serde_json::from_slice(bytes).map_err(garbled)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        // Numbers, texts and lists always serialize.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The text of a copy for other users, in which filters name nothing.
    pub fn text_for_others(&self) -> String {
        let mut copy = self.clone();
        if let Some(run) = &mut copy.last_run {
            run.filters = run.filters.as_ref().map(Filters::without_names);
        }
        copy.text()
    }

    /// Something begins. Under the lock nobody else changes the mirror, so what says so was killed.
    pub fn begin(&mut self, working: Working, look: impl Fn(u32) -> ProcessState) {
        let looks = |command: &str| command == "verify";
        let locked = !looks(&working.command);
        self.at_work.retain(|other| {
            let there = other.process.whereabouts(&working.process, &look) != Whereabouts::Gone;
            there && other.process != working.process && (looks(&other.command) || !locked)
        });
        self.at_work.push(working);
    }

    /// It ended.
    pub fn end(&mut self, process: &Process) {
        self.at_work.retain(|working| working.process != *process);
    }

    /// A run ended, or could not begin; `left` is what is known to be left of earlier damage and of the run's own.
    pub fn take_run(&mut self, run: LastRun, left: Option<Damage>) {
        if run.outcome == Outcome::Complete && run.exit_code == 0 {
            let LastRun { run_id, started_at, finished_at, .. } = run.clone();
            self.last_complete_run = Some(CompleteRun { run_id, started_at, finished_at });
        }
        self.take_scrub(&run, left);
        self.last_run = Some(run);
    }

    /// Damage that a run found is there, whatever else the run counts for.
    pub fn take_scrub(&mut self, run: &LastRun, left: Option<Damage>) {
        if let Some(scrub) = run.scrub.filter(|scrub| scrub.damaged > scrub.repaired) {
            let alone = Damage { found_at: run.finished_at, left: scrub.damaged - scrub.repaired };
            self.damage = Some(left.filter(|left| left.found_at >= run.started_at).unwrap_or(alone));
        } else {
            self.recount(left);
        }
    }

    /// Counts known damage again. A count of other damage says nothing of it.
    pub fn recount(&mut self, left: Option<Damage>) {
        let same = |left: &Damage| self.damage.as_ref().is_some_and(|damage| damage.found_at == left.found_at);
        if let Some(left) = left.filter(same) {
            self.damage = (left.left > 0).then_some(left);
        }
    }

    /// A check ended; `left` is what is known to be left of earlier damage and of what it found. Damage is over when
    /// everything was read since and nothing is wrong, or when all of it was replaced.
    pub fn take_verify(&mut self, verify: LastVerify, round: Option<LastRound>, left: Option<Damage>) {
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
