//! Erasing a document on request: from the tree, from `objects/`, from the history, and from
//! every file of the state that speaks of it.
//!
//! It is written down before anything is deleted, with the id, and each step can be done twice: an
//! erasure that was cut off is gone on with by whatever command changes the mirror next. At its end the
//! id is forgotten as well; what stays is a fingerprint, so that a document which the service still
//! lists does not come back.

use super::{
    Error,
    erase::{self, Needles},
    manifest::{SUFFIX, forget_document},
};
use crate::{
    mirror::{Kind, Mirror},
    model::DocumentId,
    state::{Purge, State, Traces},
};

/// Reports that are replaced by each run.
const LAST: [&str; 2] = ["last-run.json", "last-verify.json"];

/// Erases a document that the state knows.
pub fn purge(mirror: &Mirror, state: &State, run: i64, document: &DocumentId) -> Result<(), Error> {
    state.write(|w| w.begin_purge(run, document))?;
    let begun = state.read(|r| r.purges())?;
    begun.iter().filter(|purge| purge.document == *document).try_for_each(|purge| finish(mirror, state, purge))
}

/// Goes on with every erasure that was cut off. One whose file can't be deleted now waits for the
/// next command, and holds nobody up.
pub fn finish_purges(mirror: &Mirror, state: &State) -> Result<(), Error> {
    for purge in state.read(|r| r.purges())? {
        match finish(mirror, state, &purge) {
            Ok(()) => tracing::info!("finished an erasure that was cut off"),
            Err(Error::Mirror(error)) if error.kind() == Kind::Document => {
                tracing::warn!("an erasure that was begun can't be finished: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn finish(mirror: &Mirror, state: &State, purge: &Purge) -> Result<(), Error> {
    if let Some(traces) = state.read(|r| r.traces(&purge.document))? {
        erase_bytes(mirror, state, purge, &traces)?;
        erase_words(mirror, purge, &traces)?;
        drop_older_states(mirror)?;
        mirror.barrier()?;
    }
    state.write(|w| w.end_purge(purge))?;
    Ok(state.compact()?)
}

fn erase_bytes(mirror: &Mirror, state: &State, purge: &Purge, traces: &Traces) -> Result<(), Error> {
    if let Some(known) = state.read(|r| r.document(&purge.document))? {
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

/// Copies of the state speak of the document, and so does a state that was moved aside. The next copy
/// is made of one that doesn't.
fn drop_older_states(mirror: &Mirror) -> Result<(), Error> {
    let copies = mirror.state_files("copies")?.into_iter().map(|name| format!("copies/{name}"));
    let aside = mirror.state_files(".")?.into_iter().filter(|name| name.starts_with("state.db.damaged-"));
    copies.chain(aside).try_for_each(|name| Ok(mirror.remove_state_file(&name)?))
}

fn erase_words(mirror: &Mirror, purge: &Purge, traces: &Traces) -> Result<(), Error> {
    let exact = traces.paths.iter().chain(&traces.versions).map(String::as_str);
    let needles = Needles::new(exact.chain([purge.document.as_str()]), traces.names.iter().map(String::as_str));
    let runs = mirror.state_files("runs")?.into_iter().map(|name| format!("runs/{name}"));
    for name in runs.chain(LAST.map(str::to_owned)) {
        if name.ends_with(SUFFIX) {
            forget_document(mirror, &name, &purge.document)?;
        } else if std::path::Path::new(&name).extension().is_some_and(|extension| extension == "json")
            && let Some(bytes) = mirror.read_state_file(&name)?
            && let Some(rest) = erase::report(&String::from_utf8_lossy(&bytes), &needles)
        {
            mirror.write_state_file(&name, rest.as_bytes())?;
        }
    }
    Ok(())
}
