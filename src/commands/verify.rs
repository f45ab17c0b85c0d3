//! `verify`: without the lock, or with `--repair` under it.

use std::{path::Path, sync::Arc, time::Instant};

use jiff::Timestamp;

use crate::{
    cli,
    config::{self, Notices},
    mirror::{self, Root},
    pace::{Bandwidth, Limit},
    remote::{self, Remote},
    report::{Checked, Finding, FindingKind, Progress, VerifyOutcome, VerifyReport},
    session::{
        Error, Exit, Output, Reading, Writing, check_destination,
        notifications::{Notifications, RunEnd as Over},
        open::retry_on_change,
        runtime, service_client,
        signals::Signals,
        status_file::{StatusFile, damage},
    },
    state::{self, Extent, RunEnd, State},
    sync::{self, Fatal, Filter, Parts, Stop, StopCause},
    ui,
    verify::{self, CheckResult, CheckScope, Confirmed, Cursor, Note, Task, Watch},
};

/// The most findings in the saved report; the output has them all.
const MOST_KEPT: usize = 1000;

/// The parts of a check.
struct Job {
    part: CheckScope,
    bandwidth: Arc<Bandwidth>,
    limit: Limit,
    progress: Arc<Progress>,
    stop: Arc<Stop>,
    started: Timestamp,
    clock: Instant,
    status_file: StatusFile,
}

/// The request for a check.
#[derive(Debug, Clone, Copy)]
pub struct Verify<'v> {
    /// The folder of the mirror.
    pub dest: &'v Path,
    /// The flags.
    pub flags: &'v cli::Verify,
    /// The limits of requests to the service.
    pub limit: Limit,
    /// The receivers of notifications.
    pub notices: &'v Notices,
}

/// The settings of the service, as far as they are given.
pub type Service = Result<remote::Settings, config::Error>;

/// Checks a mirror, and repairs it on request.
pub fn verify(request: &Verify<'_>, service: impl FnOnce() -> Service, output: &Output) -> Exit {
    let Verify { dest, flags, notices, .. } = *request;
    // Without a repair no credentials are needed.
    let service = flags.repair.then(service);
    let started = Timestamp::now();
    let status_file = StatusFile::new(dest, notices);
    let stop = Arc::default();
    let signals = Signals::watch(&stop);
    let job = job(request, started, status_file.clone(), stop);
    let result = check_state(dest).and_then(|()| {
        let _screen = ui::Screen::start(Arc::clone(&job.progress), &output.bars, output.quiet, output.json_log);
        runtime()?.block_on(async {
            match service {
                Some(service) => Box::pin(repair(dest, &job, service)).await,
                None => check(dest, &job).await,
            }
        })
    });
    let notifications = Notifications::new(notices, dest);
    match result {
        Ok((report, exit)) => {
            show(&report, output);
            signals.finished(exit);
            notify(&notifications, exit, report.outcome.word(), &report, &ui::verify_summary(&report));
            exit
        }
        Err(error) => {
            signals.finished(error.exit());
            aborted(&error, started, &status_file, &notifications, output)
        }
    }
}

/// Ends a check that could not begin or continue.
fn aborted(
    error: &Error,
    started: Timestamp,
    status_file: &StatusFile,
    notifications: &Notifications<'_>,
    output: &Output,
) -> Exit {
    let (exit, text) = (error.exit(), error.to_string());
    ui::print_error(error);
    if error.is_of_the_state() {
        let clean = Confirmed::default();
        let report = VerifyReport { state: "damaged", ..report(started, 0.0, VerifyOutcome::Damaged, clean) };
        status_file.verify_failed(Some((&report, exit)));
        if output.json {
            ui::print_json(&report);
        }
        notify(notifications, exit, report.outcome.word(), &report, &text);
    } else {
        if exit != Exit::Locked {
            status_file.verify_failed(None);
        }
        notify(notifications, exit, "failed", &serde_json::json!({ "outcome": "failed", "error": text }), &text);
    }
    exit
}

fn notify<R: serde::Serialize>(
    notifications: &Notifications<'_>,
    exit: Exit,
    outcome: &str,
    report: &R,
    summary: &str,
) {
    notifications.send(&Over { command: "verify", exit, outcome, run_id: "", report, summary });
}

fn job(request: &Verify<'_>, started: Timestamp, status_file: StatusFile, stop: Arc<Stop>) -> Job {
    let part = match (request.flags.sample, request.flags.budget) {
        (Some(share), _) => CheckScope::Share(share),
        (None, Some(budget)) => CheckScope::Time(budget),
        (None, None) => CheckScope::All,
    };
    let bandwidth = Arc::new(Bandwidth::new(request.flags.bandwidth));
    let (limit, progress) = (request.limit, Arc::default());
    Job { part, bandwidth, limit, progress, stop, started, clock: Instant::now(), status_file }
}

/// Whether the state is sound: without it nothing is known about the files.
fn check_state(dest: &Path) -> Result<(), Error> {
    if !check_destination(dest, false)? {
        return Err(Error::NoMirror(dest.to_owned()));
    }
    retry_on_change(|| Ok(state::examine_in_use(&mirror::database(dest))?))
}

/// Checks without the lock; a run may continue meanwhile.
async fn check(dest: &Path, job: &Job) -> Result<(VerifyReport, Exit), Error> {
    let reading = Arc::new(Reading::following(dest)?);
    if let Err(error) = job.status_file.begin(&reading.root, "verify", "", job.started) {
        // A mirror that is mounted read-only can be checked too.
        tracing::debug!("the start of the check could not be recorded: {error}");
    }
    let (note, task) = begin(&reading.root, job.part);
    let again = dest.to_owned();
    let opened = Arc::clone(&reading);
    let (check, confirmed) = reading_thread(job, move |watch| {
        let mut check = verify::check(&opened.root, &opened.state, task, watch)?;
        let confirmed = check.confirm(&opened.root, watch, || Reading::following(&again))?;
        Ok((check, confirmed))
    })
    .await?;
    Ok(end((&reading.root, &reading.state), job, note, &check, confirmed, 0))
}

/// Checks and repairs under the lock.
async fn repair(dest: &Path, job: &Job, service: Service) -> Result<(VerifyReport, Exit), Error> {
    let Writing { mirror, state, run } = Writing::open(dest, "verify")?;
    job.status_file.begin(mirror.root(), "repair", &run.id, job.started)?;
    let (note, task) = begin(mirror.root(), job.part);
    let (at, rows) = (Arc::clone(&mirror), Arc::clone(&state));
    let (check, mut confirmed) = reading_thread(job, move |watch| {
        let mut check = verify::check(at.root(), &rows, task, watch)?;
        let confirmed = check.confirm(at.root(), watch, || Ok::<_, Error>(&*rows))?;
        Ok((check, confirmed))
    })
    .await?;
    state.write(|w| w.restamp(&check.moved))?;
    let service = client(job, &state, service)?;
    let remote = service.as_ref().ok().map(Arc::clone);
    let root = Arc::new(Root::open(dest)?);
    let parts = |remote| Parts {
        remote,
        state: Arc::clone(&state),
        root,
        mirror: Some(Arc::clone(&mirror)),
        options: config::Settings::default().engine(Filter::default()),
        progress: Arc::clone(&job.progress),
        stop: Arc::clone(&job.stop),
        run: run.clone(),
    };
    sync::mend(parts, service, (&mirror, &state, run.number), &mut confirmed.findings).await?;
    let restamped = check.moved.len() as u64;
    let (report, exit) = end((mirror.root(), &state), job, note, &check, confirmed, restamped);
    let outcome = if exit == Exit::Complete { "complete" } else { "partial" };
    state.write(|w| -> Result<(), state::Error> {
        remote.map_or(Ok(()), |remote| service_client::keep(w, &remote))?;
        w.end_run(run.number, &RunEnd { outcome, ..RunEnd::default() })
    })?;
    Ok((report, exit))
}

/// The client of the service if it is configured for this mirror; otherwise the reason.
fn client(job: &Job, state: &State, service: Service) -> Result<Result<Arc<Remote>, String>, Error> {
    let settings = match service {
        Ok(settings) => settings,
        Err(error) => return Ok(Err(format!("it would have to be downloaded: {error}"))),
    };
    let mirrored = state.read(|r| r.setting("organisation"))?;
    if mirrored.is_some_and(|id| id != settings.organisation.as_str()) {
        let why = "it would have to be downloaded, but IBINDER_ORG_ID names another organisation";
        return Ok(Err(why.to_owned()));
    }
    Ok(Ok(service_client::remote(&settings, job.limit, state, &Arc::default())?))
}

fn begin(root: &Root, part: CheckScope) -> (Note, Task) {
    let note = Note::read(root);
    let cursor = if part == CheckScope::All { Cursor::default() } else { note.round };
    (note, Task { part, cursor, survey: true })
}

/// Reads on separate threads, so that signals are handled meanwhile.
async fn reading_thread<T: Send + 'static>(
    job: &Job,
    work: impl FnOnce(&Watch<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (progress, stop) = (Arc::clone(&job.progress), Arc::clone(&job.stop));
    let bandwidth = Arc::clone(&job.bandwidth);
    let read = tokio::task::spawn_blocking(move || {
        work(&Watch { progress: &progress, bandwidth: &bandwidth, stop: &|| stop.is_set() })
    });
    read.await.map_err(|error| Fatal::Internal(error.to_string()))?
}

/// Records the position and the result of the check.
fn end(
    (root, state): (&Root, &State),
    job: &Job,
    mut note: Note,
    check: &CheckResult,
    confirmed: Confirmed,
    restamped: u64,
) -> (VerifyReport, Exit) {
    let exit = exit(job.stop.cause(), &confirmed);
    let outcome = match exit {
        Exit::Complete => VerifyOutcome::Sound,
        Exit::Interrupted | Exit::Terminated => VerifyOutcome::Interrupted,
        Exit::Partial => VerifyOutcome::Partial,
        _ => VerifyOutcome::Damaged,
    };
    let Extent { documents, objects, bytes } = check.extent;
    let report = VerifyReport {
        checked: check.checked,
        mirrored: Checked { documents, objects, bytes },
        restamped,
        ..report(job.started, job.clock.elapsed().as_secs_f64(), outcome, confirmed)
    };
    let now = Timestamp::now();
    if !check.stopped {
        note.advance(check.cursor, check.done, report.damaged, now);
    }
    note.leave((root, state), &report.findings, is_complete(&report), now);
    let mut kept = report.clone();
    kept.findings.truncate(MOST_KEPT);
    note.last = serde_json::to_value(&kept).unwrap_or_default();
    if let Err(error) = note.write(root) {
        tracing::warn!("the position of the check could not be saved: {error}");
    }
    let left = note.left.as_ref().map(|left| damage(left, root, state));
    job.status_file.verify_ended(root, &report, exit, (note.last_round.as_ref(), left));
    (report, exit)
}

/// Whether everything was read.
fn is_complete(report: &VerifyReport) -> bool {
    let unreadable = report.findings.iter().any(|finding| finding.kind == FindingKind::Unreadable);
    report.checked == report.mirrored && !unreadable
}

fn report(started_at: Timestamp, seconds: f64, outcome: VerifyOutcome, confirmed: Confirmed) -> VerifyReport {
    let damage = |f: &&Finding| f.kind.is_damage();
    VerifyReport {
        outcome,
        state: "sound",
        started_at,
        duration_seconds: seconds,
        checked: Checked::default(),
        mirrored: Checked::default(),
        unfinished: confirmed.unfinished,
        restamped: 0,
        damaged: confirmed.findings.iter().filter(damage).count() as u64,
        repaired: confirmed.findings.iter().filter(|f| f.repaired).count() as u64,
        unlisted: confirmed.unlisted,
        findings: confirmed.findings,
    }
}

/// If several apply: 8, 130/143, 6, 4.
fn exit(stopped: Option<StopCause>, confirmed: &Confirmed) -> Exit {
    let any = |is: &dyn Fn(&Finding) -> bool| confirmed.findings.iter().any(is);
    match stopped {
        _ if confirmed.broken => Exit::Disk,
        Some(StopCause::Interrupt) => Exit::Interrupted,
        Some(StopCause::Terminate) => Exit::Terminated,
        _ if any(&Finding::is_left) => Exit::Damaged,
        _ if any(&|finding| finding.kind == FindingKind::Unreadable) => Exit::Partial,
        _ => Exit::Complete,
    }
}

fn show(report: &VerifyReport, output: &Output) {
    if output.json {
        ui::print_json(report);
    } else if !output.quiet || report.outcome != VerifyOutcome::Sound {
        ui::print(&ui::verify_summary(report));
    }
}
