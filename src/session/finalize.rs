//! What is written down when a run is over.
//!
//! The order counts. The manifest comes first, because a run that lacks it has failed; then the page and the
//! report, which say how the run ended; then the row of the run, by which later runs know it; then what only
//! tidies; and the status last, which tells others of all of it. A part that fails keeps no later one from being
//! written, and makes the run end with the disk's code.

use jiff::Timestamp;

use crate::{
    config::Config,
    history,
    mirror::Mirror,
    remote::Remote,
    report::{Failure, Outcome, RunReport, Warning},
    session::{
        Error, Exit, adoption, service_client, state_backups,
        status_file::{Ending, StatusFile},
    },
    state::{Run, RunEnd, State},
    sync::{Ended, Finished},
    ui,
};

/// A run that is over, and everything that is to know of it.
pub(crate) struct Finalizer<'r> {
    pub(crate) config: &'r Config,
    pub(crate) mirror: &'r Mirror,
    pub(crate) state: &'r State,
    pub(crate) run: &'r Run,
    pub(crate) remote: &'r Remote,
    pub(crate) standing: &'r StatusFile,
}

impl Finalizer<'_> {
    /// Lists what is mirrored after a complete run, before the report says how the run ended.
    pub(crate) fn list(&self, finished: &Finished) -> Result<(), Error> {
        if !self.config.options.filter.wants_all() || finished.outcome() != Outcome::Complete {
            return Ok(());
        }
        if history::manifest_is_due(self.mirror, self.state)? {
            history::write_manifest(self.mirror, self.state, self.run, Timestamp::now())?;
        }
        Ok(())
    }

    /// Writes down how the run ended, and tidies up; `listed` is what became of the list. Each part is tried
    /// whatever became of those before it.
    pub(crate) fn write(&self, finished: &Finished, report: &mut RunReport, listed: Result<(), Error>) -> Exit {
        let ended = Exit::of_run(finished);
        let mut exit = self.judge(ended, report, listed);
        let paged = self.page(report);
        exit = self.judge(exit, report, paged);
        let whole = self.config.options.filter.wants_all() && report.outcome == Outcome::Complete;
        exit = self.judge(exit, report, if whole { adoption::done(self.state) } else { Ok(()) });
        exit = self.judge(exit, report, write_report(self.mirror, report));
        let whole = whole && report.outcome == Outcome::Complete;
        exit = self.judge(exit, report, self.record(report, whole));
        if ended != Exit::Disk {
            tidy(self.mirror, self.state, self.config.options.retain_runs_seconds(), finished);
        }
        if !matches!(finished.ended, Ended::Fatal(_)) {
            let changed = report.documents.has_changes();
            exit = self.judge(exit, report, state_backups::keep(self.mirror, self.state, self.run, changed));
        }
        if exit != ended {
            self.write_again(report);
        }
        self.stand(exit, finished, report)
    }

    fn page(&self, report: &mut RunReport) -> Result<(), Error> {
        report.changes = Some(history::changes(self.state, self.run)?);
        Ok(history::write_page(self.mirror, self.state, report)?)
    }

    /// The row of the run.
    fn record(&self, report: &RunReport, whole: bool) -> Result<(), Error> {
        let changes = history::note(report);
        let complete = report.outcome == Outcome::Complete && !self.config.notices.by_hand;
        let end = RunEnd { outcome: report.outcome.word(), whole, complete, changes: changes.as_deref() };
        self.state.write(|w| service_client::keep(w, self.remote).and_then(|()| w.end_run(self.run.number, &end)))?;
        Ok(self.state.checkpoint()?)
    }

    /// What was written before says that all went well. It is replaced as far as the disk allows.
    fn write_again(&self, report: &mut RunReport) {
        for done in [self.page(report), write_report(self.mirror, report), self.record(report, false)] {
            if let Err(error) = done {
                tracing::debug!("this could not be written again: {error}");
            }
        }
    }

    /// The code of a run after one more part of its end was written. The first part that fails makes the run fail
    /// with the disk's code, and is said aloud. A run that failed by itself already has said why.
    fn judge(&self, exit: Exit, report: &mut RunReport, done: Result<(), Error>) -> Exit {
        let Err(error) = done.map_err(|error| error.with_shortage(self.config.dest.as_path())) else { return exit };
        let (cause, error) = (error.cause(), Error::Unwritten(Box::new(error)));
        if matches!(exit, Exit::Disk | Exit::Usage | Exit::Unexpected | Exit::Locked) {
            tracing::warn!("{error}");
            return exit;
        }
        report.outcome = Outcome::Failed;
        report.failures.push(Failure::of_nobody(cause, error.to_string()));
        ui::complain(&error);
        error.exit()
    }

    /// The status.
    fn stand(&self, exit: Exit, finished: &Finished, report: &mut RunReport) -> Exit {
        let (root, run) = (self.mirror.root(), (self.state, self.run));
        let (to_come, counted) = (finished.tally.to_come(), finished.counted);
        match self.standing.run_ended(root, run, report, &Ending { exit, to_come, counted }) {
            Ok(told) if told.is_empty() => exit,
            Ok(told) => {
                for warning in told {
                    finished.tally.warn(Warning::other(Warning::Output, &warning));
                }
                report.set_warnings(finished.tally.warnings());
                // What the report on the disk lacks then is in the log.
                let _ = write_report(self.mirror, report);
                exit
            }
            Err(error) => {
                let failed = self.judge(exit, report, Err(error));
                if failed != exit {
                    self.write_again(report);
                }
                // Those who look elsewhere than on that disk hear of it.
                self.standing.run_lost(root, run, report, &Ending { exit: failed, to_come, counted });
                failed
            }
        }
    }
}

/// Deletes what `runs/` has of runs that are long past. Nothing needs it: what fails, the next run does.
fn tidy(mirror: &Mirror, state: &State, retain_runs: Option<i64>, finished: &Finished) {
    let Some(before) = retain_runs.and_then(|age| Some(finished.now?.saturating_sub(age))) else { return };
    match history::forget_runs(mirror, state, before) {
        Ok(0) => {}
        Ok(count) => tracing::info!("deleted {count} files of old runs in runs/"),
        Err(error) => tracing::warn!("files of old runs could not be deleted: {error}"),
    }
}

fn write_report(mirror: &Mirror, report: &RunReport) -> Result<(), Error> {
    let text = ui::json(report);
    let text = text.trim_end().as_bytes();
    let own = mirror.write_state_file(&format!("runs/{}.json", report.run_id), text);
    let last = mirror.write_state_file("last-run.json", text);
    Ok(own.and(last)?)
}
