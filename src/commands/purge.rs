//! `purge`.

use std::path::Path;

use super::named::document;
use crate::{
    history::{self, Traces},
    model::DocumentId,
    session::{
        Error, Exit, Reading, Writing, confirm::ask, copy::known_copies, open::retry_on_change, output::ended,
        state_backups,
    },
    state::RunEnd,
    ui,
};

/// Purges a document, after a confirmation.
pub fn purge(dest: &Path, wanted: &Path, confirmed: bool) -> Exit {
    ended(erase(dest, wanted, confirmed).map(|erased| {
        if let Some(Purged { document, copies }) = erased {
            ui::print(&format!(
                "Purged document {document}. Backups of the mirror, logs and freed blocks of the file system may still contain it.\n"
            ));
            for (place, commit) in copies {
                ui::print(&ui::purged_from_copy(&place, commit));
            }
            Exit::Complete
        } else {
            ui::print("Nothing was purged.\n");
            Exit::Usage
        }
    }))
}

/// A document that was purged, and the copies that still have it, each with its last commit.
struct Purged {
    document: DocumentId,
    copies: Vec<(String, u64)>,
}

/// Returns what was purged.
fn erase(dest: &Path, wanted: &Path, confirmed: bool) -> Result<Option<Purged>, Error> {
    // Does not hold the lock while waiting for the answer.
    let (document, traces) = retry_on_change(|| find(dest, wanted))?;
    if !confirmed && !confirm(&document, &traces)? {
        return Ok(None);
    }
    let Writing { mirror, state, run } = Writing::open(dest, "purge")?;
    history::purge(&mirror, &state, run.number, &document)?;
    state.write(|w| w.end_run(run.number, &RunEnd { outcome: "complete", ..RunEnd::default() }))?;
    // Files that can't be kept were reported; the document is purged anyway.
    let _ = state_backups::keep(&mirror, &state, &run, true);
    Ok(Some(Purged { document, copies: known_copies(&mirror)? }))
}

fn find(dest: &Path, wanted: &Path) -> Result<(DocumentId, Traces), Error> {
    let reading = &Reading::open(dest)?;
    let traces = |id: &DocumentId| reading.state.read(|r| r.traces(id));
    // A document that was never mirrored has an id only.
    let by_id = wanted.to_str().and_then(|text| DocumentId::parse(text).ok());
    if let Some(id) = by_id
        && let Some(found) = traces(&id)?
    {
        return Ok((id, found));
    }
    let id = document(dest, reading, wanted)?;
    let found = traces(&id)?;
    Ok((id, found.unwrap_or_default()))
}

fn confirm(document: &DocumentId, traces: &Traces) -> Result<bool, Error> {
    let answer = ask(&ui::purge(document.as_str(), traces), "purge")?;
    Ok(answer.is_some_and(|answer| answer.eq_ignore_ascii_case(document.as_str())))
}
