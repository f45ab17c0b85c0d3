//! The page of a run's report, at the end of the run.

use jiff::tz::TimeZone;

use super::{Error, Exit};
use crate::{
    history,
    mirror::Mirror,
    report::{Failure, Outcome, RunReport},
    state::{Run, State},
    sync::{Ended, Finished},
};

/// Writes the page. Without it nothing is missing but something to look at, which the report says;
/// where the disk is the reason, it would fail for the report as well, and the run has failed.
pub(super) fn write(mirror: &Mirror, state: &State, run: &Run, report: &mut RunReport, finished: &mut Finished) {
    let Err(error) = history::write_page(mirror, state, run, report, &TimeZone::system()) else { return };
    match Error::from(error) {
        Error::Fatal(fatal) if Exit::of(&fatal) == Exit::Disk && !matches!(finished.ended, Ended::Fatal(_)) => {
            report.outcome = Outcome::Failed;
            report.failures.push(Failure::of_nobody(fatal.cause(), fatal.to_string()));
            finished.ended = Ended::Fatal(fatal);
        }
        error => {
            finished.tally.warn(format!("the page of the report could not be written: {error}"));
            report.warnings = finished.tally.warnings();
        }
    }
}
