//! `run`.

use std::{path::Path, sync::Arc, time::Instant};

use jiff::Timestamp;

use crate::{
    config::{self, Config, Notices},
    mirror::{Mirror, Root},
    model::{OrganisationId, STATE_FOLDER},
    remote::Requests,
    report::{RunReport, format::number_of},
    session::{
        Error, Exit, Output, Writing, adoption, check_nesting, check_start, confirm, execute,
        finalize::Finalizer,
        mail,
        notifications::{Notifications, RunEnd as Over},
        report_file, reporting, service_client,
        signals::Signals,
        status_file::StatusFile,
    },
    state::{Run, State},
    sync::{self, Adopt, Ended, Parts, Stop},
    systemd::Notice,
    ui,
};

/// Downloads what changed.
pub fn run(config: &Config, output: &Output) -> Exit {
    let first = config.first || is_first(config, output);
    carry_out(&Config { first, ..config.clone() }, output, "run", begin)
}

/// Whether somebody at the terminal says that a run, which `existing` would refuse, is the first one.
fn is_first(config: &Config, output: &Output) -> bool {
    let is_refused = || matches!(check_start(config), Err(Error::NotExisting(_)));
    if output.json || output.quiet || !confirm::is_possible() || check_nesting(&config.dest).is_err() || !is_refused() {
        return false;
    }
    let dest = ui::escape(&config.dest.display().to_string());
    let question = format!(
        "{dest} contains no mirror. If its disk is not mounted, mount it first.\nBegin a new mirror there? [y/N] "
    );
    matches!(confirm::ask(&question, "run"), Ok(Some(answer)) if confirm::is_yes(&answer))
}

/// Carries out a run, and sends the notifications.
pub(crate) fn carry_out(
    config: &Config,
    output: &Output,
    command: &str,
    begin: fn(&Config, Timestamp) -> Result<Writing, Error>,
) -> Exit {
    let started = Timestamp::now();
    let stop = Arc::<Stop>::default();
    let signals = Signals::watch(&stop);
    let mut notifications = Notifications::new(&config.notices, &config.dest);
    let ran = begin(config, started).and_then(|writing| {
        notifications.begun();
        let ran = go(config, output, (writing, stop, &signals), (command, started));
        // Only now, because the service manager kills what takes too long after this.
        output.manager.notify(&[Notice::Stopping]);
        ran
    });
    if let Err(error @ Error::NotFirst(_)) = &ran {
        // A slip of the user, which says nothing about the mirror: its status stays.
        let exit = reporting::give_up(&RunReport::default(), output, error);
        signals.finished(exit);
        return exit;
    }
    let (exit, report) = ran.unwrap_or_else(|error| {
        let error = error.with_shortage(&config.dest);
        let report = reporting::failed(&config.remote.organisation.to_string(), started, &error);
        StatusFile::new(&config.dest, &config.notices).run_failed(&report, error.exit());
        report_file::write_failed(&config.notices, &config.dest, &report, error.exit());
        (reporting::give_up(&report, output, &error), report)
    });
    signals.finished(exit);
    notify(&mut notifications, exit, &report);
    mail::send(&config.notices, &config.dest, exit, &report);
    exit
}

/// Ends a run whose settings are wrong.
pub fn refused(dest: &Path, organisation: Option<&OrganisationId>, notices: &Notices, error: config::Error) -> Exit {
    let error = Error::Config(error);
    let organisation = organisation.map(ToString::to_string).unwrap_or_default();
    let (exit, report) = (error.exit(), reporting::failed(&organisation, Timestamp::now(), &error));
    ui::print_error(&error);
    StatusFile::new(dest, notices).run_failed(&report, exit);
    report_file::write_failed(notices, dest, &report, exit);
    notify(&mut Notifications::new(notices, dest), exit, &report);
    mail::send(notices, dest, exit, &report);
    exit
}

fn notify(notifications: &mut Notifications<'_>, exit: Exit, report: &RunReport) {
    let summary = ui::summary(report, None, &ui::Told::default());
    notifications.ping(exit, &summary);
    let (outcome, run_id) = (report.outcome.word(), report.run_id.as_str());
    notifications.send(&Over { command: "run", exit, outcome, run_id, report, summary: &summary });
}

fn begin(config: &Config, started: Timestamp) -> Result<Writing, Error> {
    check_nesting(&config.dest)?;
    check_start(config)?;
    Writing::begin(&config.dest, Some(&config.remote.organisation), "run", started)
}

/// Runs the engine, and records the end of the run.
fn go(
    config: &Config,
    output: &Output,
    (writing, stop, signals): (Writing, Arc<Stop>, &Signals),
    (command, started): (&str, Timestamp),
) -> Result<(Exit, RunReport), Error> {
    let clock = Instant::now();
    let Writing { mirror, state, run } = writing;
    let status_file = StatusFile::new(&config.dest, &config.notices);
    status_file.begin(mirror.root(), command, &run.id, started)?;
    let requests = Arc::new(Requests::default());
    let options = adoption::options(&state, &config.options)?;
    if options.adopt == Adopt::Whole {
        review(&mirror, &state, &run)?;
    }
    let remote = service_client::remote(&config.remote, config.limit, &state, &requests)?;
    let parts = Parts {
        remote: Arc::clone(&remote),
        state: Arc::clone(&state),
        root: Arc::new(Root::open(&config.dest)?),
        mirror: Some(Arc::clone(&mirror)),
        options,
        progress: Arc::default(),
        stop,
        run: run.clone(),
    };
    let mut finished = execute(parts, &requests, output)?;
    if let Ended::Fatal(fatal) = finished.ended {
        finished.ended = Ended::Fatal(fatal.with_shortage(&config.dest));
    }
    let closing =
        Finalizer { config, mirror: &mirror, state: &state, run: &run, remote: &remote, status_file: &status_file };
    let listed = closing.list(&finished);
    let mut report = reporting::report(config, &run.id, &finished, &requests, started);
    report.duration_seconds = clock.elapsed().as_secs_f64();
    if report.listed_nothing() {
        report.held = state.read(|r| r.totals()).ok().map(|totals| totals.documents);
    }
    let exit = closing.write(&finished, &mut report, listed);
    let exit = closing.copy((&finished, exit), &mut report, (signals, output));
    let place = config.dest.join(STATE_FOLDER).join("runs").join(format!("{}.html", run.id));
    if exit != Exit::Usage {
        reporting::show(output, &report, &place, &finished.ended);
    }
    if let Ended::Fatal(fatal) = &finished.ended {
        ui::print_error(fatal);
    }
    Ok((exit, report))
}

/// Compares the state with a tree that may be newer, before anything is listed.
fn review(mirror: &Arc<Mirror>, state: &Arc<State>, run: &Run) -> Result<(), Error> {
    let (same, others) = sync::review(mirror, state, run.number)?;
    if same + others > 0 {
        tracing::info!(
            "{} replaced with the same bytes; {} missing or {} other bytes, and {} as new",
            number_of(same, "file was", "files were"),
            number_of(others, "is", "are"),
            if others == 1 { "has" } else { "have" },
            if others == 1 { "counts" } else { "count" },
        );
    }
    Ok(())
}
