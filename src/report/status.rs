//! How a mirror is, as a file that monitoring reads: `.ibinder-sync/status.json` (contract:
//! `docs/architecture.md`, "Interface").
//!
//! It is written at the start and at the end of each run and check. Whoever may read it learns
//! counts and times, and no name of a binder, a document or a file: a monitoring user has no
//! business with those. Everything is a value here; who writes it when is for `app` to know.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Binders, Bytes, Checked, Documents, FailureCause, Freed, Outcome, Requests, RunReport, Scrub, VerifyOutcome,
};

/// The file below the state folder.
pub const STATUS: &str = "status.json";

/// The format that this program writes. Readers refuse a higher one; fields are added without raising it.
const FORMAT: u32 = 1;

/// How a mirror is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    #[serde(default)]
    pub last_run: Option<LastRun>,
    /// The last run that was complete.
    #[serde(default)]
    pub last_complete_run: Option<CompleteRun>,
    /// What is known and not mirrored as the service has it.
    #[serde(default)]
    pub waiting: Waiting,
    /// What the mirror takes.
    #[serde(default)]
    pub space: Option<Space>,
    /// The last check, whatever part of the mirror it read.
    #[serde(default)]
    pub last_verify: Option<LastVerify>,
    /// The last round of checks that read everything.
    #[serde(default)]
    pub last_round: Option<LastRound>,
    /// Damage that a check left, and that no later one has shown to be gone.
    #[serde(default)]
    pub damage: Option<Damage>,
}

/// A process that works on the mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Working {
    /// `run`, `adopt`, `verify` or `repair`.
    pub command: String,
    /// The run's id; empty for a check that changes nothing.
    #[serde(default)]
    pub run_id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Which process it is.
    pub process: Process,
}

/// A process, so that another one can tell whether it is still there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The name of the machine.
    #[serde(default)]
    pub host: String,
    /// Another one after each start of the machine.
    #[serde(default)]
    pub boot: String,
    /// Within which ids count: a container has ids of its own.
    #[serde(default)]
    pub ids: String,
}

/// What became of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// It is there.
    Alive,
    /// It is not there any more, and did not say how it ended.
    Gone,
    /// It is on another machine, or in a container: that can't be told from here.
    Elsewhere,
}

impl Process {
    /// What became of it, as seen by another process. `lives` says whether there is a process with an id.
    pub fn whereabouts(&self, seen_by: &Self, lives: impl FnOnce(u32) -> bool) -> Whereabouts {
        let same = |a: &str, b: &str| !a.is_empty() && a == b;
        match (self.boot == seen_by.boot, self.ids == seen_by.ids) {
            (true, true) if lives(self.pid) => Whereabouts::Alive,
            (true, true) => Whereabouts::Gone,
            // No process outlives a restart.
            (false, _) if same(&self.host, &seen_by.host) => Whereabouts::Gone,
            _ => Whereabouts::Elsewhere,
        }
    }
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
    #[serde(default)]
    pub scrub: Option<Scrub>,
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
        Self {
            format: FORMAT,
            written_at: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            organisation_id: String::new(),
            dest,
            at_work: Vec::new(),
            last_run: None,
            last_complete_run: None,
            waiting: Waiting::default(),
            space: None,
            last_verify: None,
            last_round: None,
            damage: None,
        }
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

    /// Something begins. Under the lock nobody else changes the mirror, so what says so was killed.
    pub fn begin(&mut self, working: Working, lives: impl Fn(u32) -> bool) {
        let looks = |command: &str| command == "verify";
        let locked = !looks(&working.command);
        self.at_work.retain(|other| {
            let there = other.process.whereabouts(&working.process, &lives) != Whereabouts::Gone;
            there && other.process != working.process && (looks(&other.command) || !locked)
        });
        self.at_work.push(working);
    }

    /// It ended.
    pub fn end(&mut self, process: &Process) {
        self.at_work.retain(|working| working.process != *process);
    }

    /// A run ended, or could not begin.
    pub fn take_run(&mut self, run: LastRun) {
        if run.outcome == Outcome::Complete {
            let LastRun { run_id, started_at, finished_at, .. } = run.clone();
            self.last_complete_run = Some(CompleteRun { run_id, started_at, finished_at });
        }
        if let Some(scrub) = run.scrub.filter(|scrub| scrub.damaged > scrub.repaired) {
            self.damage = Some(Damage { found_at: run.finished_at, left: scrub.damaged - scrub.repaired });
        }
        self.last_run = Some(run);
    }

    /// A check ended. Damage is over when everything was read since and nothing is wrong.
    pub fn take_verify(&mut self, verify: LastVerify, round: Option<LastRound>) {
        let left = verify.damaged.saturating_sub(verify.repaired);
        if left > 0 {
            self.damage = Some(Damage { found_at: verify.finished_at, left });
        } else if let Some(damage) = &self.damage {
            let clean = |r: &LastRound| r.damaged == 0 && r.began_at.is_some_and(|began| began > damage.found_at);
            if verify.clears() || round.as_ref().is_some_and(clean) {
                self.damage = None;
            }
        }
        self.last_verify = Some(verify);
        self.last_round = round;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn process(pid: u32) -> Process {
        Process { pid, host: "a".into(), boot: "1".into(), ids: "x".into() }
    }

    fn working(command: &str, pid: u32) -> Working {
        Working { command: command.into(), run_id: String::new(), started_at: at(0), process: process(pid) }
    }

    fn verify(outcome: VerifyOutcome, second: i64, (read, all): (u64, u64), damaged: u64) -> LastVerify {
        let checked = |documents| Checked { documents, ..Checked::default() };
        LastVerify {
            outcome,
            exit_code: 0,
            started_at: at(second),
            finished_at: at(second),
            checked: checked(read),
            mirrored: checked(all),
            damaged,
            repaired: 0,
        }
    }

    #[test]
    fn what_became_of_a_process() {
        use Whereabouts::{Alive, Elsewhere, Gone};
        let other = |host: &str, boot: &str, ids: &str| Process {
            host: host.into(),
            boot: boot.into(),
            ids: ids.into(),
            pid: 9,
        };
        #[rustfmt::skip]
        let table = [
            (other("a", "1", "x"), true,  Alive),
            (other("a", "1", "x"), false, Gone),
            (other("a", "1", "y"), true,  Elsewhere), // a container of this machine
            (other("a", "2", "x"), true,  Gone),      // the machine was started anew
            (other("b", "2", "x"), false, Elsewhere),
            (other("",  "2", "x"), false, Elsewhere),
        ];
        for (seen_by, lives, expected) in table {
            assert_eq!(process(7).whereabouts(&seen_by, |pid| lives && pid == 7), expected, "{seen_by:?}");
        }
    }

    #[test]
    fn who_begins_clears_away_who_was_killed() {
        let mut status = Status::new("/m".into(), at(0));
        for (command, pid) in [("run", 1), ("verify", 2), ("verify", 3)] {
            status.begin(working(command, pid), |_| true);
        }
        let commands = |status: &Status| status.at_work.iter().map(|w| w.process.pid).collect::<Vec<_>>();
        assert_eq!(commands(&status), [1, 2, 3]);
        // 1 had the lock, which is held now by 4; 2 is dead; 3 only looks.
        status.begin(working("run", 4), |pid| pid != 2);
        assert_eq!(commands(&status), [3, 4]);
        status.end(&process(4));
        assert_eq!(commands(&status), [3]);
    }

    #[test]
    fn damage_stays_until_everything_was_read() {
        let mut status = Status::new("/m".into(), at(0));
        status.take_verify(verify(VerifyOutcome::Damaged, 10, (5, 9), 2), None);
        assert_eq!(status.damage, Some(Damage { found_at: at(10), left: 2 }));
        let round = |began, damaged| Some(LastRound { began_at: Some(at(began)), ended_at: at(60), damaged });
        status.take_verify(verify(VerifyOutcome::Sound, 20, (5, 9), 0), None);
        status.take_verify(verify(VerifyOutcome::Sound, 30, (5, 9), 0), round(5, 0));
        status.take_verify(verify(VerifyOutcome::Sound, 40, (5, 9), 0), round(50, 1));
        status.take_verify(verify(VerifyOutcome::Interrupted, 45, (9, 9), 0), None);
        assert!(status.damage.is_some());
        let before = status.clone();
        status.take_verify(verify(VerifyOutcome::Sound, 50, (9, 9), 0), None);
        assert_eq!(status.damage, None);
        let mut status = before;
        status.take_verify(verify(VerifyOutcome::Sound, 60, (4, 9), 0), round(50, 0));
        assert_eq!(status.damage, None);
    }

    #[test]
    fn it_comes_back_as_it_was_written() {
        let mut status = Status::new("/m".into(), at(100));
        status.begin(working("run", 4), |_| true);
        status.take_verify(verify(VerifyOutcome::Sound, 50, (9, 9), 0), None);
        assert_eq!(Status::read(status.text().as_bytes()), Ok(status.clone()));
        // A field of a later version that this one doesn't know, and one that an earlier one didn't write.
        let mut json: serde_json::Value = serde_json::from_str(&status.text()).unwrap();
        json["mood"] = "fine".into();
        json.as_object_mut().unwrap().remove("waiting");
        assert_eq!(Status::read(json.to_string().as_bytes()), Ok(status));
        json["format"] = 2.into();
        assert_eq!(Status::read(json.to_string().as_bytes()), Err(Illegible::Later(2)));
        for bad in ["", "{}", "[]", r#"{"format":1}"#] {
            assert!(matches!(Status::read(bad.as_bytes()), Err(Illegible::Garbled(_))), "{bad}");
        }
    }
}
