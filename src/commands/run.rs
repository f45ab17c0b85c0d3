//! `run`.

use std::{path::Path, sync::Arc, time::Instant};

use jiff::Timestamp;

use crate::{
    config::{self, Config, Notices},
    mirror::{Mirror, Root},
    model::{OrganisationId, STATE_FOLDER},
    remote::Requests,
    report::RunReport,
    session::{
        Error, Exit, Output, Writing, adoption, check_destination, check_place, execute,
        finalize::Finalizer,
        notifications::{Notifications, RunEnd as Over},
        reporting, service_client,
        signals::Signals,
        status_file::StatusFile,
    },
    state::{Run, State},
    sync::{self, Adopt, Ended, Parts, Stop},
    systemd::Notice,
    ui,
};

/// Brings over what changed.
pub fn run(config: &Config, output: &Output) -> Exit {
    carry_out(config, output, "run", begin)
}

/// Carries a run out, and tells whoever wants to know how it went.
pub(crate) fn carry_out(
    config: &Config,
    output: &Output,
    command: &str,
    begin: fn(&Config, Timestamp) -> Result<Writing, Error>,
) -> Exit {
    let started = Timestamp::now();
    let stop = Arc::<Stop>::default();
    let signals = Signals::watch(&stop);
    let mut aftermath = Notifications::new(&config.notices, &config.dest);
    let ran = begin(config, started).and_then(|writing| {
        aftermath.begun();
        let ran = go(config, output, (writing, stop), (command, started));
        // Only now: a manager kills what takes too long after this.
        output.manager.tell(&[Notice::Stopping]);
        ran
    });
    let (exit, report) = ran.unwrap_or_else(|error| {
        let error = error.with_shortage(&config.dest);
        let report = reporting::failed(&config.remote.organisation.to_string(), started, &error);
        StatusFile::new(&config.dest, &config.notices).run_failed(&report, error.exit());
        (reporting::give_up(&report, output, &error), report)
    });
    signals.over(exit);
    over(&mut aftermath, exit, &report);
    exit
}

/// The end of a run whose settings can't work.
pub fn refused(dest: &Path, organisation: Option<&OrganisationId>, notices: &Notices, error: config::Error) -> Exit {
    let error = Error::Config(error);
    let organisation = organisation.map(ToString::to_string).unwrap_or_default();
    let (exit, report) = (error.exit(), reporting::failed(&organisation, Timestamp::now(), &error));
    ui::complain(&error);
    StatusFile::new(dest, notices).run_failed(&report, exit);
    over(&mut Notifications::new(notices, dest), exit, &report);
    exit
}

fn over(aftermath: &mut Notifications<'_>, exit: Exit, report: &RunReport) {
    let summary = ui::summary(report, None);
    aftermath.ping(exit, &summary);
    let (outcome, run_id) = (report.outcome.word(), report.run_id.as_str());
    aftermath.tell(&Over { command: "run", exit, outcome, run_id, report, summary: &summary });
}

fn begin(config: &Config, started: Timestamp) -> Result<Writing, Error> {
    check_place(&config.dest)?;
    check_destination(&config.dest, config.existing)?;
    Writing::begin(&config.dest, Some(&config.remote.organisation), "run", started)
}

/// Runs the engine, and writes down how that ended.
fn go(
    config: &Config,
    output: &Output,
    (writing, stop): (Writing, Arc<Stop>),
    (command, started): (&str, Timestamp),
) -> Result<(Exit, RunReport), Error> {
    let clock = Instant::now();
    let Writing { mirror, state, run } = writing;
    let standing = StatusFile::new(&config.dest, &config.notices);
    standing.begin(mirror.root(), command, &run.id, started)?;
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
    let closing = Finalizer { config, mirror: &mirror, state: &state, run: &run, remote: &remote, standing: &standing };
    let listed = closing.list(&finished);
    let mut report = reporting::report(config, &run.id, &finished, &requests, started);
    report.duration_seconds = clock.elapsed().as_secs_f64();
    let exit = closing.write(&finished, &mut report, listed);
    let place = config.dest.join(STATE_FOLDER).join("runs").join(format!("{}.html", run.id));
    if exit != Exit::Usage {
        reporting::tell(output, &report, &place);
    }
    if let Ended::Fatal(fatal) = &finished.ended {
        ui::complain(fatal);
    }
    Ok((exit, report))
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
