//! `find`: finds documents by name, path and metadata.

use std::{sync::mpsc, thread};

use jiff::{Timestamp, tz::TimeZone};

use super::{history::print_all, named::binder};
use crate::{
    cli,
    find::{self, Query},
    history::{FoundEntry, run_before},
    session::{
        Error, Exit, Source,
        output::ended,
        source::{Origin, View},
    },
    state::{DocumentKey, State},
    ui,
};

/// Documents that are looked up at once.
const PAGE: usize = 512;

/// What was found, and what else there is.
struct Found {
    keys: Vec<DocumentKey>,
    binder: Option<String>,
    /// The number of removed documents that match, if these weren't asked for.
    removed: usize,
}

/// Finds documents.
pub fn find(source: &Source, given: &cli::Find) -> Exit {
    ended(
        thread::scope(|scope| {
            let (sender, pages) = mpsc::channel();
            scope.spawn(move || print_all(&pages));
            show(source, given, &sender)
        })
        .map(|()| Exit::Complete),
    )
}

fn show(source: &Source, given: &cli::Find, pages: &mpsc::Sender<String>) -> Result<(), Error> {
    let found = source.read(|view| search(source.origin(), view, given))?;
    if found.keys.is_empty() {
        ui::print_note(&ui::nothing_found(found.removed));
    }
    let zone = TimeZone::system();
    let line = |entry: &FoundEntry| if given.json { ui::json_line(entry) } else { ui::found(entry, &zone) };
    let mut keys = found.keys.chunks(PAGE).peekable();
    source.read(|View { state, .. }| {
        while let Some(page) = keys.peek() {
            let text: String = entries(state, page, found.binder.as_deref())?.iter().map(line).collect();
            if pages.send(text).is_err() {
                break;
            }
            keys.next();
        }
        Ok(())
    })
}

fn search(origin: Origin<'_>, View { state, root }: View<'_>, given: &cli::Find) -> Result<Found, Error> {
    let binder =
        given.binder.as_deref().map(|wanted| binder(state, origin, wanted)).transpose()?.map(|binder| binder.id);
    let since = given.changed_since.as_deref().map(|text| {
        let now = Timestamp::now().to_zoned_datetime(TimeZone::system());
        Ok::<_, Error>(run_before(text, &state.read(|r| r.past_runs())?, &now)?)
    });
    let query =
        Query::new(&given.texts).in_binder(binder.as_deref()).of_types(&given.types).changed_after(since.transpose()?);
    let hits = find::search(root, state, &query)?;
    let removed = hits.removed.len();
    Ok(if given.removed {
        Found { keys: hits.removed.into_iter().map(DocumentKey::Removed).collect(), binder, removed: 0 }
    } else {
        Found { keys: hits.present.into_iter().map(DocumentKey::Present).collect(), binder, removed }
    })
}

/// The entries of documents; those that a run removes meanwhile are left out.
fn entries(state: &State, keys: &[DocumentKey], binder: Option<&str>) -> Result<Vec<FoundEntry>, Error> {
    let mut entries = Vec::new();
    for key in keys {
        let found = state.read(|r| r.found(*key))?;
        let meant = found.filter(|found| binder.is_none_or(|binder| binder == found.binder));
        entries.extend(meant.map(|found| FoundEntry::of(&found)));
    }
    Ok(entries)
}
