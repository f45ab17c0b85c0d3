//! Updates the mirror's status file.
//!
//! Each command builds on the last status, so that what it doesn't know survives. A copy elsewhere that can't be
//! written is reported and never changes the result; a run whose own status can't be written has failed. Runs
//! write under the lock. A check without it may overwrite a concurrent change, which the next command writes
//! again.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::{
    config::Notices,
    history,
    mirror::{self, Root},
    monitoring::{
        CompleteRun, Damage, LastRound, LastRun, LastVerify, Manifests, Process, ProcessState, STATUS, Space, Status,
        Waiting, Working, metrics, metrics_after_failure,
    },
    notify, paths,
    report::{CopyReport, RunReport, VerifyReport},
    session::{Error, Exit},
    state::{Run, State},
    verify::{Note, Round, Unrepaired},
};

/// Largest size of a copy that is read.
const LARGEST: u64 = 1 << 20;

/// The status file of a mirror, and its copies.
#[derive(Debug, Clone)]
pub(crate) struct StatusFile {
    dest: PathBuf,
    copy: Option<PathBuf>,
    metrics: Option<PathBuf>,
    profile: Option<String>,
    by_hand: bool,
}

/// The end of a run, besides its report.
pub(crate) struct Ending {
    pub(crate) exit: Exit,
    /// Documents that were not downloaded.
    pub(crate) to_come: u64,
    /// Whether it looked for missing documents.
    pub(crate) counted: bool,
    /// Whether runs keep a copy.
    pub(crate) copies: bool,
}

pub(crate) fn process() -> Process {
    let mirror::ProcessIdentity { host, boot, ids, started: began } = mirror::identity();
    Process { pid: std::process::id(), host, boot, ids, began }
}

/// Looks a process id up.
pub(crate) fn look(id: u32) -> ProcessState {
    if mirror::exists(id) { ProcessState::Somebody(mirror::started(id)) } else { ProcessState::Nobody }
}

impl StatusFile {
    /// The status of a destination, and the paths of its copies.
    pub(crate) fn new(dest: &Path, notices: &Notices) -> Self {
        Self {
            dest: dest.to_owned(),
            copy: notices.status_file.clone(),
            metrics: notices.metrics_file.clone(),
            profile: notices.profile.clone(),
            by_hand: notices.by_hand,
        }
    }

    /// A command begins.
    pub(crate) fn begin(&self, root: &Root, command: &str, run_id: &str, started_at: Timestamp) -> Result<(), Error> {
        let mut status = self.last(root);
        let working =
            Working { command: command.to_owned(), run_id: run_id.to_owned(), started_at, process: process() };
        status.begin(working, look);
        match self.write(Some(root), status.clone(), false) {
            Ok(told) => shown(told),
            Err(error) if error.exit() == Exit::Disk => return Err(error),
            // The command may still succeed, and its end is written again.
            Err(error) => {
                shown(vec![unwritten(&error)]);
                shown(self.write_outside(&status.written_now(), false));
            }
        }
        Ok(())
    }

    /// A run ended. Returns what could not be written.
    pub(crate) fn run_ended(
        &self,
        root: &Root,
        (state, run): (&State, &Run),
        report: &RunReport,
        ending: &Ending,
    ) -> Result<Vec<String>, Error> {
        if self.by_hand {
            tracing::info!(
                "this run had filters on the command line, so the status, metrics and pings ignore it; put permanent filters into the configuration file"
            );
        }
        self.write(Some(root), self.after(root, (state, run), report, ending), true)
    }

    /// A run ended, but its status could not be written to the mirror: writes the copies.
    pub(crate) fn run_lost(&self, root: &Root, run: (&State, &Run), report: &RunReport, ending: &Ending) {
        self.write_or_warn(Some(root), self.after(root, run, report, ending));
    }

    /// The status after a run.
    fn after(&self, root: &Root, (state, run): (&State, &Run), report: &RunReport, ending: &Ending) -> Status {
        let mut status = self.last(root);
        status.end(&process());
        status.organisation_id.clone_from(&report.organisation_id);
        let counted = count(root, state, run, report, status.space);
        status.space = counted.unwrap_or(status.space);
        status.manifests = manifests(root).or(status.manifests);
        status.copy = status.copy.filter(|_| ending.copies);
        // Only a run that looked everywhere knows that nothing is withheld any more.
        let withheld = if ending.counted && !self.by_hand { 0 } else { status.waiting.withheld };
        let withheld = withheld.max(report.documents.withheld);
        status.waiting = pending(state, run, ending.to_come, withheld).unwrap_or(status.waiting);
        if status.last_complete_run.is_none() {
            status.last_complete_run = state.read(|r| r.last_complete()).ok().flatten().and_then(complete);
        }
        let left = left(root, state, &status, report);
        self.take(&mut status, LastRun::of(report, ending.exit.code()), left);
        status
    }

    /// A run with filters on the command line says nothing about scheduled ones.
    fn take(&self, status: &mut Status, run: LastRun, left: Option<Damage>) {
        if self.by_hand {
            status.record_scrub(&run, left);
        } else {
            status.record_run(run, left);
        }
    }

    /// A copy was brought up to date, or could not be; `run` is the run at whose end that was, and its exit code.
    pub(crate) fn copy_ended(&self, root: &Root, copy: &CopyReport, run: Option<(&RunReport, Exit)>) {
        let mut status = self.last(root);
        status.end(&process());
        status.record_copy(copy, Timestamp::now());
        if let Some((report, exit)) = run.filter(|_| !self.by_hand) {
            status.last_run = Some(LastRun::of(report, exit.code()));
        }
        self.write_or_warn(Some(root), status);
    }

    /// A run could not begin, or was aborted. If another process holds the lock, that one writes the status.
    ///
    /// The status of another organisation or of a mirror elsewhere is neither changed nor used.
    pub(crate) fn run_failed(&self, report: &RunReport, exit: Exit) {
        if exit == Exit::Locked {
            return;
        }
        // Creates nothing without a mirror: the disk may not be mounted.
        let root = Root::open(&self.dest).ok().filter(|root| root.read_note(STATUS).is_some());
        let noted = root.as_ref().map(|root| self.last(root));
        let noted = noted.filter(|status| is_of(status, &report.organisation_id));
        let root = root.filter(|_| noted.is_some());
        let Some(mut status) = noted.or_else(|| self.copied(&report.organisation_id)) else {
            return self.failed_unknown(report, exit);
        };
        status.end(&process());
        self.take(&mut status, LastRun::of(report, exit.code()), None);
        self.write_or_warn(root.as_ref(), status);
    }

    /// A run failed without access to the mirror: keeps what the metrics already contain.
    fn failed_unknown(&self, report: &RunReport, exit: Exit) {
        if self.by_hand {
            return;
        }
        let mut status = self.nothing();
        status.organisation_id.clone_from(&report.organisation_id);
        status.record_run(LastRun::of(report, exit.code()), None);
        let old = self.metrics.as_ref().and_then(|path| paths::text(path, LARGEST).ok()).unwrap_or_default();
        let metrics = metrics_after_failure(&old, &status, self.profile.as_deref(), status.written_at);
        shown(self.write_files(&status, Some(&metrics)));
    }

    /// The copy, if it is of this mirror.
    fn copied(&self, organisation: &str) -> Option<Status> {
        let status = Status::read(&paths::read(self.copy.as_ref()?, LARGEST).ok()?).ok()?;
        (status.dest == self.nothing().dest && is_of(&status, organisation)).then_some(status)
    }

    /// An empty status.
    fn nothing(&self) -> Status {
        let dest = std::path::absolute(&self.dest).unwrap_or_else(|_| self.dest.clone());
        Status::new(dest.display().to_string(), Timestamp::now())
    }

    /// A check ended; updates the last complete round and the known damage.
    pub(crate) fn verify_ended(
        &self,
        root: &Root,
        report: &VerifyReport,
        exit: Exit,
        (round, left): (Option<&Round>, Option<Damage>),
    ) {
        let mut status = self.last(root);
        status.end(&process());
        let verify = LastVerify {
            outcome: report.outcome,
            exit_code: exit.code(),
            started_at: report.started_at,
            finished_at: Timestamp::now(),
            checked: report.checked,
            mirrored: report.mirrored,
            damaged: report.damaged,
            repaired: report.repaired,
        };
        let round = round.map(|r| LastRound { began_at: r.began_at, ended_at: r.ended_at, damaged: r.damaged });
        status.record_verify(verify, round.or(status.last_round.clone()), left);
        self.write_or_warn(Some(root), status);
    }

    /// A check could not begin, or was aborted: because the state is damaged, or for a reason outside of the
    /// mirror.
    pub(crate) fn verify_failed(&self, damaged: Option<(&VerifyReport, Exit)>) {
        let Ok(root) = Root::open(&self.dest) else { return };
        if let Some((report, exit)) = damaged {
            return self.verify_ended(&root, report, exit, (None, None));
        }
        let mut status = self.last(&root);
        if status.at_work.iter().any(|working| working.process == process()) {
            status.end(&process());
            self.write_or_warn(Some(&root), status);
        }
    }

    /// A command changed what is mirrored or waiting, and decided on this many withheld removals.
    pub(crate) fn recount(&self, root: &Root, (state, run): (&State, &Run), missed: u64) {
        let mut status = self.last(root);
        let space = space(root, state, run).ok();
        status.space = space.or(status.space);
        status.manifests = manifests(root).or(status.manifests);
        let left = Note::read(root).left.map(|left| damage(&left, root, state));
        status.recount(left);
        let withheld = status.waiting.withheld.saturating_sub(missed);
        status.waiting = pending(state, run, 0, withheld).unwrap_or(status.waiting);
        self.write_or_warn(Some(root), status);
    }

    /// The last status in the mirror.
    fn last(&self, root: &Root) -> Status {
        let last = root.read_note(STATUS).and_then(|bytes| match Status::read(&bytes) {
            Ok(status) => Some(status),
            Err(why) => {
                tracing::warn!("the last {STATUS} can't be read and is replaced: {why}");
                None
            }
        });
        let fresh = self.nothing();
        Status { dest: fresh.dest.clone(), ..last.unwrap_or(fresh) }
    }

    /// Writes the status and its copies, and the metrics after an end. Returns the copies that could not be
    /// written; fails at once if it is the mirror's own status, since the result then changes.
    fn write(&self, root: Option<&Root>, status: Status, ended: bool) -> Result<Vec<String>, Error> {
        let status = status.written_now();
        if let Some(root) = root {
            root.write_note(STATUS, status.text().as_bytes()).map_err(|error| error.with_shortage(&self.dest))?;
        }
        Ok(self.write_outside(&status, ended))
    }

    /// Writes the copies. Returns those that could not be written.
    fn write_outside(&self, status: &Status, ended: bool) -> Vec<String> {
        let metrics = ended.then(|| metrics(status, self.profile.as_deref(), status.written_at));
        self.write_files(status, metrics.as_deref())
    }

    fn write_files(&self, status: &Status, metrics: Option<&str>) -> Vec<String> {
        let mut failed = Vec::new();
        if let (Some(path), Some(metrics)) = (&self.metrics, metrics) {
            failed.extend(notify::replace(path, metrics.as_bytes()).err().map(|e| format!("--metrics-file: {e}")));
        }
        if let Some(path) = &self.copy {
            let other = paths::read(path, LARGEST).ok().and_then(|bytes| Status::read(&bytes).ok());
            if let Some(other) = other.filter(|other| other.dest != status.dest) {
                let (path, dest) = (path.display(), other.dest);
                failed.push(format!(
                    "--status-file: {path} was the status of the mirror at {dest} and is replaced; each mirror needs its own file"
                ));
            }
            let copied = notify::replace(path, status.text_for_others().as_bytes());
            failed.extend(copied.err().map(|e| format!("--status-file: {e}")));
        }
        failed
    }

    fn write_or_warn(&self, root: Option<&Root>, status: Status) {
        shown(self.write(root, status.clone(), true).unwrap_or_else(|error| {
            let mut failed = self.write_outside(&status.written_now(), true);
            failed.push(unwritten(&error));
            failed
        }));
    }
}

/// Whether a status may be of an organisation; an unknown one may be of any.
fn is_of(status: &Status, organisation: &str) -> bool {
    let known = &status.organisation_id;
    known.is_empty() || organisation.is_empty() || known.eq_ignore_ascii_case(organisation)
}

fn unwritten(error: &Error) -> String {
    format!("the mirror's status could not be written: {error}")
}

fn shown(warnings: Vec<String>) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// The known damage, including that of this run. Reads nothing if there is none.
fn left(root: &Root, state: &State, status: &Status, report: &RunReport) -> Option<Damage> {
    let known = status.damage.is_some() || report.scrub.is_some_and(|scrub| scrub.damaged > scrub.repaired);
    known.then(|| Note::read(root).left)?.map(|left| damage(&left, root, state))
}

/// The present damage.
pub(crate) fn damage(left: &Unrepaired, root: &Root, state: &State) -> Damage {
    Damage { found_at: left.found_at(), left: left.count(root, state) }
}

/// What is waiting after a run that left this many documents.
fn pending(state: &State, run: &Run, to_come: u64, withheld: u64) -> Result<Waiting, Error> {
    let (pending, first) = state.read(|r| Ok::<_, Error>((r.pending(run.number)?, r.first_start_after_complete()?)))?;
    let left = if to_come > 0 { first } else { None };
    let oldest = [pending.since, left].into_iter().flatten().min();
    Ok(Waiting {
        versions: pending.versions + to_come,
        oldest_since: oldest.and_then(|second| Timestamp::from_second(second).ok()),
        unconfirmed: pending.unconfirmed,
        withheld,
    })
}

/// The size of the mirror. Counting reads every row, so it is skipped if nothing changed since the last count.
fn count(
    root: &Root,
    state: &State,
    run: &Run,
    report: &RunReport,
    last: Option<Space>,
) -> Result<Option<Space>, Error> {
    let changed = report.documents.has_changes() || report.freed.versions + report.freed.objects > 0;
    if let Some(last) = last.filter(|last| !changed && last.counted_by + 1 == run.number) {
        return Ok(Some(Space { free_bytes: root.free_bytes().ok(), counted_by: run.number, ..last }));
    }
    space(root, state, run).map(Some)
}

/// Counts the size of the mirror.
fn space(root: &Root, state: &State, run: &Run) -> Result<Space, Error> {
    let (tree, history) = state.read(|r| Ok::<_, Error>((r.totals()?, r.objects()?)))?;
    Ok(Space {
        documents: tree.documents,
        tree_bytes: tree.bytes,
        objects: history.objects,
        history_bytes: history.bytes,
        free_bytes: root.free_bytes().ok(),
        counted_by: run.number,
    })
}

fn manifests(root: &Root) -> Option<Manifests> {
    let sizes = history::manifest_sizes(root).ok()?;
    Some(Manifests { files: sizes.len() as u64, bytes: sizes.iter().sum() })
}

fn complete(times: crate::state::RunTimes) -> Option<CompleteRun> {
    let at = |second| Timestamp::from_second(second).ok();
    Some(CompleteRun { run_id: times.id, started_at: at(times.started_at)?, finished_at: at(times.finished_at)? })
}
