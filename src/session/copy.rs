//! Copies in object stores: opens their stores, and brings them up to date.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256 as Hasher};

use super::{Error, Exit, Output, adoption, runtime, watchdog};
use crate::{
    config::{CopySettings, Location},
    mirror::{self, Mirror},
    model::Sha256,
    remote,
    replica::{self, CopyOutcome, Credentials, Place, Replicate, ReplicateOptions, Replicated, Store, StoreSettings},
    report::{CopyCheck, CopyReport, CopyResult, Progress, Warning},
    state::{CopyRecord, State},
    sync::{Stop, StopCause},
    systemd::Notice,
    ui,
};

/// Opens the store of a copy. Nothing is sent yet.
pub(crate) fn open_store(location: &Location, settings: &CopySettings, stop: Arc<Stop>) -> Result<Store, Error> {
    let credentials = match location.place {
        Place::Folder(_) => Credentials::default(),
        Place::S3 { .. } | Place::Azure { .. } => settings.credentials()?,
    };
    let settings = StoreSettings {
        location: location.clone(),
        credentials,
        ask_metadata: settings.ask_metadata,
        user_agent: remote::Settings::USER_AGENT.to_owned(),
    };
    Ok(Store::open(&settings, stop).map_err(replica::Error::from)?)
}

/// Opens what is known of the copy at a place. It may be lost at any time.
pub(crate) fn open_record(mirror: &Mirror, location: &Location) -> Result<CopyRecord, Error> {
    let record = CopyRecord::open(&record_path(mirror, location)?)?;
    if record.note(LOCATION)?.is_none() {
        record.set_note(LOCATION, &location.to_string())?;
    }
    Ok(record)
}

fn record_path(mirror: &Mirror, location: &Location) -> Result<PathBuf, Error> {
    const DIGITS: usize = 16;
    let place = Sha256::new(Hasher::digest(location.to_string()).into()).hex();
    Ok(mirror.replica_path(&format!("{}.db", &place[..DIGITS]))?)
}

/// Where the mirror was copied to, and the number of the last commit there, as far as is known.
pub(crate) fn known_copies(mirror: &Mirror) -> Result<Vec<(String, u64)>, Error> {
    let mut copies = Vec::new();
    for name in mirror.state_files("replicas")?.iter().filter(|name| name.strip_suffix(".db").is_some()) {
        let record = CopyRecord::open(&mirror.replica_path(name)?)?;
        if let (Some(location), Some(head)) = (record.note(LOCATION)?, record.head()?) {
            copies.push((location, head.number));
        }
    }
    Ok(copies)
}

/// The note of a record about where the copy is.
const LOCATION: &str = "location";

/// Brings the copy of a mirror, whose lock is held, up to date.
pub(crate) struct Copying<'c> {
    pub(crate) mirror: &'c Mirror,
    pub(crate) state: &'c State,
    pub(crate) location: &'c Location,
    pub(crate) settings: &'c CopySettings,
    pub(crate) stop: &'c Arc<Stop>,
    pub(crate) output: &'c Output,
}

/// What became of a copy, and how the command ends.
pub(crate) struct Copied {
    pub(crate) report: CopyReport,
    pub(crate) exit: Exit,
    /// Whether the store was seen to ignore the condition that a file must be absent.
    pub(crate) ignores_condition: bool,
}

impl Copied {
    /// What is to be known although the copy was brought up to date.
    pub(crate) fn notes(&self) -> Vec<Warning> {
        let lacks = (self.report.missing > 0 && self.report.is_current())
            .then_some(Warning::CopyIncomplete { count: self.report.missing });
        lacks.into_iter().chain(self.ignores_condition.then_some(Warning::CopyUnguarded)).collect()
    }
}

impl Copying<'_> {
    /// Uploads what the copy lacks. A failure is in the report.
    pub(crate) fn run(&self) -> Copied {
        let progress = Arc::<Progress>::default();
        let mut report = CopyReport { location: self.location.to_string(), ..CopyReport::default() };
        let copied = self.replicate(&progress, &mut report);
        let failed = match copied {
            Ok(done) => return self.copied(&done, report),
            Err(error) => error.with_shortage(self.mirror.root().path()),
        };
        (report.contents, report.bytes) = (Progress::get(&progress.downloads_done), Progress::get(&progress.bytes));
        self.last_commit(&mut report);
        let is_stopped = matches!(&failed, Error::Copying(error) if error.is_stopped());
        let exit = match self.stop.cause().filter(|_| is_stopped) {
            Some(StopCause::Interrupt) => Exit::Interrupted,
            Some(StopCause::Terminate) => Exit::Terminated,
            Some(_) => Exit::Partial,
            None => failed.exit(),
        };
        report.outcome = if is_stopped { CopyResult::Stopped } else { CopyResult::Failed };
        report.error = (!is_stopped).then(|| failed.to_string());
        Copied { report, exit, ignores_condition: false }
    }

    fn replicate(&self, progress: &Arc<Progress>, report: &mut CopyReport) -> Result<Replicated, Error> {
        adoption::refuse_if_lost(self.state, self.mirror.root().path())?;
        let store = open_store(self.location, self.settings, Arc::clone(self.stop))?;
        let record = open_record(self.mirror, self.location)?;
        let options = ReplicateOptions {
            transfers: self.settings.transfers,
            bandwidth: self.settings.bandwidth,
            accept: self.settings.accept,
        };
        let work = Replicate {
            mirror: self.mirror,
            state: self.state,
            store: &store,
            record: &record,
            options: &options,
            progress,
        };
        let (bars, output) = (Arc::clone(progress), self.output);
        let _screen = ui::Screen::of_copy(bars, &output.bars, output.quiet, output.json_log);
        let done = self.watch(progress, &store, || work.run_and_check(self.settings.check));
        report.requests = store.requests();
        let (done, check) = done??;
        report.check = check;
        Ok(done)
    }

    /// Does work that takes long on another thread, tells the service manager of it, and ends it in time.
    fn watch<T: Send>(&self, progress: &Progress, store: &Store, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let runtime = runtime()?;
        let moved =
            || [progress.moves(), store.requests(), mirror::bytes_moved()].into_iter().fold(0, u64::wrapping_add);
        let line = || {
            let [done, all] = [Progress::get(&progress.downloads_done), progress.downloads()];
            format!("copying to {}: {done} of {all} contents", self.location)
        };
        Ok(std::thread::scope(|scope| {
            let (working, done) = tokio::sync::oneshot::channel::<()>();
            let worker = scope.spawn(move || {
                let _working = working;
                work()
            });
            self.output.manager.notify(&[Notice::Ready]);
            runtime.block_on(async {
                tokio::select! {
                    _ = done => {}
                    () = watchdog::send_signals(&self.output.manager, moved, line) => {}
                    () = end_after(self.settings.max_duration, self.stop) => {}
                }
            });
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }))
    }

    fn copied(&self, done: &Replicated, mut report: CopyReport) -> Copied {
        report.outcome = match done.outcome {
            CopyOutcome::Committed => CopyResult::Committed,
            CopyOutcome::Unchanged => CopyResult::Unchanged,
            CopyOutcome::Newer => CopyResult::Newer,
        };
        (report.contents, report.bytes) = (done.transferred.sent, done.transferred.bytes);
        self.tell_commit(&mut report, (done.commit, done.run, done.committed_at, done.missing));
        let is_damaged = report.check.as_ref().is_some_and(CopyCheck::is_damaged);
        let exit = match done.outcome {
            _ if is_damaged => Exit::Damaged,
            CopyOutcome::Newer => Exit::Partial,
            CopyOutcome::Committed | CopyOutcome::Unchanged => Exit::Complete,
        };
        Copied { report, exit, ignores_condition: done.keeps_condition == Some(false) }
    }

    /// What the copy has, as far as is known.
    fn last_commit(&self, report: &mut CopyReport) {
        let is_known = record_path(self.mirror, self.location).is_ok_and(|path| path.exists());
        let record = || open_record(self.mirror, self.location);
        let head = if is_known { record().and_then(|record| Ok(record.head()?)) } else { Ok(None) };
        if let Ok(Some(head)) = head {
            self.tell_commit(report, (head.number, head.run, head.committed_at, head.gaps));
        }
    }

    fn tell_commit(&self, report: &mut CopyReport, (number, run, time, missing): (u64, i64, i64, u64)) {
        let runs = self.state.read(|r| r.past_runs()).unwrap_or_default();
        report.commit = Some(number);
        report.run_id = runs.into_iter().find(|past| past.number == run).map(|past| past.id);
        report.committed_at = Timestamp::from_second(time).ok();
        report.missing = missing;
    }
}

/// Ends the work after a time. It never returns, because the work may go on for a moment.
async fn end_after(time: Option<Duration>, stop: &Stop) {
    if let Some(time) = time {
        tokio::time::sleep(time).await;
        stop.now(StopCause::Duration);
    }
    std::future::pending::<()>().await;
}
