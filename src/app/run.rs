//! `run`.

use std::{path::Path, sync::Arc, time::Instant};

use jiff::Timestamp;

use super::{
    Error, Exit, Voice, Writing, adopting, aftermath::Aftermath, aftermath::End as Over, check_destination, copies,
    execute, pacing, page, standing::Standing,
};
use crate::{
    config::{self, Config, Notices},
    history,
    mirror::{self, Mirror, Root},
    model::STATE_FOLDER,
    remote::{Remote, Requests, Whom},
    report::{Answers, Bytes, Failure, FailureCause, Outcome, RunReport, Tally},
    state::{End, Run, State},
    sync::{self, Adopt, Ended, Finished, Parts},
    ui,
};

/// Brings over what changed.
pub fn run(config: &Config, voice: &Voice) -> Exit {
    carry_out(config, voice, "run", begin)
}

/// Carries a run out, and tells whoever wants to know how it went.
pub(super) fn carry_out(
    config: &Config,
    voice: &Voice,
    command: &str,
    begin: fn(&Config, Timestamp) -> Result<Writing, Error>,
) -> Exit {
    let started = Timestamp::now();
    let mut aftermath = Aftermath::new(&config.notices, &config.dest);
    let ran = begin(config, started).and_then(|writing| {
        aftermath.begun();
        go(config, voice, writing, (command, started))
    });
    let (exit, report) = ran.unwrap_or_else(|error| {
        let report = failed(&config.remote.organisation.to_string(), started, &error);
        Standing::new(&config.dest, &config.notices).run_failed(&report, error.exit());
        (give_up(&report, voice, &error), report)
    });
    over(&mut aftermath, exit, &report);
    exit
}

/// The end of a run whose settings can't work.
pub fn refused(dest: &Path, notices: &Notices, error: config::Error) -> Exit {
    let error = Error::Config(error);
    let (exit, report) = (error.exit(), failed("", Timestamp::now(), &error));
    ui::complain(&error);
    Standing::new(dest, notices).run_failed(&report, exit);
    over(&mut Aftermath::new(notices, dest), exit, &report);
    exit
}

fn over(aftermath: &mut Aftermath<'_>, exit: Exit, report: &RunReport) {
    let summary = ui::summary(report, None);
    aftermath.ping(exit, &summary);
    let (outcome, run_id) = (report.outcome.word(), report.run_id.as_str());
    aftermath.tell(&Over { command: "run", exit, outcome, run_id, report, summary: &summary });
}

/// The end of what could not begin.
pub(super) fn give_up(report: &RunReport, voice: &Voice, error: &Error) -> Exit {
    let exit = error.exit();
    if voice.json && !matches!(exit, Exit::Usage | Exit::Locked) {
        print_json(report);
    }
    ui::complain(error);
    exit
}

fn begin(config: &Config, started: Timestamp) -> Result<Writing, Error> {
    check_destination(&config.dest, config.existing)?;
    Writing::begin(&config.dest, Some(&config.remote.organisation), "run", started)
}

fn go(
    config: &Config,
    voice: &Voice,
    writing: Writing,
    (command, started): (&str, Timestamp),
) -> Result<(Exit, RunReport), Error> {
    let clock = Instant::now();
    let Writing { mirror, state, run } = writing;
    let standing = Standing::new(&config.dest, &config.notices);
    standing.begin(mirror.root(), command, &run.id, started)?;
    let requests = Arc::new(Requests::default());
    let options = adopting::options(&state, &config.options)?;
    if options.adopt == Adopt::Whole {
        review(&mirror, &state, &run)?;
    }
    let remote = pacing::remote(&config.remote, config.limit, &state, &requests)?;
    let parts = Parts {
        remote: Arc::clone(&remote),
        state: Arc::clone(&state),
        root: Arc::new(Root::open(&config.dest)?),
        mirror: Some(Arc::clone(&mirror)),
        options,
        progress: Arc::default(),
        stop: Arc::default(),
        run: run.clone(),
    };
    let mut finished = execute(parts, &requests, voice)?;
    let unfiltered = config.options.filter.wants_all();
    if unfiltered && finished.outcome() == Outcome::Complete {
        list(&mirror, &state, &run, &mut finished);
    }
    let mut report = report(config, &run.id, &finished, &requests, started);
    report.duration_seconds = clock.elapsed().as_secs_f64();
    page::write(&mirror, &state, &run, &mut report, &mut finished);
    let whole = unfiltered && report.outcome == Outcome::Complete;
    if whole {
        adopting::done(&state)?;
    }
    let mut exit = Exit::of_run(&finished);
    if let Err(error) = keep(&mirror, &state, &run, &report, (&remote, whole)) {
        exit = unwritten(exit, &mut report, &error);
    }
    if exit != Exit::Disk {
        tidy(&mirror, &state, config.options.retain_runs, &finished);
    }
    if !matches!(finished.ended, Ended::Fatal(_)) && exit != Exit::Disk {
        exit = copies::keep(&mirror, &state, &run, report.documents.has_changes()).unwrap_or(exit);
    }
    match standing.run_ended(mirror.root(), (&state, &run), &report, (exit, finished.tally.to_come())) {
        Ok(told) if told.is_empty() => {}
        Ok(told) => {
            for warning in told {
                finished.tally.warn(warning);
            }
            report.warnings = finished.tally.warnings();
            // What the report on the disk lacks then is in the log.
            let _ = write_report(&mirror, &report);
        }
        Err(error) => exit = unwritten(exit, &mut report, &error),
    }
    let place = config.dest.join(STATE_FOLDER).join("runs").join(format!("{}.html", run.id));
    if exit != Exit::Usage {
        tell(voice, &report, Some(&place));
    }
    if let Ended::Fatal(fatal) = &finished.ended {
        ui::complain(fatal);
    }
    Ok((exit, report))
}

/// The code of a run whose end could not be written down: it is the disk's, if that is what failed.
fn unwritten(exit: Exit, report: &mut RunReport, error: &Error) -> Exit {
    if error.exit() != Exit::Disk || exit == Exit::Disk {
        tracing::warn!("the end of the run could not be written down: {error}");
        return exit;
    }
    report.outcome = Outcome::Failed;
    report.failures.push(failure(error.cause(), error.to_string()));
    ui::complain(error);
    Exit::Disk
}

/// Compares the state with a tree that may be newer, before anything is listed.
fn review(mirror: &Arc<Mirror>, state: &Arc<State>, run: &Run) -> Result<(), Error> {
    let (same, others) = sync::review(mirror, state, run.number)?;
    if same + others > 0 {
        tracing::info!(
            "{same} files are others than the state knew, with the same bytes; {others} are missing or have other bytes, and are met as new"
        );
    }
    Ok(())
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

/// The report of a finished run.
pub(super) fn report(
    config: &Config,
    id: &str,
    finished: &Finished,
    requests: &Requests,
    started: Timestamp,
) -> RunReport {
    let tally: &Tally = &finished.tally;
    let mut failures = tally.failures();
    if let Ended::Fatal(fatal) = &finished.ended {
        failures.push(failure(fatal.cause(), fatal.to_string()));
    }
    RunReport {
        run_id: id.to_owned(),
        outcome: finished.outcome(),
        started_at: started,
        finished_at: Timestamp::now(),
        duration_seconds: 0.0,
        organisation_id: config.remote.organisation.to_string(),
        binders: tally.binder_counts(),
        documents: tally.documents(),
        bytes: Bytes { downloaded: tally.bytes() },
        freed: tally.freed_counts(),
        requests: crate::report::Requests {
            token: requests.token(),
            api: requests.api(),
            storage: requests.storage(),
            retried: requests.retried(),
            throttled: requests.throttled(),
            answers: Answers {
                token: requests.answers(Whom::Token).into(),
                api: requests.answers(Whom::Api).into(),
                storage: requests.answers(Whom::Storage).into(),
            },
        },
        scrub: finished.scrub,
        night: None,
        failures,
        warnings: tally.warnings(),
    }
}

/// The report of a run that could not begin.
pub(super) fn failed(organisation: &str, started: Timestamp, error: &Error) -> RunReport {
    RunReport {
        run_id: String::new(),
        outcome: Outcome::Failed,
        started_at: started,
        finished_at: Timestamp::now(),
        duration_seconds: 0.0,
        organisation_id: organisation.to_owned(),
        binders: crate::report::Binders::default(),
        documents: crate::report::Documents::default(),
        bytes: Bytes::default(),
        freed: crate::report::Freed::default(),
        requests: crate::report::Requests::default(),
        scrub: None,
        night: None,
        failures: vec![failure(error.cause(), error.to_string())],
        warnings: Vec::new(),
    }
}

pub(super) fn failure(cause: FailureCause, error: String) -> Failure {
    Failure {
        binder_id: None,
        document_id: None,
        version_id: None,
        file_name: None,
        cause,
        error,
        attempts: 1,
        trace_id: None,
    }
}

/// Writes down how the run ended, as far as that goes; the first error counts.
fn keep(
    mirror: &Mirror,
    state: &State,
    run: &Run,
    report: &RunReport,
    (remote, whole): (&Remote, bool),
) -> Result<(), Error> {
    let written = write_report(mirror, report);
    let changes = history::note(report);
    let end = End { outcome: report.outcome.word(), whole, changes: changes.as_deref() };
    let ended = state.write(|w| pacing::keep(w, remote).and_then(|()| w.end_run(run.number, &end)));
    let recorded = ended.and_then(|()| state.settle());
    written.map_err(Error::from).and(recorded.map_err(Error::from))
}

fn write_report(mirror: &Mirror, report: &RunReport) -> Result<(), mirror::Error> {
    let text = json(report);
    mirror.write_state_file(&format!("runs/{}.json", report.run_id), text.as_bytes())?;
    mirror.write_state_file("last-run.json", text.as_bytes())
}

pub(super) fn tell(voice: &Voice, report: &RunReport, place: Option<&Path>) {
    if voice.json {
        print_json(report);
    } else if !voice.quiet || report.outcome != Outcome::Complete {
        ui::print(&ui::summary(report, place));
    }
}

fn print_json(report: &RunReport) {
    ui::print(&(json(report) + "\n"));
}

fn json(report: &RunReport) -> String {
    // Numbers, texts and lists always serialize.
    serde_json::to_string_pretty(report).unwrap_or_default()
}
