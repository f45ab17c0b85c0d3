//! The mirror's status, kept while commands begin and end.
//!
//! It is built on what the last one wrote, so that what a command doesn't know survives it. A copy that
//! can't be written is told of, and never changes how a command ends; a run whose own
//! status can't be written has failed. A run writes under the lock; a
//! check that takes none replaces what it read a moment before, and what gets lost between the two
//! is written by the next command.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::{
    config::Notices,
    mirror::{self, Root},
    monitoring::{
        CompleteRun, Damage, LastRound, LastRun, LastVerify, Process, ProcessState, STATUS, Space, Status, Waiting,
        Working, metrics, metrics_after_failure,
    },
    notify, paths,
    report::{RunReport, VerifyReport},
    session::{Error, Exit},
    state::{Run, State},
    verify::{Note, Round, Unrepaired},
};

/// A file for others is never larger than this.
const LARGEST: u64 = 1 << 20;

/// Where the status of a mirror is kept.
#[derive(Debug, Clone)]
pub(crate) struct StatusFile {
    dest: PathBuf,
    copy: Option<PathBuf>,
    metrics: Option<PathBuf>,
    profile: Option<String>,
    by_hand: bool,
}

/// How a run ended, besides its report.
pub(crate) struct Ending {
    pub(crate) exit: Exit,
    /// Documents that it left to come.
    pub(crate) to_come: u64,
    /// Whether it counted who is absent.
    pub(crate) counted: bool,
}

/// This process.
pub(crate) fn process() -> Process {
    let mirror::ProcessIdentity { host, boot, ids, started: began } = mirror::identity();
    Process { pid: std::process::id(), host, boot, ids, began }
}

/// Who has an id.
pub(crate) fn look(id: u32) -> ProcessState {
    if mirror::exists(id) { ProcessState::Somebody(mirror::started(id)) } else { ProcessState::Nobody }
}

impl StatusFile {
    /// The status of a destination, and where its copy goes.
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
            Ok(told) => said(told),
            Err(error) if error.exit() == Exit::Disk => return Err(error),
            // The command may still do its work, and how it ends is written down again.
            Err(error) => {
                said(vec![unwritten(&error)]);
                said(self.write_outside(&status.written_now(), false));
            }
        }
        Ok(())
    }

    /// A run ended. What could not be written.
    pub(crate) fn run_ended(
        &self,
        root: &Root,
        (state, run): (&State, &Run),
        report: &RunReport,
        ending: &Ending,
    ) -> Result<Vec<String>, Error> {
        if self.by_hand {
            tracing::info!(
                "what is looked at was limited by flags, so the status, the metrics and the pings leave this run out; filters for every night belong in the configuration file"
            );
        }
        self.write(Some(root), self.after(root, (state, run), report, ending), true)
    }

    /// A run ended whose status the disk did not take: whoever reads elsewhere is told all the same.
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
        // Who did not look everywhere does not know that nothing is withheld any more.
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

    /// A run with filters by hand is no night, and says nothing of the last one.
    fn take(&self, status: &mut Status, run: LastRun, left: Option<Damage>) {
        if self.by_hand {
            status.take_scrub(&run, left);
        } else {
            status.take_run(run, left);
        }
    }

    /// A run could not begin, or broke off. Whoever holds the lock meanwhile tells how the mirror is.
    ///
    /// What is known of the mirror of another organisation, or of one elsewhere, is neither changed nor built on.
    pub(crate) fn run_failed(&self, report: &RunReport, exit: Exit) {
        if exit == Exit::Locked {
            return;
        }
        // Nothing is begun where no mirror is: the disk may not be mounted.
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

    /// A run failed of whose mirror nothing is known here: nothing is made up, and nothing that the metrics have is lost.
    fn failed_unknown(&self, report: &RunReport, exit: Exit) {
        if self.by_hand {
            return;
        }
        let mut status = self.nothing();
        status.organisation_id.clone_from(&report.organisation_id);
        status.take_run(LastRun::of(report, exit.code()), None);
        let old = self.metrics.as_ref().and_then(|path| paths::text(path, LARGEST).ok()).unwrap_or_default();
        let metrics = metrics_after_failure(&old, &status, self.profile.as_deref(), status.written_at);
        said(self.write_files(&status, Some(&metrics)));
    }

    /// The copy, if it is of this mirror.
    fn copied(&self, organisation: &str) -> Option<Status> {
        let status = Status::read(&paths::read(self.copy.as_ref()?, LARGEST).ok()?).ok()?;
        (status.dest == self.nothing().dest && is_of(&status, organisation)).then_some(status)
    }

    /// A status that knows nothing yet.
    fn nothing(&self) -> Status {
        let dest = std::path::absolute(&self.dest).unwrap_or_else(|_| self.dest.clone());
        Status::new(dest.display().to_string(), Timestamp::now())
    }

    /// A check ended; the last round of checks, and what is left of all damage that is known.
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
        status.take_verify(verify, round.or(status.last_round.clone()), left);
        self.write_or_warn(Some(root), status);
    }

    /// A check could not begin, or broke off: because the state is damaged, or without a word on the mirror.
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

    /// A command changed what is mirrored or waits, and settled so many of the removals that were withheld.
    pub(crate) fn recount(&self, root: &Root, (state, run): (&State, &Run), missed: u64) {
        let mut status = self.last(root);
        let space = space(root, state, run).ok();
        status.space = space.or(status.space);
        let left = Note::read(root).left.map(|left| damage(&left, root, state));
        status.recount(left);
        let withheld = status.waiting.withheld.saturating_sub(missed);
        status.waiting = pending(state, run, 0, withheld).unwrap_or(status.waiting);
        self.write_or_warn(Some(root), status);
    }

    /// What was written last in the mirror.
    fn last(&self, root: &Root) -> Status {
        let last = root.read_note(STATUS).and_then(|bytes| match Status::read(&bytes) {
            Ok(status) => Some(status),
            Err(why) => {
                tracing::warn!("the last {STATUS} can't be read, and is written anew: {why}");
                None
            }
        });
        let fresh = self.nothing();
        Status { dest: fresh.dest.clone(), ..last.unwrap_or(fresh) }
    }

    /// Writes it wherever it goes, and the metrics when something has ended. What could not be written, unless
    /// it is the mirror's own: then the end is another, and nothing else is written yet.
    fn write(&self, root: Option<&Root>, status: Status, ended: bool) -> Result<Vec<String>, Error> {
        let status = status.written_now();
        if let Some(root) = root {
            root.write_note(STATUS, status.text().as_bytes()).map_err(|error| error.with_shortage(&self.dest))?;
        }
        Ok(self.write_outside(&status, ended))
    }

    /// Writes what lies elsewhere than in the mirror. What could not be written.
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
                    "--status-file: {path} tells of the mirror at {dest}, and is replaced; each mirror needs a file of its own"
                ));
            }
            let copied = notify::replace(path, status.text_for_others().as_bytes());
            failed.extend(copied.err().map(|e| format!("--status-file: {e}")));
        }
        failed
    }

    /// Writes it wherever that can be done.
    fn write_or_warn(&self, root: Option<&Root>, status: Status) {
        said(self.write(root, status.clone(), true).unwrap_or_else(|error| {
            let mut failed = self.write_outside(&status.written_now(), true);
            failed.push(unwritten(&error));
            failed
        }));
    }
}

/// Whether a status may be of an organisation; one that is not known yet is nobody else's.
fn is_of(status: &Status, organisation: &str) -> bool {
    let known = &status.organisation_id;
    known.is_empty() || organisation.is_empty() || known.eq_ignore_ascii_case(organisation)
}

fn unwritten(error: &Error) -> String {
    format!("the mirror's status could not be written: {error}")
}

fn said(warnings: Vec<String>) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// What is left of the damage that checks found, this run's own among them. Without any nothing is looked at.
fn left(root: &Root, state: &State, status: &Status, report: &RunReport) -> Option<Damage> {
    let known = status.damage.is_some() || report.scrub.is_some_and(|scrub| scrub.damaged > scrub.repaired);
    known.then(|| Note::read(root).left)?.map(|left| damage(&left, root, state))
}

/// Damage as it is now.
pub(crate) fn damage(left: &Unrepaired, root: &Root, state: &State) -> Damage {
    Damage { found_at: left.found_at(), left: left.count(root, state) }
}

/// What waits after a run that left so many documents to come.
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

/// What the mirror takes. Counting reads every row, so it is left out where nothing can have
/// changed since the run before counted.
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

/// What the mirror takes, counted anew.
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

fn complete(times: crate::state::RunTimes) -> Option<CompleteRun> {
    let at = |second| Timestamp::from_second(second).ok();
    Some(CompleteRun { run_id: times.id, started_at: at(times.started_at)?, finished_at: at(times.finished_at)? })
}
