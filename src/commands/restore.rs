//! `restore`: what was mirrored once, written into another folder.

use std::{path::Path, sync::Arc};

use crate::{
    cli,
    commands::history::{self, all_met, selection, then},
    config::outside_resolved,
    history::{Missing, Restore, Restored},
    mirror::{Root, Target},
    model::{RelPath, VersionId},
    report::Progress,
    session::{Error, Exit, Output, Reading, open::steadily, output::ended, runtime, signals::Signals},
    state::{PastDocument, PastRun, State},
    sync::{Stop, StopCause},
    ui,
};

/// What is to be restored.
enum Wanted {
    /// What a selection means, of the tree at the end of a run. It is gathered first: files take long, and
    /// whoever reads the state holds a run up.
    Tree(PastRun, Vec<PastDocument>),
    /// One version of a document.
    One(Box<PastDocument>),
}

impl Wanted {
    fn count(&self) -> u64 {
        match self {
            Self::Tree(_, files) => files.len() as u64,
            Self::One(_) => 1,
        }
    }
}

/// Restores.
pub fn restore(dest: &Path, given: &cli::Restore, output: &Output) -> Exit {
    ended(go(dest, given, output))
}

fn go(dest: &Path, given: &cli::Restore, output: &Output) -> Result<Exit, Error> {
    let progress = Arc::<Progress>::default();
    let (wanted, root) = steadily(|| {
        let reading = Reading::open(dest)?;
        Ok((wanted(dest, given, &reading.state)?, reading.root))
    })?;
    outside_resolved("--to", &given.to, Some(dest))?;
    Progress::add(&progress.downloads, wanted.count());
    let words = match &wanted {
        Wanted::Tree(run, _) => format!(", as of run {} ({})", run.id, history::ended(run)),
        Wanted::One(_) => String::new(),
    };
    let target = Target::open(&given.to, &root)?;
    let stop = Arc::new(Stop::default());
    let (edited, watched) = (given.edited, Arc::clone(&stop));
    let _screen = ui::Screen::of_files(Arc::clone(&progress), &output.bars, output.quiet, output.json_log);
    let _signals = Signals::watch(&watched);
    let restored = runtime()?.block_on(async {
        let work =
            tokio::task::spawn_blocking(move || write(wanted, &root, &target, &progress, edited, &|| stop.is_set()));
        work.await.map_err(|e| Error::Runtime(e.into()))?
    })?;
    tell(given, output, &restored, &words);
    Ok(exit(&restored, watched.cause()))
}

/// What is meant, counted; nothing is written before it is clear.
fn wanted(dest: &Path, given: &cli::Restore, state: &State) -> Result<Wanted, Error> {
    if let Some(version) = &given.version {
        let found = match VersionId::parse(version) {
            Ok(id) => state.read(|r| r.version(&id))?,
            Err(_) => None,
        };
        let mut one = found.ok_or_else(|| {
            Error::Unknown(format!("no version {version:?} was ever mirrored; `history` shows those of a document"))
        })?;
        // The names of one file's folders say nothing.
        one.path = RelPath::new(one.path.leaf()).map_err(|e| Error::Unknown(e.to_string()))?;
        return Ok(Wanted::One(Box::new(one)));
    }
    let at = given.at.as_deref().unwrap_or_default();
    let runs = state.read(|r| r.past_runs())?;
    let run = then(at, &runs)?.clone();
    let mut selection = selection(dest, &given.paths)?;
    let mut found = Vec::new();
    state.read(|r| {
        r.tree_at(run.number, |mirrored| {
            if selection.wants(&mirrored.path) {
                found.push(mirrored);
            }
            Ok::<_, Error>(true)
        })
    })?;
    all_met(&selection, Some(at))?;
    Ok(Wanted::Tree(run, found))
}

fn write(
    wanted: Wanted,
    root: &Root,
    target: &Target,
    progress: &Progress,
    edited: bool,
    ended: &(dyn Fn() -> bool + Sync),
) -> Result<Restored, Error> {
    let files = match wanted {
        Wanted::One(one) => vec![*one],
        Wanted::Tree(_, files) => files,
    };
    Restore { root, target, progress, edited, ended }.run(|hand_out| {
        files.into_iter().all(hand_out);
        Ok(())
    })
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Told<'r> {
    files: u64,
    bytes: u64,
    edited: u64,
    damaged: u64,
    ended_early: bool,
    missing: &'r [Missing],
}

fn tell(given: &cli::Restore, output: &Output, restored: &Restored, words: &str) {
    if output.json {
        let Restored { files, bytes, edited, damaged, ended, missing } = restored;
        let told =
            Told { files: *files, bytes: *bytes, edited: *edited, damaged: *damaged, ended_early: *ended, missing };
        ui::print_json(&told);
    } else if !output.quiet || !restored.missing.is_empty() {
        ui::print(&ui::restored(restored, &given.to, words));
    }
    if restored.ended {
        tracing::error!("ended before all was restored: {} is incomplete", given.to.display());
    }
}

fn exit(restored: &Restored, cause: Option<StopCause>) -> Exit {
    match (restored.ended, cause) {
        (true, Some(StopCause::Terminate)) => Exit::Terminated,
        (true, _) => Exit::Interrupted,
        (false, _) if restored.damaged > 0 => Exit::Damaged,
        (false, _) if !restored.missing.is_empty() => Exit::Partial,
        (false, _) => Exit::Complete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_decides_the_code() {
        let came = |ended, damaged, cause| exit(&Restored { damaged, ended, ..Restored::default() }, cause).code();
        assert_eq!(came(false, 0, None), 0);
        assert_eq!(came(false, 1, None), 6);
        assert_eq!(came(true, 1, Some(StopCause::Interrupt)), 130);
        assert_eq!(came(true, 0, Some(StopCause::Terminate)), 143);
    }
}
