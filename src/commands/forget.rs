//! `binders forget`.

use std::path::Path;

use crate::{
    config::Notices,
    model::BinderId,
    session::{Error, Exit, Reading, Writing, confirm::ask, output::ended, state_backups, status_file::StatusFile},
    state::{BinderSummary, RunEnd},
    sync, ui,
};

/// Which binder to let go, and on what conditions.
#[derive(Debug, Clone, Copy)]
pub struct Forget<'f> {
    /// Where the mirror is.
    pub dest: &'f Path,
    /// The binder's id.
    pub id: &'f str,
    /// Whether a binder may go that iBinder shows.
    pub force: bool,
    /// Whether nobody is asked.
    pub yes: bool,
    /// Where copies of the status go.
    pub notices: &'f Notices,
}

/// What came of it: files that left the tree, and files that are still there.
struct Gone {
    removed: u64,
    left: u64,
}

/// Lets a binder go.
pub fn forget(asked: &Forget<'_>) -> Exit {
    ended(let_go(asked).map(|gone| {
        let Some(Gone { removed, left }) = gone else {
            ui::print("Nothing was removed.\n");
            return Exit::Usage;
        };
        ui::print(&format!(
            "{removed} files left the tree; their bytes stay in {}/.ibinder-sync/objects.\n",
            asked.dest.display()
        ));
        if left == 0 {
            return Exit::Complete;
        }
        ui::print(&format!("{left} files could not be removed; the messages above say why. Run it again then.\n"));
        Exit::Partial
    }))
}

fn let_go(asked: &Forget<'_>) -> Result<Option<Gone>, Error> {
    // The mirror is not locked while somebody thinks.
    let binder = {
        let reading = Reading::open(asked.dest)?;
        let all = reading.state.read(|r| r.binder_summaries())?;
        find(asked, all)?
    };
    allow(&binder, asked)?;
    if binder.documents > 0 && !asked.yes {
        let question = ui::forget(&binder.name, &binder.id, binder.documents, binder.bytes);
        if !ask(&question, "binders forget")?.is_some_and(|answer| answer.eq_ignore_ascii_case("yes")) {
            return Ok(None);
        }
    }
    remove(asked, &binder).map(Some)
}

fn find(asked: &Forget<'_>, all: Vec<BinderSummary>) -> Result<BinderSummary, Error> {
    let id = BinderId::parse(asked.id).ok();
    let known = all.into_iter().find(|binder| id.as_ref().is_some_and(|id| id.as_str() == binder.id));
    known.ok_or_else(|| {
        Error::Binder(format!(
            "the mirror knows no binder {:?}; `ibinder-sync binders --dest {}` lists them",
            asked.id,
            asked.dest.display()
        ))
    })
}

/// A binder that iBinder shows would only come back with the next run, and what people look for would be gone till then.
fn allow(binder: &BinderSummary, asked: &Forget<'_>) -> Result<(), Error> {
    if binder.lost.is_some() || asked.force {
        return Ok(());
    }
    Err(Error::Binder(format!(
        "the last run could read binder {:?} ({}), so nothing was removed; leave it out with --exclude-binder, or remove \
         its {} documents all the same with --force",
        binder.name, binder.id, binder.documents
    )))
}

fn remove(asked: &Forget<'_>, summary: &BinderSummary) -> Result<Gone, Error> {
    let Writing { mirror, state, run } = Writing::open(asked.dest, "forget")?;
    let binder = find(asked, state.read(|r| r.binder_summaries())?)?;
    allow(&binder, asked)?;
    let end =
        |outcome, changes| state.write(|w| w.end_run(run.number, &RunEnd { outcome, changes, ..RunEnd::default() }));
    // What was answered for was so many documents, and not more.
    if !asked.yes && binder.documents > summary.documents {
        end("failed", None)?;
        return Err(Error::Binder(format!(
            "binder {:?} ({}) has more documents now than when you were asked; nothing was removed, ask again",
            binder.name, binder.id
        )));
    }
    let id = BinderId::parse(&binder.id).map_err(|e| Error::Binder(e.to_string()))?;
    let removed = sync::forget(&mirror, &state, run.number, &id)?;
    let changes = format!(r#"{{"removed":{removed}}}"#);
    end("complete", Some(&changes))?;
    // What can't be kept has been told of; the binder is let go all the same.
    let _ = state_backups::keep(&mirror, &state, &run, removed > 0);
    let left = state.read(|r| r.documents_in(&id))?;
    let missed = if binder.lost.is_some() { 0 } else { removed };
    StatusFile::new(asked.dest, asked.notices).recount(mirror.root(), (&state, &run), missed);
    Ok(Gone { removed, left })
}
