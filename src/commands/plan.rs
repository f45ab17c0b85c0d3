//! `plan`: what `run` would do. It works on a copy of the state and only reads the tree.

use std::{sync::Arc, time::Instant};

use jiff::Timestamp;

use crate::{
    config::Config,
    mirror::{self, Root},
    remote::Requests,
    report::{FirstRun, Limits, RunReport, UnchangedCost},
    session::{
        Error, Exit, Output, adoption, check_nesting, check_start, execute, open::temporary_folder, reporting,
        service_client, signals::Signals,
    },
    state::State,
    sync::{Ended, Fatal, Finished, Parts, Sampled},
    ui,
};

/// Shows what a run would do.
pub fn plan(config: &Config, output: &Output) -> Exit {
    let started = Timestamp::now();
    go(config, output, started).unwrap_or_else(|error| {
        let report = reporting::failed(&config.remote.organisation.to_string(), started, &error);
        reporting::give_up(&report, output, &error)
    })
}

fn go(config: &Config, output: &Output, started: Timestamp) -> Result<Exit, Error> {
    let clock = Instant::now();
    check_nesting(&config.dest)?;
    let is_mirror = check_start(config)?;
    let scratch = temporary_folder()?;
    let database = mirror::database(&config.dest);
    // A destination that does not exist yet counts as empty.
    let root = if is_mirror { Root::open(&config.dest)? } else { Root::placeholder(&config.dest, scratch.path())? };
    let copy = scratch.path().join("state.db");
    let state = State::scratch(is_mirror.then_some(database.as_path()), &copy)?;
    state.bind(&config.remote.organisation)?;
    let requests = Arc::new(Requests::default());
    let run = state.write(|w| w.begin_run(started, "plan"))?;
    let options = adoption::options(&state, &config.options)?;
    let remote = service_client::remote(&config.remote, config.limit, &state, &requests)?;
    let parts = Parts {
        remote: Arc::clone(&remote),
        state: Arc::new(state),
        root: Arc::new(root),
        mirror: None,
        options,
        progress: Arc::default(),
        stop: Arc::default(),
        run: run.clone(),
    };
    let _signals = Signals::watch(&parts.stop);
    let mut finished = execute(parts, &requests, output)?;
    if let Ended::Fatal(Fatal::State(error)) = finished.ended {
        finished.ended = Ended::Fatal(Fatal::State(error.in_copy(&copy)));
    }
    let mut report = reporting::report(config, &run.id, &finished, &requests, started);
    report.duration_seconds = clock.elapsed().as_secs_f64();
    // What a plan that failed has seen is no estimate.
    let has_ended = matches!(finished.ended, Ended::Through);
    let unchanged = finished.unchanged_requests.filter(|_| has_ended);
    report.night = unchanged.map(|requests| UnchangedCost { requests, rate: remote.rate() });
    if !is_mirror && unchanged.is_some() {
        report.first_run = Some(first_run(&report, &finished, remote.rate(), config));
    }
    let exit = Exit::of_run(&finished);
    if !output.json {
        ui::print(&ui::plan(&finished.planned));
    }
    if exit != Exit::Usage {
        reporting::show_plan(output, &report, &finished.ended);
    }
    if let Ended::Fatal(fatal) = &finished.ended {
        ui::print_error(fatal);
    }
    Ok(exit)
}

/// What the first run will cost: what this plan requested, and a link for each download.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn first_run(report: &RunReport, finished: &Finished, rate: Option<f64>, config: &Config) -> FirstRun {
    let Sampled { sizes, failed, took } = &finished.sampled;
    let opened = sizes.len() as u64 + failed;
    let asked = report.requests.token + report.requests.api;
    let listing = asked.saturating_sub(report.requests.retried + opened);
    let downloads = report.documents.added + report.documents.adopted + report.documents.updated;
    let run = FirstRun::new(downloads, listing + downloads, rate);
    if config.options.sample == 0 {
        return run;
    }
    let each = took.as_secs_f64() / sizes.len().max(1) as f64;
    let bandwidth = config.options.bandwidth.map(std::num::NonZeroU64::get);
    run.sampled(sizes, *failed, each, Limits { concurrency: config.options.concurrency, bandwidth })
}
