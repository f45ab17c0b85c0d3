//! Writes the HTML page of a run's report, beside the report.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    history::{Error, run_summary::StoredRun},
    mirror::Mirror,
    page::{self, ChartPoint, PageLocation, ReportPage},
    report::{ChangeKind, ChangeLog, ChangedDocument, Language, Outcome, RunReport},
    state::{self, DocumentChange, PastRun, Run, State},
};

/// Number of runs in the charts.
const SHOWN: usize = 30;

/// Commands that are runs.
const RUNS: [&str; 2] = ["run", "adopt"];

/// What a run changed in the tree. Must be called right after the run.
pub fn changes(state: &State, run: &Run) -> Result<ChangeLog, Error> {
    let mut changes = ChangeLog::default();
    state.read(|r| {
        // A run that changed nothing needs no pass over all documents.
        if r.changed_run()? == Some(run.number) {
            r.changes_of(run.number, |changed| changes.add(document(changed)))?;
        }
        Ok::<_, state::Error>(())
    })?;
    Ok(changes)
}

/// Writes the page of a run that is about to end: under its own name and as `last-run.html`.
pub fn write_page(mirror: &Mirror, state: &State, report: &RunReport, language: Language) -> Result<(), Error> {
    let own = format!("runs/{}.html", report.run_id);
    let page = Page::of(mirror, state, report)?;
    mirror.write_state_file(&own, page.render((language, None), PageLocation::Runs).as_bytes())?;
    Ok(mirror.write_state_file("last-run.html", page.render((language, None), PageLocation::State).as_bytes())?)
}

/// What the page of a run shows, with the earlier runs from the state.
pub(crate) struct Page<'r> {
    report: &'r RunReport,
    runs: Vec<ChartPoint>,
    binders: BTreeMap<String, String>,
}

impl<'r> Page<'r> {
    pub(crate) fn of(mirror: &Mirror, state: &State, report: &'r RunReport) -> Result<Self, Error> {
        let pages = mirror.state_files("runs")?;
        let has_page = |id: &str| pages.binary_search(&format!("{id}.html")).is_ok();
        let (runs, binders) = state.read(|r| -> Result<_, state::Error> {
            let binders: BTreeMap<String, String> =
                r.binders()?.into_iter().map(|binder| (binder.id.to_string(), binder.name)).collect();
            Ok((points(&r.past_runs()?, report, has_page), binders))
        })?;
        Ok(Self { report, runs, binders })
    }

    /// The page of a run that could not begin.
    pub(crate) fn of_failure(report: &'r RunReport) -> Self {
        Self { report, runs: Vec::new(), binders: BTreeMap::new() }
    }

    /// The page in a language, with the organisation's name if it is known.
    pub(crate) fn render(
        &self,
        (language, organisation): (Language, Option<&str>),
        location: PageLocation<'_>,
    ) -> String {
        let (report, runs, binders, zone) = (self.report, &self.runs[..], &self.binders, &TimeZone::system());
        page::render(&ReportPage { report, runs, binders, zone, language, organisation }, location)
    }
}

fn document(changed: state::Changed) -> ChangedDocument {
    ChangedDocument {
        kind: match changed.change {
            DocumentChange::Added => ChangeKind::Added,
            DocumentChange::Updated => ChangeKind::Updated,
            DocumentChange::Moved => ChangeKind::Moved,
            DocumentChange::Removed => ChangeKind::Removed,
        },
        document_id: changed.document,
        path: changed.path,
        from: changed.before,
        size: changed.size,
    }
}

/// The last runs, followed by this one.
fn points(past: &[PastRun], report: &RunReport, has_page: impl Fn(&str) -> bool) -> Vec<ChartPoint> {
    let this = past.iter().position(|past| past.id == report.run_id).unwrap_or(past.len());
    let before = past[..this].iter().filter(|past| RUNS.contains(&past.command.as_str()));
    let mut points: Vec<ChartPoint> =
        before.rev().take(SHOWN - 1).map(|past| point(past, has_page(&past.id))).collect();
    points.reverse();
    points.push(ChartPoint {
        id: report.run_id.clone(),
        started_at: report.started_at,
        outcome: Some(report.outcome),
        changed: Some(report.documents.changed()),
        failed: Some(report.documents.failed),
        bytes: Some(report.bytes.downloaded),
        seconds: Some(report.duration_seconds),
        page: true,
    });
    points
}

fn point(past: &PastRun, page: bool) -> ChartPoint {
    let noted: Option<StoredRun> = past.changes.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let took = past.finished_at.and_then(|end| u32::try_from(end.saturating_sub(past.started_at)).ok());
    ChartPoint {
        id: past.id.clone(),
        started_at: Timestamp::from_second(past.started_at).unwrap_or_default(),
        outcome: past.outcome.as_deref().and_then(Outcome::of_word),
        changed: noted.map(|noted| noted.changed()),
        failed: noted.and_then(|noted| noted.failed),
        bytes: noted.and_then(|noted| noted.downloaded),
        seconds: noted.and_then(|noted| noted.seconds).or(took.map(f64::from)),
        page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::note;

    #[test]
    fn the_last_runs_are_shown_in_order() {
        let mut report = RunReport::sample(Outcome::Partial);
        let noted = note(&report);
        let past = |number: i64, command: &str, outcome: Option<&str>| PastRun {
            number,
            id: format!("{number:06}-x"),
            started_at: number * 100,
            finished_at: outcome.map(|_| number * 100 + 7),
            outcome: outcome.map(str::to_owned),
            command: command.to_owned(),
            whole: false,
            changes: (number > 38 && outcome.is_some()).then(|| noted.clone()).flatten(),
        };
        let mut runs: Vec<PastRun> = (1..=40).map(|n| past(n, "run", Some("complete"))).collect();
        runs.push(past(41, "purge", Some("complete")));
        runs.push(past(42, "adopt", None));
        runs.push(past(43, "run", None));
        report.run_id = "000043-x".to_owned();
        let points = points(&runs, &report, |id| id == "000040-x");
        assert_eq!(points.len(), SHOWN);
        let numbers: Vec<&str> = points.iter().rev().take(4).map(|p| &p.id[4..6]).collect();
        assert_eq!(numbers, ["43", "42", "40", "39"]);
        assert_eq!((points[28].outcome, points[28].seconds), (None, None));
        assert_eq!(points[29].outcome, Some(Outcome::Partial));
        // Stored numbers are used; without them the duration is calculated from start and end.
        assert_eq!(points[27].bytes, Some(report.bytes.downloaded));
        assert_eq!((points[27].changed, points[27].seconds), (points[29].changed, Some(report.duration_seconds)));
        assert_eq!((points[25].changed, points[25].bytes, points[25].seconds), (None, None, Some(7.0)));
        assert!(points[27].page && !points[26].page);
    }
}
