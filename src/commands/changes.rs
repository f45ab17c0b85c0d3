//! `changes`: what was added, updated, moved and removed.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::named::binder;
use crate::{
    catalogue, cli,
    history::{Between, Difference, differences, run_at, run_before},
    report::ChangeKind,
    session::{
        Error, Exit, Source,
        output::ended,
        source::{Origin, View},
    },
    state::PastRun,
    ui,
};

const COLUMNS: [&str; 6] = ["change", "path", "from", "size", "document_id", "binder_id"];

/// Lists what changed.
pub fn changes(source: &Source, given: &cli::Changes) -> Exit {
    ended(source.read(|view| list(source.origin(), view, given)).map(|text| {
        ui::print(&text);
        Exit::Complete
    }))
}

fn list(origin: Origin<'_>, View { state, .. }: View<'_>, given: &cli::Changes) -> Result<String, Error> {
    let runs = state.read(|r| r.past_runs())?;
    let between = between(given, &runs)?;
    let binder =
        given.binder.as_deref().map(|wanted| binder(state, origin, wanted)).transpose()?.map(|binder| binder.id);
    let mut found = state.read(|r| differences(r, between))?;
    found.retain(|difference| binder.as_ref().is_none_or(|binder| *binder == difference.binder_id));
    if given.json {
        return Ok(found.iter().map(ui::json_line).collect());
    }
    if given.csv {
        let mut csv = Vec::new();
        catalogue::table(&mut csv, COLUMNS, found.into_iter().map(cells))?;
        return Ok(String::from_utf8_lossy(&csv).into_owned());
    }
    let mut counts = BTreeMap::new();
    for difference in &found {
        *counts.entry(difference.change.kind).or_insert(0) += 1;
    }
    Ok(found.iter().map(line).collect::<String>() + &total(&counts, between, &runs))
}

fn cells(Difference { change, binder_id }: Difference) -> [String; 6] {
    let from = change.from.unwrap_or_default();
    [change.kind.word().to_owned(), change.path, from, change.size.to_string(), change.document_id, binder_id]
}

fn line(difference: &Difference) -> String {
    ui::change(&difference.change)
}

fn total(counts: &BTreeMap<ChangeKind, u64>, between: Between, runs: &[PastRun]) -> String {
    let id = |number: i64| runs.iter().find(|run| run.number == number).map(|run| run.id.as_str());
    ui::change_total(counts, id(between.after), id(between.until))
}

/// The runs whose ends are compared.
fn between(given: &cli::Changes, runs: &[PastRun]) -> Result<Between, Error> {
    let now = Timestamp::now().to_zoned_datetime(TimeZone::system());
    if let Some(run) = &given.run {
        let run = run_at(run, runs, &now)?.number;
        return Ok(Between { after: run - 1, until: run });
    }
    let until = run_at(given.until.as_deref().unwrap_or("now"), runs, &now)?.number;
    let after = given.since.as_deref().map_or(Ok(until - 1), |since| run_before(since, runs, &now))?;
    Ok(Between { after: after.min(until), until })
}
