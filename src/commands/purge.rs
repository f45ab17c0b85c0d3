//! `purge`.

use std::path::Path;

use crate::{
    history::{self, Traces},
    model::DocumentId,
    session::{Error, Exit, Reading, Writing, confirm::ask, open::retry_on_change, output::ended, state_backups},
    state::RunEnd,
    ui,
};

/// Purges a document, after a confirmation.
pub fn purge(dest: &Path, id: &str, confirmed: bool) -> Exit {
    ended(erase(dest, id, confirmed).map(|is_erased| {
        if is_erased {
            ui::print(
                "Purged. Backups of the mirror, logs and freed blocks of the file system may still contain it.\n",
            );
            Exit::Complete
        } else {
            ui::print("Nothing was purged.\n");
            Exit::Usage
        }
    }))
}

fn erase(dest: &Path, id: &str, confirmed: bool) -> Result<bool, Error> {
    let unknown = || Error::NoDocument(id.to_owned());
    let document = DocumentId::parse(id).map_err(|_| unknown())?;
    // Does not hold the lock while waiting for the answer.
    let traces =
        retry_on_change(|| Ok(Reading::open(dest)?.state.read(|r| r.traces(&document))?))?.ok_or_else(unknown)?;
    if !confirmed && !confirm(&document, &traces)? {
        return Ok(false);
    }
    let Writing { mirror, state, run } = Writing::open(dest, "purge")?;
    history::purge(&mirror, &state, run.number, &document)?;
    state.write(|w| w.end_run(run.number, &RunEnd { outcome: "complete", ..RunEnd::default() }))?;
    // Files that can't be kept were reported; the document is purged anyway.
    let _ = state_backups::keep(&mirror, &state, &run, true);
    Ok(true)
}

fn confirm(document: &DocumentId, traces: &Traces) -> Result<bool, Error> {
    let answer = ask(&ui::purge(document.as_str(), traces), "purge")?;
    Ok(answer.is_some_and(|answer| answer.eq_ignore_ascii_case(document.as_str())))
}
