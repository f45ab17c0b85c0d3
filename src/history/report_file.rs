//! The page of a run outside of the mirror, where people may read it.
//!
//! What it was written with is noted in the mirror, so that `purge` renders it again at once, whichever command finishes
//! the purge and whatever the settings are by then.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    history::{Error, page::Page},
    mirror::Mirror,
    model::LinkBase,
    notify::{self, NotReplaced},
    page::{PageLocation, language_of},
    paths,
    report::{Language, RunReport},
    state::State,
};

/// What is noted about the page.
const NOTE: &str = "report-file.json";

/// Largest page that is read.
const LARGEST: u64 = 16 << 20;

/// Where the page is, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct ReportFile<'r> {
    /// The file, from the root: a purge may begin in another folder.
    pub path: &'r Path,
    /// How its links begin.
    pub links: &'r LinkBase,
    /// Its language.
    pub language: Language,
    /// The organisation's name.
    pub organisation: Option<&'r str>,
}

/// A page that was written.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    path: PathBuf,
    links: LinkBase,
    organisation: Option<String>,
    run_id: String,
}

/// Why the page was not written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// The mirror.
    #[error(transparent)]
    History(#[from] Error),
    /// The file.
    #[error(transparent)]
    File(#[from] NotReplaced),
}

/// Writes the page of a run that ended. The note comes first: a purge must know of the page.
pub fn write_report_file(
    mirror: &Mirror,
    state: &State,
    report: &RunReport,
    file: ReportFile<'_>,
) -> Result<(), Unwritten> {
    let note = Note {
        path: file.path.to_owned(),
        links: file.links.clone(),
        organisation: file.organisation.map(str::to_owned),
        run_id: report.run_id.clone(),
    };
    // Fails only for a path that is not UTF-8.
    let note = serde_json::to_vec(&note).map_err(|e| NotReplaced::Io(file.path.to_owned(), e.into()))?;
    mirror.write_state_file(NOTE, &note).map_err(Error::from)?;
    Ok(write(&Page::of(mirror, state, report)?, file)?)
}

/// Writes the page of a run that could not begin or continue, without the mirror.
pub fn write_failed_report_file(report: &RunReport, file: ReportFile<'_>) -> Result<(), NotReplaced> {
    write(&Page::of_failure(report), file)
}

fn write(page: &Page<'_>, file: ReportFile<'_>) -> Result<(), NotReplaced> {
    let page = page.render((file.language, file.organisation), PageLocation::Outside(file.links));
    notify::replace(file.path, page.as_bytes())
}

/// Renders the page again from its run's report, which no longer names a purged document, or else from the last run's.
/// A file that has become something else stays.
pub(super) fn rewrite(mirror: &Mirror, state: &State, read: impl Fn(&str) -> Option<RunReport>) -> Result<(), Error> {
    let note = mirror.read_state_file(NOTE).ok().flatten();
    let Some(note) = note.and_then(|bytes| serde_json::from_slice::<Note>(&bytes).ok()) else { return Ok(()) };
    let unwritten = |why: &dyn std::fmt::Display| {
        tracing::warn!("{} may still name it, because {why}; delete that file", note.path.display());
    };
    if note.path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(());
    }
    let old = match paths::read(&note.path, LARGEST) {
        Ok(old) => old,
        Err(error) => {
            unwritten(&error);
            return Ok(());
        }
    };
    let Some(report) = read(&format!("runs/{}.json", note.run_id)).or_else(|| read("last-run.json")) else {
        unwritten(&"the report of its run is gone");
        return Ok(());
    };
    if !String::from_utf8_lossy(&old).contains(&report.organisation_id) {
        return Ok(());
    }
    let (links, organisation) = (&note.links, note.organisation.as_deref());
    let file = ReportFile { path: &note.path, links, language: language_of(&old), organisation };
    if let Err(error) = write(&Page::of(mirror, state, &report)?, file) {
        unwritten(&error);
    }
    Ok(())
}
