//! `withheld` and `confirm-removals`.

use std::path::Path;

use jiff::tz::TimeZone;

use super::named::binder;
use crate::{
    catalogue, cli,
    history::{Withheld, WithheldEntry},
    session::{Error, Exit, Reading, Writing, open::retry_on_change, output::ended},
    state::{RunEnd, State},
    ui,
};

const COLUMNS: [&str; 9] =
    ["document_id", "name", "path", "binder_id", "binder", "since", "since_run", "confirmable", "confirmed"];

/// Lists the documents whose removal waits.
pub fn withheld(dest: &Path, given: &cli::Withheld) -> Exit {
    ended(retry_on_change(|| list(dest, given)).and_then(|(withheld, binder)| {
        let next = ui::how_to_confirm(&withheld, dest, binder.as_deref());
        if given.json {
            ui::print_json(&withheld);
        } else if given.csv {
            let mut csv = Vec::new();
            catalogue::table(&mut csv, COLUMNS, withheld.documents.into_iter().map(cells))?;
            ui::print(&String::from_utf8_lossy(&csv));
            ui::print_aside(&next);
        } else {
            ui::print(&(ui::withheld(&withheld, &TimeZone::system()) + &next));
        }
        Ok(Exit::Complete)
    }))
}

fn list(dest: &Path, given: &cli::Withheld) -> Result<(Withheld, Option<String>), Error> {
    let Reading { state, .. } = &Reading::open(dest)?;
    read(state, dest, given.binder.as_deref())
}

/// The withheld documents, and the id of the binder that they are limited to.
fn read(state: &State, dest: &Path, wanted: Option<&str>) -> Result<(Withheld, Option<String>), Error> {
    let id = wanted.map(|wanted| binder(state, dest, wanted)).transpose()?.map(|binder| binder.id);
    Ok((state.read(|r| Withheld::read(r, id.as_deref()))?, id))
}

fn cells(entry: WithheldEntry) -> [String; 9] {
    let since = entry.since.map(|since| since.to_string()).unwrap_or_default();
    [
        entry.document_id,
        entry.name,
        entry.path,
        entry.binder_id,
        entry.binder,
        since,
        entry.since_run.unwrap_or_default(),
        entry.confirmable.to_string(),
        entry.confirmed.to_string(),
    ]
}

/// Confirms the removal of exactly the documents that a hash names.
pub fn confirm_removals(dest: &Path, given: &cli::ConfirmRemovals) -> Exit {
    ended(confirm(dest, given).map(|documents| {
        ui::print(&ui::confirmed(documents, dest));
        Exit::Complete
    }))
}

fn confirm(dest: &Path, given: &cli::ConfirmRemovals) -> Result<u64, Error> {
    // Refuses another set without waiting for the lock, and without a number for a run that does nothing.
    let (withheld, binder) = retry_on_change(|| read(&Reading::open(dest)?.state, dest, given.binder.as_deref()))?;
    check(&withheld, given, dest)?;
    let Writing { mirror: _mirror, state, run } = Writing::open(dest, "confirm-removals")?;
    let confirmed = state.write(|w| {
        let withheld = Withheld::read(&w.reader(), binder.as_deref())?;
        check(&withheld, given, dest)?;
        withheld.confirmable().try_for_each(|one| w.confirm_removal(run.number, &one.document_id))?;
        Ok::<_, Error>(withheld.confirmable().count() as u64)
    });
    let outcome = if confirmed.is_ok() { "complete" } else { "failed" };
    state.write(|w| w.end_run(run.number, &RunEnd { outcome, ..RunEnd::default() }))?;
    confirmed
}

/// Refuses a hash of other documents.
fn check(withheld: &Withheld, given: &cli::ConfirmRemovals, dest: &Path) -> Result<(), Error> {
    if withheld.is_named(&given.hash) {
        return Ok(());
    }
    let binder = given.binder.clone();
    Err(match withheld.hash {
        None => Error::NothingWithheld { dest: dest.to_owned() },
        Some(_) => Error::OtherRemovals { hash: given.hash.clone(), dest: dest.to_owned(), binder },
    })
}
