//! End-of-run bookkeeping.
//!
//! The order matters: first the manifest, because a run that lacks it has failed; then the page and the report
//! with the outcome; then the run's row, which later runs read; then cleanup; and the status last, which announces
//! all of it. If a part fails, the later ones are still written, and the run ends with the exit code for the disk.

use jiff::Timestamp;

use crate::{
    config::Config,
    find, history,
    mirror::Mirror,
    remote::Remote,
    report::{Failure, Outcome, RunReport, Warning, format::number_of},
    session::{
        Error, Exit, adoption, report_file, service_client, site, state_backups,
        status_file::{Ending, StatusFile},
    },
    state::{Run, RunEnd, State},
    sync::{Ended, Finished, Options},
    ui,
};

/// A finished run, and where its result is recorded.
pub(crate) struct Finalizer<'r> {
    pub(crate) config: &'r Config,
    pub(crate) mirror: &'r Mirror,
    pub(crate) state: &'r State,
    pub(crate) run: &'r Run,
    pub(crate) remote: &'r Remote,
    pub(crate) status_file: &'r StatusFile,
}

impl Finalizer<'_> {
    /// Writes the manifest after a complete run, before the report has the outcome.
    pub(crate) fn list(&self, finished: &Finished) -> Result<(), Error> {
        if !self.config.options.filter.wants_all() || finished.outcome() != Outcome::Complete {
            return Ok(());
        }
        if history::manifest_is_due(self.mirror, self.state)? {
            history::write_manifest(self.mirror, self.state, self.run, Timestamp::now())?;
        }
        Ok(())
    }

    /// Records the end of the run and cleans up; `listed` is the result of the manifest. Each part is tried,
    /// whatever happened to those before it.
    pub(crate) fn write(&self, finished: &Finished, report: &mut RunReport, listed: Result<(), Error>) -> Exit {
        let ended = Exit::of_run(finished);
        let mut exit = self.exit_after(ended, report, listed);
        let changes = history::changes(self.state, self.run).map(|changes| report.changes = Some(changes));
        exit = self.exit_after(exit, report, changes.map_err(Error::from));
        self.catalogue(finished, report);
        let paged = self.page(report);
        exit = self.exit_after(exit, report, paged);
        let whole = self.config.options.filter.wants_all() && report.outcome == Outcome::Complete;
        exit = self.exit_after(exit, report, if whole { adoption::done(self.state) } else { Ok(()) });
        exit = self.exit_after(exit, report, write_report(self.mirror, report));
        let whole = whole && report.outcome == Outcome::Complete;
        if finished.counted && !self.config.notices.by_hand {
            let forgotten = self.state.write(|w| w.forget_withheld_before(self.run.number));
            exit = self.exit_after(exit, report, forgotten.map_err(Error::from));
        }
        exit = self.exit_after(exit, report, self.record(report, whole));
        if ended != Exit::Disk {
            tidy(self.mirror, self.state, &self.config.options, finished);
        }
        if !matches!(finished.ended, Ended::Fatal(_)) {
            let changed = report.documents.has_changes();
            exit = self.exit_after(exit, report, state_backups::keep(self.mirror, self.state, self.run, changed));
            if let Err(error) = find::refresh(self.mirror, self.state) {
                tracing::warn!("the file that `find` reads could not be written, so `find` takes longer: {error}");
            }
        }
        if exit != ended {
            self.correct_report(report);
        }
        self.write_status(exit, finished, report)
    }

    /// Brings the catalogue up to date. If that fails, the run only warns of it.
    fn catalogue(&self, finished: &Finished, report: &mut RunReport) {
        let Some(options) = &self.config.catalogue else { return };
        let warnings = site::update((self.mirror, self.state), options, finished, report);
        if warnings.is_empty() {
            return;
        }
        for warning in warnings {
            finished.tally.warn(warning);
        }
        report.set_warnings(finished.tally.warnings());
    }

    pub(super) fn page(&self, report: &RunReport) -> Result<(), Error> {
        Ok(history::write_page(self.mirror, self.state, report, self.config.notices.language)?)
    }

    /// Writes the page for people outside of the mirror. Returns what went wrong.
    pub(super) fn publish(&self, report: &RunReport) -> Option<String> {
        let config = self.config;
        report_file::write(&config.notices, &config.dest, (self.mirror, self.state), report)
    }

    fn record(&self, report: &RunReport, whole: bool) -> Result<(), Error> {
        let changes = history::note(report);
        let complete = report.outcome == Outcome::Complete && !self.config.notices.by_hand;
        let end = RunEnd { outcome: report.outcome.word(), whole, complete, changes: changes.as_deref() };
        self.state.write(|w| service_client::keep(w, self.remote).and_then(|()| w.end_run(self.run.number, &end)))?;
        Ok(self.state.checkpoint()?)
    }

    /// Corrects, as far as the disk allows, a report that says that all went well.
    fn correct_report(&self, report: &RunReport) {
        let told = match &self.config.catalogue {
            Some(options) => site::correct(self.mirror, self.state, options, report),
            None => Ok(()),
        };
        for done in [self.page(report), write_report(self.mirror, report), self.record(report, false), told] {
            if let Err(error) = done {
                tracing::debug!("the corrected report could not be written: {error}");
            }
        }
    }

    /// The exit code after one more part. The first part that fails makes the run fail with the code for the disk,
    /// and is logged. A run that had failed already has said why.
    fn exit_after(&self, exit: Exit, report: &mut RunReport, done: Result<(), Error>) -> Exit {
        let Err(error) = done.map_err(|error| error.with_shortage(self.config.dest.as_path())) else { return exit };
        let (cause, error) = (error.cause(), Error::Unwritten(Box::new(error)));
        if matches!(exit, Exit::Disk | Exit::Usage | Exit::Unexpected | Exit::Locked) {
            tracing::warn!("{error}");
            return exit;
        }
        report.outcome = Outcome::Failed;
        report.failures.push(Failure::of_nobody(cause, error.to_string()));
        ui::print_error(&error);
        error.exit()
    }

    fn write_status(&self, exit: Exit, finished: &Finished, report: &mut RunReport) -> Exit {
        let (root, run) = (self.mirror.root(), (self.state, self.run));
        let (to_come, counted) = (finished.tally.to_come(), finished.counted);
        let copies = self.config.copy.location.is_some();
        let written = self.status_file.run_ended(root, run, report, &Ending { exit, to_come, counted, copies });
        let told = written.map(|told| told.into_iter().chain(self.publish(report)).collect::<Vec<String>>());
        match told {
            Ok(told) if told.is_empty() => exit,
            Ok(told) => {
                for warning in told {
                    finished.tally.warn(Warning::other(Warning::Output, &warning));
                }
                report.set_warnings(finished.tally.warnings());
                // The report on the disk may lack these; the log has them.
                let _ = write_report(self.mirror, report);
                exit
            }
            Err(error) => {
                let failed = self.exit_after(exit, report, Err(error));
                if failed != exit {
                    self.correct_report(report);
                }
                if let Some(why) = self.publish(report) {
                    tracing::warn!("{why}");
                }
                // Readers of copies elsewhere still get the status.
                self.status_file.run_lost(root, run, report, &Ending { exit: failed, to_come, counted, copies });
                failed
            }
        }
    }
}

/// Deletes files of old runs in `runs/`, and manifests that lie close together. After an error, the next run tries again.
fn tidy(mirror: &Mirror, state: &State, options: &Options, finished: &Finished) {
    let Some(now) = finished.now else { return };
    let before = options.retain_runs_seconds().map(|age| now.saturating_sub(age));
    let forgotten = before.map_or(Ok(0), |before| history::forget_runs(mirror, state, before));
    deleted(forgotten, ("file of an old run", "files of old runs"));
    let retain = options.retain();
    let oldest = if retain.versions.is_none() { retain.ended_before(now) } else { None };
    let thin = |ages| history::thin_manifests(mirror, state, ages, oldest, now);
    deleted(options.retain_manifests.map_or(Ok(0), thin), ("old manifest", "old manifests"));
}

fn deleted(count: Result<usize, history::Error>, (one, many): (&str, &str)) {
    match count {
        Ok(0) => {}
        Ok(count) => tracing::info!("deleted {} in runs/", number_of(count as u64, one, many)),
        Err(error) => tracing::warn!("{many} could not be deleted: {error}"),
    }
}

pub(super) fn write_report(mirror: &Mirror, report: &RunReport) -> Result<(), Error> {
    let text = ui::json(report);
    let text = text.trim_end().as_bytes();
    let own = mirror.write_state_file(&format!("runs/{}.json", report.run_id), text);
    let last = mirror.write_state_file("last-run.json", text);
    Ok(own.and(last)?)
}
