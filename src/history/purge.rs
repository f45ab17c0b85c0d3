//! Erasing a document on request: from the tree, from `objects/`, from the history, and from
//! every file of the state that speaks of it.
//!
//! It is written down before anything is deleted, with the id, and each step can be done twice: an
//! erasure that was cut off is gone on with by whatever command changes the mirror next. At its end the
//! id is forgotten as well; what stays is a fingerprint, so that a document which the service still
//! lists does not come back.

use crate::{
    history::{
        Error,
        manifest::{SUFFIX, forget_document},
        redact::{self, Needles},
    },
    mirror::{self, ErrorKind, Mirror},
    model::DocumentId,
    page,
    state::{Known, Purge, State, Traces},
};

/// Reports that are replaced by each run.
const LAST: [&str; 3] = ["last-run.json", "last-run.html", "last-verify.json"];

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

/// Whether a file lies at a document's path that is not the document's: none of its bytes. What is
/// missing was erased before a kill; a link or a folder is left alone anyway.
fn is_anothers(mirror: &Mirror, known: &Known, traces: &Traces) -> Result<bool, Error> {
    match mirror.outgoing(&known.path) {
        Ok(Some(file)) => Ok(file.sha256 != known.sha256 && !traces.contents.contains(&file.sha256)),
        Ok(None) | Err(mirror::Error::InTheWay { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Goes on with every erasure that was cut off. One whose file can't be deleted now waits for the
/// next command, and holds nobody up.
pub fn finish_purges(mirror: &Mirror, state: &State) -> Result<(), Error> {
    for purge in state.read(|r| r.purges())? {
        match finish(mirror, state, &purge) {
            Ok(()) => tracing::info!("finished an erasure that was cut off"),
            Err(Error::Mirror(error)) if error.kind() == ErrorKind::Document => {
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
    state.write(|w| w.forget_document(purge))?;
    // The id goes last: until then a kill leaves something to go on with.
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

/// Copies of the state speak of the document, and so does a state that was moved aside. The next copy
/// is made of one that doesn't.
fn drop_older_states(mirror: &Mirror) -> Result<(), Error> {
    let copies = mirror.state_files("copies")?.into_iter().map(|name| format!("copies/{name}"));
    let aside = mirror.state_files(".")?.into_iter().filter(|name| name.starts_with("state.db.damaged-"));
    copies.chain(aside).try_for_each(|name| tolerate(&name, mirror.remove_state_file(&name)))
}

/// Something that nobody of this program put among the state's files says nothing, and stays.
fn tolerate(name: &str, result: Result<(), mirror::Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::Document => {
            tracing::warn!("{name} is not a file of the state, and stays: {error}");
            Ok(())
        }
        other => Ok(other?),
    }
}

fn erase_words(mirror: &Mirror, purge: &Purge, traces: &Traces) -> Result<(), Error> {
    let exact = traces.paths.iter().chain(&traces.versions).map(String::as_str);
    let needles = Needles::new(exact.chain([purge.document.as_str()]), traces.names.iter().map(String::as_str));
    let runs = mirror.state_files("runs")?.into_iter().map(|name| format!("runs/{name}"));
    for name in runs.chain(LAST.map(str::to_owned)) {
        if name.ends_with(SUFFIX) {
            forget_document(mirror, &name, &purge.document)?;
            continue;
        }
        let erase: fn(&str, &Needles) -> Option<String> = match name.rsplit_once('.') {
            Some((_, "json")) => redact::report,
            Some((_, "html")) => |text, needles| page::without(text, needles.iter()),
            _ => continue,
        };
        if let Some(bytes) = mirror.read_state_file(&name).ok().flatten()
            && let Some(rest) = erase(&String::from_utf8_lossy(&bytes), &needles)
        {
            mirror.write_state_file(&name, rest.as_bytes())?;
        }
    }
    Ok(())
}
