//! Erases a document on request: from the tree, from `objects/`, from the history, and from every file of the state that
//! mentions it.
//!
//! The erasure is recorded with the id before anything is deleted, and every step can be repeated, so an interrupted
//! erasure is continued by the next command that changes the mirror. At its end the id is forgotten, too. Only a
//! fingerprint remains, so that a document which the service still lists doesn't come back.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::Value;

use crate::{
    find,
    history::{
        Error,
        manifest::{SUFFIX, forget_document},
        page::Page,
        redact::{Purged, hide_patterns},
        report_file,
        site::{binders_of, erase_from_catalogue},
    },
    mirror::{self, ErrorKind, Mirror},
    model::DocumentId,
    page::{PageLocation, language_of},
    report::RunReport,
    state::{Known, Purge, State, Traces},
};

/// Erases a document that the state knows.
pub fn purge(mirror: &Mirror, state: &State, run: i64, document: &DocumentId) -> Result<(), Error> {
    if let Some(known) = state.read(|r| r.document(document))?
        && let Some(traces) = state.read(|r| r.traces(document))?
        && is_anothers(mirror, &known, &traces)?
    {
        return Err(Error::NotItsFile(known.path.to_string()));
    }
    state.write(|w| w.begin_purge(run, document))?;
    let begun = state.read(|r| r.purges())?;
    begun.iter().filter(|purge| purge.document == *document).try_for_each(|purge| finish(mirror, state, purge))
}

/// Whether the file at a document's path isn't the document's. A missing file was erased before a kill, and links and
/// folders are left alone anyway.
fn is_anothers(mirror: &Mirror, known: &Known, traces: &Traces) -> Result<bool, Error> {
    match mirror.outgoing(&known.path) {
        Ok(Some(file)) => Ok(file.sha256 != known.sha256 && !traces.contents.contains(&file.sha256)),
        Ok(None) | Err(mirror::Error::InTheWay { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Continues all interrupted erasures. If a file can't be deleted now, its erasure waits for the next command, and the
/// others proceed.
pub fn finish_purges(mirror: &Mirror, state: &State) -> Result<(), Error> {
    for purge in state.read(|r| r.purges())? {
        match finish(mirror, state, &purge) {
            Ok(()) => tracing::info!("finished an interrupted erasure"),
            Err(Error::Mirror(error)) if error.kind() == ErrorKind::Document => {
                tracing::warn!("an interrupted erasure can't be finished: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn finish(mirror: &Mirror, state: &State, purge: &Purge) -> Result<(), Error> {
    let traces = state.read(|r| r.traces(&purge.document))?;
    if let Some(traces) = &traces {
        erase_bytes(mirror, state, purge, traces)?;
        erase_mentions(mirror, state, &Purged::new(&purge.document, traces), &purge.document)?;
        drop_older_states(mirror)?;
        // The next run writes it again.
        remove(mirror, &[find::FILE])?;
        mirror.barrier()?;
    }
    let binders = traces.map(|_| binders_of(state, &purge.document)).transpose()?;
    state.write(|w| w.forget_document(purge))?;
    // Its rows are gone, and it is in no report.
    erase_from_catalogue(mirror, state, binders.as_ref())?;
    // The id is deleted last, so that the erasure can be continued after a kill.
    state.compact()?;
    Ok(state.end_purge(purge)?)
}

fn erase_bytes(mirror: &Mirror, state: &State, purge: &Purge, traces: &Traces) -> Result<(), Error> {
    if let Some(known) = state.read(|r| r.document(&purge.document))?
        && !is_anothers(mirror, &known, traces)?
    {
        mirror.erase(&known.path)?;
    }
    for name in &traces.partials {
        mirror.discard(name)?;
    }
    for content in &traces.contents {
        mirror.drop_object(content)?;
    }
    Ok(())
}

/// Deletes copies of the state and states that were moved aside, because they mention the document. The next copy won't.
fn drop_older_states(mirror: &Mirror) -> Result<(), Error> {
    let copies = mirror.state_files("copies")?.into_iter().map(|name| format!("copies/{name}"));
    let aside = mirror.state_files(".")?.into_iter().filter(|name| name.starts_with("state.db.damaged-"));
    copies.chain(aside).try_for_each(|name| tolerate(&name, mirror.remove_state_file(&name)))
}

/// Ignores failures to delete things that users put among the state's files, since they don't mention the document.
fn tolerate(name: &str, result: Result<(), mirror::Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::Document => {
            tracing::warn!("{name} is not a file of the state and was left alone: {error}");
            Ok(())
        }
        other => Ok(other?),
    }
}

/// Removes the document from manifests, reports and pages.
fn erase_mentions(mirror: &Mirror, state: &State, purged: &Purged<'_>, document: &DocumentId) -> Result<(), Error> {
    let names = mirror.state_files("runs")?;
    for name in names.iter().filter(|name| name.ends_with(SUFFIX)) {
        forget_document(mirror, &format!("runs/{name}"), document)?;
    }
    let number = |id: &&str| id.split_once('-').is_some_and(|(number, _)| number.parse::<u64>().is_ok());
    let stems = names.iter().filter_map(|name| name.strip_suffix(".json").or(name.strip_suffix(".html")));
    // Other files are not the program's.
    let ids: BTreeSet<&str> = stems.filter(number).collect();
    for id in ids {
        erase_in_run(mirror, state, purged, &format!("runs/{id}"), PageLocation::Runs)?;
    }
    erase_in_run(mirror, state, purged, "last-run", PageLocation::State)?;
    report_file::rewrite(mirror, state, |name| RunReport::deserialize(read(mirror, name)?).ok())?;
    edit(mirror, "last-verify.json", |report| purged.remove_from_check(report))?;
    edit(mirror, "status.json", |status| {
        let _ = status.get_mut("last_run").map(hide_patterns);
    })
}

/// Removes the document from a run's report and renders its page again. The page is first, because an interrupted purge
/// looks for reports that still have the document.
fn erase_in_run(
    mirror: &Mirror,
    state: &State,
    purged: &Purged<'_>,
    name: &str,
    location: PageLocation<'_>,
) -> Result<(), Error> {
    let (json, html) = (format!("{name}.json"), format!("{name}.html"));
    let Some(report) = read(mirror, &json) else { return remove(mirror, &[&json, &html]) };
    let mut remaining = report.clone();
    purged.remove_from_run(&mut remaining);
    if remaining == report && !is_named_in(mirror, &html, purged.id) {
        return Ok(());
    }
    let Ok(data) = RunReport::deserialize(&remaining) else { return remove(mirror, &[&json, &html]) };
    if let Some(old) = mirror.read_state_file(&html).ok().flatten() {
        let page = Page::of(mirror, state, &data)?.render((language_of(&old), None), location);
        mirror.write_state_file(&html, page.as_bytes())?;
    }
    write(mirror, &json, &remaining)
}

/// Whether a page contains the document's id. Pages of earlier versions may, if their reports have no list of changes. An
/// id that HTML would escape is assumed to be anywhere.
fn is_named_in(mirror: &Mirror, page: &str, id: &str) -> bool {
    let page = mirror.read_state_file(page).ok().flatten().unwrap_or_default();
    !page.is_empty() && (String::from_utf8_lossy(&page).contains(id) || id.contains(['&', '<', '>', '"', '\'']))
}

fn read(mirror: &Mirror, name: &str) -> Option<Value> {
    serde_json::from_slice(&mirror.read_state_file(name).ok()??).ok()
}

fn write(mirror: &Mirror, name: &str, value: &Value) -> Result<(), Error> {
    // A value always serializes.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    Ok(mirror.write_state_file(name, text.as_bytes())?)
}

fn edit(mirror: &Mirror, name: &str, change: impl FnOnce(&mut Value)) -> Result<(), Error> {
    let Some(value) = read(mirror, name) else { return Ok(()) };
    let mut changed = value.clone();
    change(&mut changed);
    if changed == value { Ok(()) } else { write(mirror, name, &changed) }
}

/// An unreadable report, or a page without a report, may mention any document.
fn remove(mirror: &Mirror, names: &[&str]) -> Result<(), Error> {
    names.iter().try_for_each(|name| tolerate(name, mirror.remove_state_file(name)))
}
