//! Creates and shows the report of a run.

use std::path::Path;

use jiff::Timestamp;

use crate::{
    config::Config,
    process,
    remote::{Endpoint, Requests},
    report::{Answers, Bytes, Failure, Outcome, RunReport, Tally},
    session::{Error, Exit, Output},
    sync::{Ended, Finished},
    ui::{self, Told},
};

pub(crate) fn report(
    config: &Config,
    id: &str,
    finished: &Finished,
    requests: &Requests,
    started: Timestamp,
) -> RunReport {
    let tally: &Tally = &finished.tally;
    let mut failures = tally.failures();
    if let Ended::Fatal(fatal) = &finished.ended {
        failures.push(Failure::of_nobody(fatal.cause(), fatal.to_string()));
    }
    let warnings = tally.warnings();
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
                token: requests.answers(Endpoint::Token).into(),
                api: requests.answers(Endpoint::Api).into(),
                storage: requests.answers(Endpoint::Storage).into(),
            },
        },
        scrub: finished.scrub,
        filters: config.options.filter.shown(),
        night: None,
        first_run: None,
        withheld: tally.withheld(),
        tabs_without_documents: tally.empty_tabs(),
        failures,
        warnings: warnings.iter().map(ToString::to_string).collect(),
        warning_details: warnings,
        changes: None,
        copy: None,
        held: None,
    }
}

/// The report of a run that could not begin.
pub(crate) fn failed(organisation: &str, started: Timestamp, error: &Error) -> RunReport {
    RunReport {
        outcome: Outcome::Failed,
        started_at: started,
        finished_at: Timestamp::now(),
        organisation_id: organisation.to_owned(),
        failures: vec![Failure::of_nobody(error.cause(), error.to_string())],
        ..RunReport::default()
    }
}

/// Shows the report of a run that could not begin.
pub(crate) fn give_up(report: &RunReport, output: &Output, error: &Error) -> Exit {
    let exit = error.exit();
    if output.json && !matches!(exit, Exit::Usage | Exit::Locked) {
        ui::print_json(report);
    }
    ui::print_error(error);
    exit
}

/// Shows the report of a run; `place` is the path of the whole report.
pub(crate) fn show(output: &Output, report: &RunReport, place: &Path, ended: &Ended) {
    say(output, report, || ui::summary(report, Some(place), &told(output, ended)));
}

/// Shows the report of a plan.
pub(crate) fn show_plan(output: &Output, report: &RunReport, ended: &Ended) {
    say(output, report, || ui::planned(report, &told(output, ended)));
}

/// What was printed before the summary. Log lines count where they lead to the same place, such as a terminal or cron's mail.
fn told(output: &Output, ended: &Ended) -> Told {
    let error = if let Ended::Fatal(fatal) = ended { Some(fatal.to_string()) } else { None };
    let failures = process::output_is_one();
    Told { error, failures, warnings: failures && !output.quiet }
}

fn say(output: &Output, report: &RunReport, text: impl FnOnce() -> String) {
    if output.json {
        ui::print_json(report);
    } else if !output.quiet || report.outcome != Outcome::Complete || report.lacks_copy() {
        ui::print(&text());
    }
}
