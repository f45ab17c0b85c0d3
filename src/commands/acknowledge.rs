//! `acknowledge`.

use std::path::Path;

use crate::{
    config::Notices,
    mirror::OnDisk,
    model::{DocumentId, RelPath, VersionId},
    session::{Error, Exit, Reading, Writing, open::retry_on_change, output::ended, status_file::StatusFile},
    state::RunEnd,
    ui,
};

/// Accepts that one document is missing in the version that failed.
pub fn acknowledge(dest: &Path, id: &str, notices: &Notices) -> Exit {
    ended(accept(dest, id, notices).map(|version| {
            ui::print(&format!(
                "Acknowledged: runs no longer fail because version {version} of the document is unavailable. They still try and count it; a new version ends the acknowledgement.\n"
            ));
            Exit::Complete
    }))
}

fn accept(dest: &Path, id: &str, notices: &Notices) -> Result<VersionId, Error> {
    let (document, version) = retry_on_change(|| missing(&Reading::open(dest)?, id))?;
    let Writing { mirror, state, run } = Writing::open(dest, "acknowledge")?;
    state.write(|w| {
        w.acknowledge(run.number, &document, &version)?;
        w.end_run(run.number, &RunEnd { outcome: "complete", ..RunEnd::default() })
    })?;
    StatusFile::new(dest, notices).recount(mirror.root(), (&state, &run), 0);
    Ok(version)
}

/// The version of a document that the last runs failed to mirror.
fn missing(reading: &Reading, id: &str) -> Result<(DocumentId, VersionId), Error> {
    let nothing = || Error::NothingMissing(id.to_owned());
    let document = DocumentId::parse(id).map_err(|_| nothing())?;
    let (failures, known) = reading.state.read(|r| Ok::<_, Error>((r.failures()?, r.document(&document)?)))?;
    let failure = failures
        .into_iter()
        .find(|failure| failure.document_id.as_deref() == Some(document.as_str()))
        .ok_or_else(nothing)?;
    let version = failure.version_id.and_then(|version| VersionId::parse(&version).ok()).ok_or_else(nothing)?;
    let is_there = |path: &RelPath| !matches!(reading.root.look(path), Ok(OnDisk::Missing));
    if known.is_some_and(|known| known.version == version && is_there(&known.path)) {
        return Err(nothing());
    }
    Ok((document, version))
}
