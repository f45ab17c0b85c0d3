//! `restore`: writes earlier documents to another folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::named::document;
use crate::{
    cli,
    commands::history::{self, all_found, selection, then},
    config::{Location, outside_resolved},
    history::{ContentSource, Missing, Restore, Restored, Search, Selection, Tree},
    mirror::{Root, Target, is_inside},
    model::{RelPath, VersionId},
    replica::{self, CopyContents, Place},
    report::Progress,
    session::{
        Error, Exit, Output, Source,
        output::ended,
        signals::Signals,
        source::{CopySource, Origin, View},
    },
    state::{PastDocument, PastRun, State},
    sync::{Stop, StopCause},
    ui,
};

/// What to restore.
enum Selected {
    /// A selection from the tree at the end of a run.
    Tree(PastRun, Selection, Files),
    /// One version of a document.
    One(Box<PastDocument>),
}

/// The files of a selection.
#[derive(Default)]
struct Files {
    count: u64,
    /// All of them, if they were to be kept.
    kept: Vec<PastDocument>,
}

/// Whether rows are kept that are read to count them. If not, they are read again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    Kept,
    Counted,
}

impl Selected {
    fn count(&self) -> u64 {
        match self {
            Self::Tree(.., files) => files.count,
            Self::One(_) => 1,
        }
    }

    /// What it is, in words.
    fn then(&self) -> String {
        match self {
            Self::Tree(run, ..) => format!(", as of run {} ({})", run.id, history::ended(run)),
            Self::One(_) => String::new(),
        }
    }

    /// All files, if they were kept.
    fn into_files(self) -> Vec<PastDocument> {
        match self {
            Self::Tree(.., files) => files.kept,
            Self::One(one) => vec![*one],
        }
    }

    /// Reads all files again, until `each` returns false.
    fn each(self, state: &State, mut each: impl FnMut(PastDocument) -> bool) -> Result<(), Error> {
        match self {
            Self::Tree(run, mut selection, _) => each_file(state, &run, &mut selection, each),
            Self::One(one) => {
                each(*one);
                Ok(())
            }
        }
    }
}

/// Restores documents into another folder.
pub fn restore(source: &Source, given: &cli::Restore, output: &Output) -> Exit {
    ended(match source {
        Source::Mirror(dest) => from_mirror(dest, source, given, output),
        Source::Copy(copy) => from_copy(copy, source, given, output),
    })
}

fn from_mirror(dest: &Path, source: &Source, given: &cli::Restore, output: &Output) -> Result<Exit, Error> {
    // All rows are read first, since writing files takes long and readers delay a run.
    let (words, files) = source.read(|view| {
        let selected = select(source.origin(), given, view, Rows::Kept)?;
        Ok((selected.then(), selected.into_files()))
    })?;
    outside_resolved("--to", &given.to, Some(dest))?;
    let root = Root::open(dest)?;
    let target = Target::open(&given.to, &root)?;
    let stop = Arc::new(Stop::default());
    let _signals = Signals::watch(&stop);
    let work = Work { source: &root, target: &target, given, output, count: files.len() as u64 };
    let restored = work.run(&|| stop.is_set(), |hand_out| {
        files.into_iter().all(hand_out);
        Ok(())
    })?;
    show(given, output, &restored, (&words, "verify --repair"));
    Ok(exit(&restored, stop.cause()))
}

/// The state of a copy stays as it is, so that its rows are read on the way.
fn from_copy(copy: &CopySource, source: &Source, given: &cli::Restore, output: &Output) -> Result<Exit, Error> {
    let selected = source.read(|view| select(source.origin(), given, view, Rows::Counted))?;
    let location = copy.store.location();
    outside_resolved("--to", &given.to, None)?;
    refuse_inside(location, &given.to)?;
    let number = copy.commit.file.number;
    let words = format!("{}, from the copy at {location} (commit {number})", selected.then());
    let target = Target::open_or_resume(&given.to, &description(location, &selected, given))?;
    let contents = CopyContents::new(&copy.store);
    let work = Work { source: &contents, target: &target, given, output, count: selected.count() };
    let is_over = || copy.stop.is_set() || contents.is_broken();
    let restored = work.run(&is_over, |hand_out| selected.each(&copy.state, hand_out))?;
    if let Some(error) = contents.into_failure() {
        return Err(replica::Error::from(error).into());
    }
    if !restored.ended && !restored.missing.iter().any(|missing| missing.reason.is_for_now()) {
        target.complete()?;
    }
    show(given, output, &restored, (&words, "replicate --check"));
    Ok(exit(&restored, copy.stop.cause()))
}

/// What a restore writes, which another one must equal to continue it.
fn description(location: &Location, selected: &Selected, given: &cli::Restore) -> String {
    let what = match selected {
        Selected::Tree(run, ..) => format!("run {}", run.id),
        Selected::One(one) => format!("version {}", one.version),
    };
    let mut text = format!("ibinder-sync restore --from {location}: {what}, edited: {}\n", given.edited);
    for path in &given.paths {
        text.push_str(&format!("{}\n", path.display()));
    }
    text
}

/// Refuses a folder inside of the copy.
fn refuse_inside(location: &Location, to: &Path) -> Result<(), Error> {
    let Place::Folder(folder) = &location.place else { return Ok(()) };
    if is_inside(to, &Root::open(folder)?)? {
        return Err(Error::Unknown(format!(
            "{} lies inside the copy at {location}; give a place elsewhere. Nothing was written",
            to.display()
        )));
    }
    Ok(())
}

/// Finds and counts the documents before anything is written.
fn select(origin: Origin<'_>, given: &cli::Restore, view: View<'_>, rows: Rows) -> Result<Selected, Error> {
    let state = view.state;
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
    let (mut selection, mut found) = read_tree((origin, &given.paths), state, &run, rows)?;
    let unmatched = selection.unmatched();
    if !unmatched.is_empty() {
        let mut paths: Vec<PathBuf> = given.paths.clone();
        for path in paths.iter_mut().filter(|path| unmatched.contains(&path.display().to_string())) {
            *path = path_then(origin, view, path, run.number)?.unwrap_or_else(|| path.clone());
        }
        (selection, found) = read_tree((origin, &paths), state, &run, rows)?;
    }
    all_found(&selection, Some(at))?;
    Ok(Selected::Tree(run, selection, found))
}

fn read_tree(
    (origin, paths): (Origin<'_>, &[PathBuf]),
    state: &State,
    run: &PastRun,
    rows: Rows,
) -> Result<(Selection, Files), Error> {
    let (mut selection, mut found) = (selection(origin, paths)?, Files::default());
    each_file(state, run, &mut selection, |file| {
        found.count += 1;
        if rows == Rows::Kept {
            found.kept.push(file);
        }
        true
    })?;
    Ok((selection, found))
}

fn each_file(
    state: &State,
    run: &PastRun,
    selection: &mut Selection,
    mut each: impl FnMut(PastDocument) -> bool,
) -> Result<(), Error> {
    let mut tree = Tree::new(run.number, selection, Search::Everything);
    while let Some(page) = tree.next_page(state)? {
        for file in page {
            if selection.wants(&file.path) && !each(file) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Where a document, given by its id, name or another path, was at the end of a run; `None` if it was nowhere.
fn path_then(origin: Origin<'_>, view: View<'_>, wanted: &Path, run: i64) -> Result<Option<PathBuf>, Error> {
    let id = document(origin, view, wanted)?;
    let places = view.state.read(|r| r.places_of(&id))?;
    let then = places.iter().find(|place| place.first_run <= run && place.ended_run.is_none_or(|ended| ended > run));
    Ok(then.map(|place| PathBuf::from(place.path.as_str())))
}

/// What writes the files.
struct Work<'w> {
    source: &'w dyn ContentSource,
    target: &'w Target,
    given: &'w cli::Restore,
    output: &'w Output,
    count: u64,
}

impl Work<'_> {
    fn run(
        &self,
        ended: &(dyn Fn() -> bool + Sync),
        list: impl FnOnce(&mut dyn FnMut(PastDocument) -> bool) -> Result<(), Error>,
    ) -> Result<Restored, Error> {
        let (progress, output) = (Arc::<Progress>::default(), self.output);
        Progress::add(&progress.new.downloads, self.count);
        let _screen = ui::Screen::of_files(Arc::clone(&progress), &output.bars, output.quiet, output.json_log);
        Restore { source: self.source, target: self.target, progress: &progress, edited: self.given.edited, ended }
            .run(list)
    }
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

fn show(given: &cli::Restore, output: &Output, restored: &Restored, (words, repair): (&str, &str)) {
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
        ui::print(&ui::restored(restored, &given.to, words, repair));
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
