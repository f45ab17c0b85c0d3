//! `snapshots`, `ls` and `history`.

use std::{path::PathBuf, sync::mpsc, thread};

use jiff::{Timestamp, tz::TimeZone};

use super::named::documents;
use crate::{
    cli,
    history::{
        DocumentHistory, ListedFolder, ListingEntry, Search, Selection, Snapshot, Tree, clock, complete_before, is_now,
        run_at,
    },
    session::{
        Error, Exit, Source, output,
        source::{Origin, View},
    },
    state::{PastDocument, PastRun, State},
    ui,
};

/// Lists the runs.
pub fn snapshots(source: &Source, given: &cli::Snapshots) -> Exit {
    done(source.read(|view| runs(view, given)))
}

fn runs(View { state, .. }: View<'_>, given: &cli::Snapshots) -> Result<(), Error> {
    let runs: Vec<Snapshot> = state.read(|r| r.past_runs())?.iter().map(Snapshot::of).collect();
    if given.json {
        json_lines(&runs);
    } else {
        ui::print(&ui::snapshots(&runs, given.all, &TimeZone::system()));
    }
    Ok(())
}

/// Lists what was mirrored at a time.
pub fn ls(source: &Source, given: &cli::Ls) -> Exit {
    done(thread::scope(|scope| {
        let (sender, pages) = mpsc::channel();
        scope.spawn(move || print_all(&pages));
        list(source, given, &sender)
    }))
}

/// Prints pages while others are read: a pager could keep the state open for hours. Ends if nobody reads them any more.
pub(super) fn print_all(pages: &mpsc::Receiver<String>) {
    let mut lines = ui::Lines::default();
    while pages.recv().is_ok_and(|page| lines.print(&page)) {}
}

/// Sends the lines, page by page. Fails if a given path has none.
fn list(source: &Source, given: &cli::Ls, pages: &mpsc::Sender<String>) -> Result<(), Error> {
    let mut selection = selection(source.origin(), &given.paths)?.with_globs();
    let mut level = Level { given, zone: TimeZone::system(), folder: None };
    let mut begun = None;
    let mut is_read = true;
    source.read(|View { state, .. }| {
        let tree = match &mut begun {
            Some(tree) => tree,
            None => begun.insert(tree(state, given, &selection)?),
        };
        tree.reopened();
        while let Some(page) = tree.next_page(state)? {
            let wanted: Vec<_> = page.iter().filter(|mirrored| selection.wants(&mirrored.path)).collect();
            let text: String = wanted.into_iter().map(|mirrored| level.lines(mirrored, &selection)).collect();
            is_read = text.is_empty() || pages.send(text).is_ok();
            if !is_read {
                break;
            }
        }
        Ok(())
    })?;
    let is_read = is_read && pages.send(level.end_of_folder()).is_ok();
    if is_read { all_found(&selection, given.at.as_deref()) } else { Ok(()) }
}

/// The lines of what is listed. Without `-R` all documents in a folder become one line.
struct Level<'g> {
    given: &'g cli::Ls,
    zone: TimeZone,
    /// The folder whose documents are being read.
    folder: Option<ListedFolder>,
}

impl Level<'_> {
    fn lines(&mut self, mirrored: &PastDocument, selection: &Selection) -> String {
        let shown = if self.given.recursive { mirrored.path.as_str() } else { selection.shown(&mirrored.path) };
        if shown == mirrored.path.as_str() {
            let entry = ListingEntry::of(mirrored);
            let line = if self.given.json { ui::json_line(&entry) } else { ui::listed(&entry, &self.zone) };
            return self.end_of_folder() + &line;
        }
        let ended = if self.folder.as_ref().is_some_and(|folder| folder.folder == shown) {
            String::new()
        } else {
            self.end_of_folder()
        };
        let begin = || ListedFolder { folder: shown.to_owned(), documents: 0, bytes: 0 };
        let folder = self.folder.get_or_insert_with(begin);
        folder.documents += 1;
        folder.bytes += mirrored.size;
        ended
    }

    fn end_of_folder(&mut self) -> String {
        let line = |folder| if self.given.json { ui::json_line(&folder) } else { ui::listed_folder(&folder) };
        self.folder.take().map(line).unwrap_or_default()
    }
}

fn tree(state: &State, given: &cli::Ls, selection: &Selection) -> Result<Tree, Error> {
    let runs = state.read(|r| r.past_runs())?;
    let run = match given.at.as_deref() {
        Some(text) => Some(then(text, &runs)?),
        // It may be active.
        None => runs.last(),
    };
    let search = if given.json { Search::Unkept } else { Search::Nothing };
    Ok(Tree::new(run.map_or(i64::MAX, |run| run.number), selection, search))
}

/// Shows everything that is known about a document.
pub fn history(source: &Source, given: &cli::History) -> Exit {
    done(source.read(|view| document_history(source.origin(), view, given)))
}

fn document_history(origin: Origin<'_>, view: View<'_>, given: &cli::History) -> Result<(), Error> {
    let state = view.state;
    let runs = state.read(|r| r.past_runs())?;
    let mut histories = Vec::new();
    for id in documents(origin, view, &given.document)? {
        histories.extend(state.read(|r| r.timeline(&id))?.map(|timeline| DocumentHistory::of(&timeline, &runs)));
    }
    if given.json {
        json_lines(&histories);
    } else {
        let zone = TimeZone::system();
        ui::print(&histories.iter().map(|one| ui::document_history(one, &zone)).collect::<Vec<_>>().join("\n"));
    }
    Ok(())
}

/// The run that a time refers to; warns if it was not complete.
pub(crate) fn then<'r>(text: &str, runs: &'r [PastRun]) -> Result<&'r PastRun, Error> {
    let now = Timestamp::now().to_zoned_datetime(TimeZone::system());
    let run = run_at(text, runs, &now)?;
    if !run.whole {
        let before = complete_before(run, runs).map_or_else(
            || "no earlier run was".to_owned(),
            |whole| format!("the last complete one before it is {} ({})", whole.id, ended(whole)),
        );
        tracing::warn!("using run {} ({}), which was not complete; {before}", run.id, ended(run));
    }
    Ok(run)
}

/// When a run ended, for people.
pub(crate) fn ended(run: &PastRun) -> String {
    clock(run.finished_at.unwrap_or(run.started_at), &TimeZone::system())
}

/// The paths given by the user.
pub(crate) fn selection<'o>(origin: impl Into<Origin<'o>>, paths: &[PathBuf]) -> Result<Selection, Error> {
    let folder = std::env::current_dir().map_err(Error::Runtime)?;
    let names: Vec<PathBuf> = match origin.into() {
        Origin::Mirror(dest) => {
            let absolute = folder.join(dest).components().collect();
            std::iter::once(absolute).chain(dest.canonicalize()).collect()
        }
        Origin::Copy(_) => Vec::new(),
    };
    Ok(Selection::new(paths, &names, &folder))
}

/// Fails if a given path matches nothing.
pub(crate) fn all_found(selection: &Selection, at: Option<&str>) -> Result<(), Error> {
    let unmatched = selection.unmatched();
    if unmatched.is_empty() {
        return Ok(());
    }
    let unmatched = unmatched.join(", ");
    let nothing = match at.filter(|at| !is_now(at)) {
        None => format!("nothing is mirrored as {unmatched} now"),
        Some(at) => format!("nothing was mirrored at {at:?} as {unmatched}"),
    };
    let advice = "`ls` shows the paths of a time, `history` where a document was";
    Err(Error::Unknown(format!("{nothing}; {advice}")))
}

fn json_lines(values: &[impl serde::Serialize]) {
    let mut lines = ui::Lines::default();
    for value in values {
        if !lines.print(&ui::json_line(value)) {
            return;
        }
    }
}

fn done(result: Result<(), Error>) -> Exit {
    output::ended(result.map(|()| Exit::Complete))
}
