//! `purge`.

use std::path::Path;

use crate::{
    history::{self, Traces},
    model::DocumentId,
    session::{Error, Exit, Reading, Writing, confirm::ask, open::steadily, output::ended, state_backups},
    state::RunEnd,
    ui,
};

/// Erases a document, after a confirmation.
pub fn purge(dest: &Path, id: &str, confirmed: bool) -> Exit {
    ended(erase(dest, id, confirmed).map(|is_erased| {
        if is_erased {
            ui::print(
                "Erased. Backups of the mirror, logs and the blocks that the file system has freed are out of this program's reach.\n",
            );
            Exit::Complete
        } else {
            ui::print("Nothing was erased.\n");
            Exit::Usage
        }
    }))
}

fn erase(dest: &Path, id: &str, confirmed: bool) -> Result<bool, Error> {
    let unknown = || Error::NoDocument(id.to_owned());
    let document = DocumentId::parse(id).map_err(|_| unknown())?;
    // The mirror is not locked while somebody thinks.
    let traces = steadily(|| Ok(Reading::open(dest)?.state.read(|r| r.traces(&document))?))?.ok_or_else(unknown)?;
    if !confirmed && !confirm(&document, &traces)? {
        return Ok(false);
    }
    let Writing { mirror, state, run } = Writing::open(dest, "purge")?;
    history::purge(&mirror, &state, run.number, &document)?;
    state.write(|w| w.end_run(run.number, &RunEnd { outcome: "complete", ..RunEnd::default() }))?;
    // What can't be kept has been told of; the document is gone all the same.
    let _ = state_backups::keep(&mirror, &state, &run, true);
    Ok(true)
}

fn confirm(document: &DocumentId, traces: &Traces) -> Result<bool, Error> {
    let answer = ask(&ui::purge(document.as_str(), traces), "purge")?;
    Ok(answer.is_some_and(|answer| answer.eq_ignore_ascii_case(document.as_str())))
}
