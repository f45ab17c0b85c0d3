//! How `export` writes a workbook: where its links lead, and what its sheet of changes has.

use std::path::Path;

use jiff::{Span, Timestamp, tz::TimeZone};

use crate::{
    catalogue::{RecentChanges, Sheets, WorkbookOptions},
    cli::{self, ExportSheets},
    config::Settings,
    history::{Between, differences, run_before},
    model::LinkBase,
    paths::relative,
    session::Error,
    state::{PastRun, State},
};

/// How far back the sheet of changes goes, in days.
const DAYS: i64 = 30;

/// The options of a workbook of the present, or of the end of run `then`. `wanted` selects the changes.
pub(super) fn options(
    dest: &Path,
    given: &cli::Export,
    settings: &Settings,
    (state, runs, then): (&State, &[PastRun], Option<i64>),
    mut wanted: impl FnMut(&str) -> bool,
) -> Result<WorkbookOptions, Error> {
    let changes = match span(given, runs, then)? {
        Some((between, since)) => {
            let mut found = state.read(|r| differences(r, between))?;
            found.retain(|found| wanted(&found.change.path));
            let documents = found.into_iter().map(|found| (found.change, found.binder_id)).collect();
            Some(RecentChanges { since, documents })
        }
        None => None,
    };
    Ok(WorkbookOptions {
        zone: TimeZone::system(),
        language: settings.report_language.unwrap_or(settings.mail_language),
        sheets: given.sheets.map(|sheets| match sheets {
            ExportSheets::Binder => Sheets::OfBinders,
            ExportSheets::One => Sheets::One,
        }),
        // At another time, another document may have been there.
        links: if then.is_none() { links(dest, given, settings) } else { None },
        changes,
    })
}

/// Where the names of documents lead. Nobody knows from where standard output will be read.
fn links(dest: &Path, given: &cli::Export, settings: &Settings) -> Option<LinkBase> {
    settings.link_base.clone().or_else(|| {
        let file = given.to.as_ref()?;
        let file = file.canonicalize().or_else(|_| std::path::absolute(file)).ok()?;
        Some(LinkBase::of_folder(&relative(file.parent()?, dest)))
    })
}

/// The runs whose ends are compared, and when the first of them ended; `None` if none has ended.
fn span(
    given: &cli::Export,
    runs: &[PastRun],
    then: Option<i64>,
) -> Result<Option<(Between, Option<Timestamp>)>, Error> {
    let now = Timestamp::now().to_zoned_datetime(TimeZone::system());
    let ended = |number: i64| runs.iter().find(|run| run.number == number)?.finished_at;
    let last = || runs.iter().rev().find(|run| run.finished_at.is_some()).map(|run| run.number);
    let Some(until) = then.or_else(last) else { return Ok(None) };
    let after = if let Some(since) = &given.since {
        run_before(since, runs, &now)?
    } else {
        let end = ended(until).and_then(|end| Timestamp::from_second(end).ok()).unwrap_or(now.timestamp());
        let since = end.checked_sub(Span::new().hours(DAYS * 24)).unwrap_or(end);
        // The first mirror changed nothing: it is where changes begin.
        let first = runs.iter().find(|run| run.whole).map_or(0, |run| run.number);
        run_before(&since.to_string(), runs, &now)?.max(first)
    };
    let since = ended(after).and_then(|end| Timestamp::from_second(end).ok());
    Ok(Some((Between { after: after.min(until), until }, since)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(since: Option<&str>) -> cli::Export {
        cli::Export {
            format: None,
            to: None,
            separator: None,
            sheets: None,
            since: since.map(str::to_owned),
            sidecars: None,
            at: None,
            paths: Vec::new(),
        }
    }

    fn run(number: i64, days_ago: i64, whole: bool) -> PastRun {
        let at = Timestamp::now().as_second() - days_ago * 86_400;
        PastRun {
            number,
            id: format!("{number:06}-x"),
            started_at: at,
            finished_at: Some(at),
            outcome: Some("complete".to_owned()),
            command: "run".to_owned(),
            whole,
            changes: None,
        }
    }

    #[test]
    fn changes_of_a_month_are_shown_but_not_the_first_mirror() {
        let old = [run(1, 90, false), run(2, 80, true), run(3, 31, true), run(4, 2, true), run(5, 1, true)];
        let young = [run(1, 9, false), run(2, 8, true), run(3, 1, true)];
        for (runs, since, then, expected) in [
            (&old[..], None, None, Some((3, 5))),
            (&old, None, Some(3), Some((2, 3))),
            (&old, Some("85d"), None, Some((1, 5))),
            (&old, Some("100d"), None, Some((0, 5))),
            (&young, None, None, Some((2, 3))),
            (&young, Some("9d"), Some(1), Some((1, 1))),
            (&[], None, None, None),
        ] {
            let found = span(&given(since), runs, then).unwrap().map(|(between, _)| (between.after, between.until));
            assert_eq!(found, expected, "{since:?} {then:?}");
        }
    }
}
