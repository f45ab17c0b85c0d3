//! `binders forget`.

use std::path::Path;

use super::named::binder;
use crate::{
    config::Notices,
    model::BinderId,
    report::format::number_of,
    session::{
        Error, Exit, Reading, Writing, confirm::ask, output::ended, site, state_backups, status_file::StatusFile,
    },
    state::{BinderSummary, RunEnd},
    sync, ui,
};

/// Which binder to forget, and under which conditions.
#[derive(Debug, Clone, Copy)]
pub struct Forget<'f> {
    /// The folder of the mirror.
    pub dest: &'f Path,
    /// The binder's id or name.
    pub wanted: &'f str,
    /// Whether it may be a binder that iBinder still lists.
    pub force: bool,
    /// Whether to skip the confirmation.
    pub yes: bool,
    /// The copies of the status.
    pub notices: &'f Notices,
}

/// Removed files, and files that could not be removed.
struct Removed {
    removed: u64,
    left: u64,
}

/// Forgets a binder.
pub fn forget(request: &Forget<'_>) -> Exit {
    ended(remove_confirmed(request).map(|removed| {
        let Some(Removed { removed, left }) = removed else {
            ui::print("Nothing was removed.\n");
            return Exit::Usage;
        };
        ui::print(&format!(
            "{} removed from the tree; the bytes are kept in {}/.ibinder-sync/objects.\n",
            number_of(removed, "file was", "files were"),
            request.dest.display()
        ));
        if left == 0 {
            return Exit::Complete;
        }
        ui::print(&format!(
            "{} could not be removed; see the messages above, then run this again.\n",
            number_of(left, "file", "files")
        ));
        Exit::Partial
    }))
}

fn remove_confirmed(request: &Forget<'_>) -> Result<Option<Removed>, Error> {
    // Does not hold the lock while waiting for the answer.
    let found = {
        let reading = Reading::open(request.dest)?;
        binder(&reading.state, request.dest, request.wanted)?
    };
    allow(&found, request)?;
    if found.documents > 0 && !request.yes {
        let question = ui::forget(&found.name, &found.id, found.documents, found.bytes);
        if !ask(&question, "binders forget")?.is_some_and(|answer| answer.eq_ignore_ascii_case("yes")) {
            return Ok(None);
        }
    }
    remove(request, &found).map(Some)
}

/// The next run would only bring back a binder that iBinder lists, with a gap until then.
fn allow(binder: &BinderSummary, request: &Forget<'_>) -> Result<(), Error> {
    if binder.lost.is_some() || request.force {
        return Ok(());
    }
    Err(Error::Binder(format!(
        "the last run could read binder {:?} ({}), so nothing was removed; leave it out with --exclude-binder, or remove \
         its {} all the same with --force",
        binder.name,
        binder.id,
        number_of(binder.documents, "document", "documents")
    )))
}

fn remove(request: &Forget<'_>, summary: &BinderSummary) -> Result<Removed, Error> {
    let Writing { mirror, state, run } = Writing::open(request.dest, "forget")?;
    let binder = binder(&state, request.dest, &summary.id)?;
    allow(&binder, request)?;
    let end =
        |outcome, changes| state.write(|w| w.end_run(run.number, &RunEnd { outcome, changes, ..RunEnd::default() }));
    // The confirmation was for a number of documents, not for more.
    if !request.yes && binder.documents > summary.documents {
        end("failed", None)?;
        return Err(Error::Binder(format!(
            "binder {:?} ({}) has more documents now than when you confirmed; nothing was removed, please try again",
            binder.name, binder.id
        )));
    }
    let id = BinderId::parse(&binder.id).map_err(|e| Error::Binder(e.to_string()))?;
    let removed = sync::forget(&mirror, &state, run.number, &id)?;
    site::forget(&mirror, &state);
    let changes = format!(r#"{{"removed":{removed}}}"#);
    end("complete", Some(&changes))?;
    // Files that can't be kept were reported; the binder is forgotten anyway.
    let _ = state_backups::keep(&mirror, &state, &run, removed > 0);
    let left = state.read(|r| r.documents_in(&id))?;
    let missed = if binder.lost.is_some() { 0 } else { removed };
    StatusFile::new(request.dest, request.notices).recount(mirror.root(), (&state, &run), missed);
    Ok(Removed { removed, left })
}
