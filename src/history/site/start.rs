//! What `start.js` says about the last run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    place::{Site, SitePlace},
    survey::Surveyed,
};
use crate::{
    report::{Outcome, RunReport},
    site::{BinderTimes, Gap, RunLine, Start},
};

/// What is known about the last run.
pub enum Night<'n> {
    /// It is this one.
    Run {
        /// Its report.
        report: &'n RunReport,
        /// When the last complete run before it ended, in seconds since the epoch.
        complete: Option<i64>,
    },
    /// What the catalogue says already, because no run changed anything.
    AsBefore,
}

impl Site<'_> {
    /// `start.js` without data, for all binders or one.
    pub(super) fn start(
        &self,
        night: &Night<'_>,
        scope: Option<&Surveyed>,
        binders: &[Surveyed],
        before: Option<&Start>,
    ) -> Start {
        let shown = || binders.iter().filter(|binder| scope.is_none_or(|scope| scope.summary.id == binder.summary.id));
        let mut start = Start {
            organisation: self.options.organisation.clone(),
            written: whole_seconds(Timestamp::now()),
            documents: shown().map(|binder| binder.summary.documents).sum(),
            bytes: shown().map(|binder| binder.summary.bytes).sum(),
            folder: self.way(scope),
            scope: scope.map(|scope| scope.summary.id.clone()),
            read: BTreeMap::new(),
            ..Start::default()
        };
        match night {
            Night::Run { report, complete } => {
                start.run = run_line(report);
                let finished = start.run.as_ref().map(|run| run.finished);
                let certified = finished.filter(|_| report.outcome == Outcome::Complete);
                start.certified = certified.or(complete.and_then(time));
                start.gaps = gaps(report, scope, binders);
            }
            Night::AsBefore => {
                if let Some(before) = before {
                    (start.run, start.certified) = (before.run.clone(), before.certified);
                    start.gaps.clone_from(&before.gaps);
                }
            }
        }
        let own = start.run.clone();
        start.read = shown().map(|binder| (binder.summary.id.clone(), times(binder, own.as_ref()))).collect();
        start
    }

    fn way(&self, scope: Option<&Surveyed>) -> String {
        match (&self.place, scope) {
            (SitePlace::Elsewhere { way, .. }, _) => way.clone(),
            (SitePlace::Mirror(_), None) => String::new(),
            (SitePlace::Mirror(_), Some(_)) => "../".to_owned(),
        }
    }
}

fn run_line(report: &RunReport) -> Option<RunLine> {
    let number = report.run_id.split_once('-')?.0.parse().ok()?;
    let outcome = report.outcome.word().to_owned();
    let [started, finished] = [report.started_at, report.finished_at].map(whole_seconds);
    Some(RunLine { number, outcome, started, finished })
}

pub(super) fn whole_seconds(at: Timestamp) -> Timestamp {
    time(at.as_second()).unwrap_or(at)
}

fn time(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// When a binder was last read and certified, and since when it can't be read. The last run's row may have no end yet.
fn times(binder: &Surveyed, last: Option<&RunLine>) -> BinderTimes {
    let ended = |run: i64, at: i64| match last {
        Some(last) if last.number == run => Some(last.finished),
        _ => time(at),
    };
    let number = |id: &str| id.split_once('-').and_then(|(number, _)| number.parse().ok()).unwrap_or(0);
    let summary = &binder.summary;
    (
        binder.listed.and_then(|(run, at)| ended(run, at)),
        summary.certified.as_ref().and_then(|(id, at)| ended(number(id), *at)),
        summary.lost.as_ref().and_then(|(_, at)| time(*at)),
    )
}

/// What is missing or waits, of all binders or of one.
fn gaps(report: &RunReport, scope: Option<&Surveyed>, binders: &[Surveyed]) -> Vec<Gap> {
    let lost = binders.iter().map(|binder| &binder.summary).filter(|summary| summary.lost.is_some());
    let names: Vec<String> = match scope {
        None => lost.map(|summary| summary.name.clone()).collect(),
        Some(scope) => scope.summary.lost.iter().map(|_| scope.summary.name.clone()).collect(),
    };
    let counted = |kind: &str, count: u64| Gap { kind: kind.to_owned(), count, names: Vec::new() };
    let mut found = match scope {
        None => vec![
            counted("failed", report.documents.failed),
            counted("withheld", report.documents.withheld),
            counted("acknowledged", report.documents.acknowledged),
            counted("without_version", report.documents.without_version),
            counted("filtered", report.documents.filtered),
            counted("uncertified", report.binders.uncertified),
            counted("unread", report.binders.failed),
        ],
        Some(scope) => {
            let id = scope.summary.id.as_str();
            let failed = report.failures.iter().filter(|failure| failure.binder_id.as_deref() == Some(id));
            let withheld = report.withheld.iter().filter(|withheld| withheld.binder_id == id);
            vec![counted("failed", failed.count() as u64), counted("withheld", withheld.count() as u64)]
        }
    };
    found.push(Gap { names: names.clone(), ..counted("inaccessible", names.len() as u64) });
    found.retain(|gap| gap.count > 0);
    if report.outcome == Outcome::Interrupted {
        found.push(counted("interrupted", 0));
    }
    found
}
