//! `restore`: writes earlier documents to another folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::named::document;
use crate::{
    cli,
    commands::history::{self, all_found, selection, then},
    config::outside_resolved,
    history::{Missing, Restore, Restored, Search, Selection, Tree},
    mirror::{Root, Target},
    model::{RelPath, VersionId},
    report::Progress,
    session::{Error, Exit, Output, Reading, open::retry_on_change, output::ended, runtime, signals::Signals},
    state::{PastDocument, PastRun, State},
    sync::{Stop, StopCause},
    ui,
};

/// What to restore.
enum Selected {
    /// A selection from the tree at the end of a run. All rows are read first, since writing files takes long and
    /// readers delay a run.
    Tree(PastRun, Vec<PastDocument>),
    /// One version of a document.
    One(Box<PastDocument>),
}

impl Selected {
    fn count(&self) -> u64 {
        match self {
            Self::Tree(_, files) => files.len() as u64,
            Self::One(_) => 1,
        }
    }
}

/// Restores documents into another folder.
pub fn restore(dest: &Path, given: &cli::Restore, output: &Output) -> Exit {
    ended(go(dest, given, output))
}

fn go(dest: &Path, given: &cli::Restore, output: &Output) -> Result<Exit, Error> {
    let progress = Arc::<Progress>::default();
    let (select, root) = retry_on_change(|| {
        let reading = Reading::open(dest)?;
        Ok((select(dest, given, &reading)?, reading.root))
    })?;
    outside_resolved("--to", &given.to, Some(dest))?;
    Progress::add(&progress.new.downloads, select.count());
    let words = match &select {
        Selected::Tree(run, _) => format!(", as of run {} ({})", run.id, history::ended(run)),
        Selected::One(_) => String::new(),
    };
    let target = Target::open(&given.to, &root)?;
    let stop = Arc::new(Stop::default());
    let (edited, watched) = (given.edited, Arc::clone(&stop));
    let _screen = ui::Screen::of_files(Arc::clone(&progress), &output.bars, output.quiet, output.json_log);
    let _signals = Signals::watch(&watched);
    let restored = runtime()?.block_on(async {
        let work =
            tokio::task::spawn_blocking(move || write(select, &root, &target, &progress, edited, &|| stop.is_set()));
        work.await.map_err(|e| Error::Runtime(e.into()))?
    })?;
    show(given, output, &restored, &words);
    Ok(exit(&restored, watched.cause()))
}

/// Finds and counts the documents before anything is written.
fn select(dest: &Path, given: &cli::Restore, reading: &Reading) -> Result<Selected, Error> {
    let state = &reading.state;
    if let Some(version) = &given.version {
        let found = match VersionId::parse(version) {
            Ok(id) => state.read(|r| r.version(&id))?,
            Err(_) => None,
        };
        let mut one = found.ok_or_else(|| {
            Error::Unknown(format!(
                "no version {version:?} was ever mirrored; `history` shows the versions of a document"
            ))
        })?;
        // A single file needs no folders.
        one.path = RelPath::new(one.path.leaf()).map_err(|e| Error::Unknown(e.to_string()))?;
        return Ok(Selected::One(Box::new(one)));
    }
    let at = given.at.as_deref().unwrap_or_default();
    let runs = state.read(|r| r.past_runs())?;
    let run = then(at, &runs)?.clone();
    let (mut selection, mut found) = read_tree(dest, &given.paths, state, &run)?;
    let unmatched = selection.unmatched();
    if !unmatched.is_empty() {
        let mut paths: Vec<PathBuf> = given.paths.clone();
        for path in paths.iter_mut().filter(|path| unmatched.contains(&path.display().to_string())) {
            *path = path_then(dest, reading, path, run.number)?.unwrap_or_else(|| path.clone());
        }
        (selection, found) = read_tree(dest, &paths, state, &run)?;
    }
    all_found(&selection, Some(at))?;
    Ok(Selected::Tree(run, found))
}

fn read_tree(
    dest: &Path,
    paths: &[PathBuf],
    state: &State,
    run: &PastRun,
) -> Result<(Selection, Vec<PastDocument>), Error> {
    let mut selection = selection(dest, paths)?;
    let mut found = Vec::new();
    let mut tree = Tree::new(run.number, &selection, Search::Everything);
    while let Some(page) = tree.next_page(state)? {
        found.extend(page.into_iter().filter(|mirrored| selection.wants(&mirrored.path)));
    }
    Ok((selection, found))
}

/// Where a document, given by its id, name or another path, was at the end of a run; `None` if it was nowhere.
fn path_then(dest: &Path, reading: &Reading, wanted: &Path, run: i64) -> Result<Option<PathBuf>, Error> {
    let id = document(dest, reading, wanted)?;
    let places = reading.state.read(|r| r.places_of(&id))?;
    let then = places.iter().find(|place| place.first_run <= run && place.ended_run.is_none_or(|ended| ended > run));
    Ok(then.map(|place| PathBuf::from(place.path.as_str())))
}

fn write(
    select: Selected,
    root: &Root,
    target: &Target,
    progress: &Progress,
    edited: bool,
    ended: &(dyn Fn() -> bool + Sync),
) -> Result<Restored, Error> {
    let files = match select {
        Selected::One(one) => vec![*one],
        Selected::Tree(_, files) => files,
    };
    Restore { root, target, progress, edited, ended }.run(|hand_out| {
        files.into_iter().all(hand_out);
        Ok(())
    })
}

/// The output of `--json`.
#[derive(serde::Serialize)]
struct JsonOutput<'r> {
    files: u64,
    bytes: u64,
    edited: u64,
    damaged: u64,
    ended_early: bool,
    missing: &'r [Missing],
}

fn show(given: &cli::Restore, output: &Output, restored: &Restored, words: &str) {
    if output.json {
        let Restored { files, bytes, edited, damaged, ended, missing } = restored;
        let told = JsonOutput {
            files: *files,
            bytes: *bytes,
            edited: *edited,
            damaged: *damaged,
            ended_early: *ended,
            missing,
        };
        ui::print_json(&told);
    } else if !output.quiet || !restored.missing.is_empty() {
        ui::print(&ui::restored(restored, &given.to, words));
    }
    if restored.ended {
        tracing::error!("stopped before everything was restored: {} is incomplete", given.to.display());
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
    fn the_result_decides_the_exit_code() {
        let came = |ended, damaged, cause| exit(&Restored { damaged, ended, ..Restored::default() }, cause).code();
        assert_eq!(came(false, 0, None), 0);
        assert_eq!(came(false, 1, None), 6);
        assert_eq!(came(true, 1, Some(StopCause::Interrupt)), 130);
        assert_eq!(came(true, 0, Some(StopCause::Terminate)), 143);
    }
}
