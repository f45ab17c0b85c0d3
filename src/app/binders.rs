//! `binders`.

use std::path::Path;

use jiff::tz::TimeZone;

use super::{Error, Exit, Reading, Writing, copies};
use crate::{history::Binder, model::BinderId, state::End, sync, ui};

/// Lists the binders that the mirror knows.
pub fn list(dest: &Path, json: bool) -> Exit {
    done(table(dest, json).map(|text| ui::print(&text)))
}

fn table(dest: &Path, json: bool) -> Result<String, Error> {
    let Reading { state, .. } = &Reading::open(dest)?;
    let binders: Vec<Binder> = state.read(|r| r.binder_summaries())?.iter().map(Binder::of).collect();
    if json {
        // Numbers, texts and times always serialize.
        return Ok(binders.iter().map(|b| serde_json::to_string(b).unwrap_or_default() + "\n").collect());
    }
    Ok(ui::binders(&binders, &TimeZone::system()))
}

/// Lets a binder go.
pub fn forget(dest: &Path, id: &str) -> Exit {
    match let_go(dest, id) {
        Ok((removed, left)) => {
            ui::print(&format!(
                "{removed} files left the tree; their bytes stay in {}/.ibinder-sync/objects.\n",
                dest.display()
            ));
            if left == 0 {
                return Exit::Complete;
            }
            ui::print(&format!("{left} files could not be removed; the messages above say why. Run it again then.\n"));
            Exit::Partial
        }
        Err(error) => {
            ui::complain(&error);
            error.exit()
        }
    }
}

/// How many files left the tree, and how many are still there.
fn let_go(dest: &Path, id: &str) -> Result<(u64, u64), Error> {
    let Writing { mirror, state, run } = Writing::open(dest, "forget")?;
    let known = state.read(|r| r.binders())?;
    let binder = BinderId::parse(id).ok().filter(|id| known.iter().any(|k| k.id == *id));
    let end = |outcome, changes| state.write(|w| w.end_run(run.number, &End { outcome, changes, ..End::default() }));
    let Some(binder) = binder else {
        end("failed", None)?;
        return Err(Error::Binder(format!(
            "the mirror knows no binder {id:?}; `ibinder-sync binders --dest {}` lists them",
            dest.display()
        )));
    };
    let removed = sync::forget(&mirror, &state, run.number, &binder)?;
    let changes = format!(r#"{{"removed":{removed}}}"#);
    end("complete", Some(&changes))?;
    // What can't be kept has been told of; the binder is let go all the same.
    let _ = copies::keep(&mirror, &state, &run, removed > 0);
    let left = state.read(|r| r.documents_in(&binder))?;
    Ok((removed, left))
}

fn done(result: Result<(), Error>) -> Exit {
    match result {
        Ok(()) => Exit::Complete,
        Err(error) => {
            ui::complain(&error);
            error.exit()
        }
    }
}
