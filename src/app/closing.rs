//! What is written down when a run is over.
//!
//! The order counts. The manifest comes first, because a disk that refuses it makes the run fail; then the report and
//! its page, which say how the run ended; then the row of the run, by which later runs know it; then what only
//! tidies; and the status last, which tells others of all of it. What fails on the way changes the
//! end if it is the disk, and is a warning otherwise.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Error, Exit, adopting, copies, pacing, page,
    reporting::json,
    standing::{Ending, Standing},
};
use crate::{
    config::Config,
    history,
    mirror::{self, Mirror},
    remote::Remote,
    report::{Failure, Outcome, RunReport},
    state::{End, Run, State},
    sync::{Ended, Finished},
    ui,
};

/// A run that is over, and everything that is to know of it.
pub(super) struct Closing<'r> {
    pub(super) config: &'r Config,
    pub(super) mirror: &'r Mirror,
    pub(super) state: &'r State,
    pub(super) run: &'r Run,
    pub(super) remote: &'r Remote,
    pub(super) standing: &'r Standing,
}

impl Closing<'_> {
    /// Lists what is mirrored after a complete run, before the report says how the run ended.
    pub(super) fn list(&self, finished: &mut Finished) {
        if self.config.options.filter.wants_all() && finished.outcome() == Outcome::Complete {
            list(self.mirror, self.state, self.run, finished);
        }
    }

    /// Writes down how the run ended, and tidies up.
    pub(super) fn write(&self, finished: &mut Finished, report: &mut RunReport) -> Result<Exit, Error> {
        page::write(self.mirror, self.state, self.run, report, finished);
        let whole = self.config.options.filter.wants_all() && report.outcome == Outcome::Complete;
        if whole {
            adopting::done(self.state)?;
        }
        let mut exit = Exit::of_run(finished);
        if let Err(error) = self.keep(report, whole) {
            exit = self.unwritten(exit, report, &error);
        }
        if exit != Exit::Disk {
            tidy(self.mirror, self.state, self.config.options.retain_runs, finished);
        }
        if !matches!(finished.ended, Ended::Fatal(_)) && exit != Exit::Disk {
            let changed = report.documents.has_changes();
            if let Err(error) = copies::keep(self.mirror, self.state, self.run, changed) {
                exit = self.unwritten(exit, report, &error);
            }
        }
        Ok(self.stand(exit, finished, report))
    }

    /// The row of the run and the reports; the first error counts.
    fn keep(&self, report: &RunReport, whole: bool) -> Result<(), Error> {
        let written = write_report(self.mirror, report);
        let changes = history::note(report);
        let complete = report.outcome == Outcome::Complete && !self.config.notices.by_hand;
        let end = End { outcome: report.outcome.word(), whole, complete, changes: changes.as_deref() };
        let ended = self.state.write(|w| pacing::keep(w, self.remote).and_then(|()| w.end_run(self.run.number, &end)));
        let recorded = ended.and_then(|()| self.state.settle());
        written.map_err(Error::from).and(recorded.map_err(Error::from))
    }

    /// The status.
    fn stand(&self, exit: Exit, finished: &Finished, report: &mut RunReport) -> Exit {
        let (root, run) = (self.mirror.root(), (self.state, self.run));
        let (to_come, counted) = (finished.tally.to_come(), finished.counted);
        match self.standing.run_ended(root, run, report, &Ending { exit, to_come, counted }) {
            Ok(told) if told.is_empty() => exit,
            Ok(told) => {
                for warning in told {
                    finished.tally.warn(warning);
                }
                report.warnings = finished.tally.warnings();
                // What the report on the disk lacks then is in the log.
                let _ = write_report(self.mirror, report);
                exit
            }
            Err(error) => {
                let exit = self.unwritten(exit, report, &error);
                // Those who look elsewhere than on that disk hear of it.
                self.standing.run_lost(root, run, report, &Ending { exit, to_come, counted });
                exit
            }
        }
    }

    /// The code of a run whose end could not be written down: it is the disk's, if that is what failed. What
    /// was written before, and says that all went well, is written again as far as the disk lets it.
    fn unwritten(&self, exit: Exit, report: &mut RunReport, error: &Error) -> Exit {
        if error.exit() != Exit::Disk || exit == Exit::Disk {
            tracing::warn!("the end of the run could not be written down: {error}");
            return exit;
        }
        report.outcome = Outcome::Failed;
        report.failures.push(Failure::of_nobody(error.cause(), error.to_string()));
        ui::complain(error);
        let page = history::write_page(self.mirror, self.state, self.run, report, &TimeZone::system());
        let kept = self.keep(report, false);
        if let Err(error) = page.map_err(Error::from).and(kept) {
            tracing::debug!("nor could this be written: {error}");
        }
        Exit::Disk
    }
}

/// Writes the manifest of a complete run, if something has changed since the last one. Where the
/// disk fails, so does the run.
fn list(mirror: &Mirror, state: &State, run: &Run, finished: &mut Finished) {
    let written = history::manifest_is_due(mirror, state)
        .and_then(|due| if due { history::write_manifest(mirror, state, run, Timestamp::now()) } else { Ok(()) });
    match written.map_err(Error::from) {
        Ok(()) => {}
        Err(Error::Fatal(fatal)) if Exit::of(&fatal) == Exit::Disk => finished.ended = Ended::Fatal(fatal),
        Err(error) => finished.tally.warn(format!("the manifest could not be written: {error}")),
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

fn write_report(mirror: &Mirror, report: &RunReport) -> Result<(), mirror::Error> {
    let text = json(report);
    mirror.write_state_file(&format!("runs/{}.json", report.run_id), text.as_bytes())?;
    mirror.write_state_file("last-run.json", text.as_bytes())
}
