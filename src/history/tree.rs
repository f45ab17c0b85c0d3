//! The selected part of the tree at the end of a run, in the order of normalised paths, a page at a time.
//!
//! Nothing is read that isn't selected, and only one page is in memory, with what has moved or ended since. If a run changes
//! the state in between, reading continues behind the last page: whatever that run does has a higher number.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Selection;
use crate::{
    model::{DocumentId, Sha256},
    naming,
    state::{self, PastDocument, Reader, State, TextRange},
};

/// Documents in a page.
const PAGE: usize = 512;

/// For which ended versions the tree is searched for a file with the same bytes, which reads all documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// None.
    Nothing,
    /// Those that aren't in `objects/`.
    Unkept,
    /// All.
    Everything,
}

/// Reads a tree.
#[derive(Debug)]
pub struct Tree {
    run: i64,
    search: Search,
    paths: Vec<TextRange>,
    /// What is still to be read, by normalised paths.
    keys: VecDeque<TextRange>,
    /// What has moved or ended since and comes behind the last page; `None` until it is read.
    others: Option<VecDeque<(String, PastDocument)>>,
}

impl Tree {
    /// The selected part of the tree at the end of a run.
    pub fn new(run: i64, selection: &Selection, search: Search) -> Self {
        let names: Option<Vec<&str>> = selection.is_given().then(|| selection.names().collect());
        let keys = names.as_ref().map(|names| names.iter().map(|name| naming::key(name)).collect());
        let paths = names.map(|names| names.into_iter().map(str::to_owned).collect());
        Self { run, search, paths: ranges(paths), keys: ranges(keys).into(), others: None }
    }

    /// Must be called if the state was opened again.
    pub fn reopened(&mut self) {
        self.others = None;
    }

    /// The next documents; `None` at the end. After an error it can be called again.
    pub fn next_page(&mut self, state: &State) -> Result<Option<Vec<PastDocument>>, state::Error> {
        let Some(range) = self.keys.front() else { return Ok(None) };
        let (read, page) = state.read(|r| -> Result<_, state::Error> {
            let read = if self.others.is_none() { Some(self.read_others(r)?) } else { None };
            Ok((read, r.unmoved(self.run, range, PAGE)?))
        })?;
        let others = self.others.get_or_insert_default();
        if let Some(read) = read {
            *others = read;
        }
        // Behind the last path of a full page.
        let rest = page.get(PAGE - 1).map(|(key, _)| TextRange { from: format!("{key}\0"), to: range.to.clone() });
        let end = rest.as_ref().map_or_else(|| range.to.clone(), |rest| Some(rest.from.clone()));
        let due = others.partition_point(|(key, _)| end.as_ref().is_none_or(|end| key < end));
        let mut merged: Vec<(String, PastDocument)> = others.drain(..due).chain(page).collect();
        merged.sort_by(|one, other| order(one).cmp(&order(other)));
        self.keys.pop_front();
        if let Some(rest) = rest {
            self.keys.push_front(rest);
        }
        Ok(Some(merged.into_iter().map(|(_, document)| document).collect()))
    }

    fn read_others(&self, reader: &Reader<'_>) -> Result<VecDeque<(String, PastDocument)>, state::Error> {
        // Nothing has changed since the last run.
        if reader.last_run()? <= self.run {
            return Ok(VecDeque::new());
        }
        let mut others = Vec::new();
        for range in &self.paths {
            others.extend(reader.moved_or_ended(self.run, range)?);
        }
        self.find_files(reader, &mut others)?;
        let mut others: Vec<(String, PastDocument)> =
            others.into_iter().map(|document| (naming::key(document.path.as_str()), document)).collect();
        others.retain(|(key, _)| self.keys.iter().any(|range| range.contains(key)));
        others.sort_by(|one, other| order(one).cmp(&order(other)));
        Ok(others.into())
    }

    fn find_files(&self, reader: &Reader<'_>, others: &mut [PastDocument]) -> Result<(), state::Error> {
        let is_searched = |document: &&mut PastDocument| {
            document.file.is_none()
                && match self.search {
                    Search::Nothing => false,
                    Search::Unkept => !document.object,
                    Search::Everything => true,
                }
        };
        let mut searched: HashMap<Sha256, Vec<&mut PastDocument>> = HashMap::new();
        for document in others.iter_mut().filter(is_searched) {
            searched.entry(document.sha256).or_default().push(document);
        }
        if searched.is_empty() {
            return Ok(());
        }
        let contents: HashSet<Sha256> = searched.keys().copied().collect();
        for (hash, file) in reader.files_with(&contents)? {
            for document in searched.remove(&hash).into_iter().flatten() {
                document.file = Some(file.clone());
            }
        }
        Ok(())
    }
}

fn order((key, document): &(String, PastDocument)) -> (&str, &str, &DocumentId) {
    (key, document.path.as_str(), &document.document)
}

/// The documents that are or were at the selected paths.
pub fn documents_at(reader: &Reader<'_>, selection: &Selection) -> Result<Vec<DocumentId>, state::Error> {
    let mut ids = Vec::new();
    for name in selection.names() {
        ids.extend(reader.documents_at(name, &naming::key(name))?);
    }
    Ok(ids)
}

/// The ranges of texts that are one of these paths or below it, in order and without overlaps; all texts for `None`.
fn ranges(names: Option<Vec<String>>) -> Vec<TextRange> {
    let everything = || vec![TextRange { from: String::new(), to: None }];
    let Some(names) = names else { return everything() };
    if names.iter().any(String::is_empty) {
        return everything();
    }
    // '0' follows '/', and no path contains a null.
    let range = |name: &str, first: char, end: char| TextRange {
        from: format!("{name}{first}"),
        to: Some(format!("{name}{end}")),
    };
    let mut all: Vec<TextRange> = names.iter().map(|name| range(name, '/', '0')).collect();
    all.extend(names.into_iter().map(|name| TextRange { to: Some(format!("{name}\0")), from: name }));
    all.sort();
    let mut kept: Vec<TextRange> = Vec::new();
    for range in all {
        // Two of them are one in the other or apart.
        if kept.last().is_none_or(|last| !last.contains(&range.from)) {
            kept.push(range);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::{
        model::{BinderId, Intent, Particulars, RelPath, Staged, Stamp, Step, VersionId},
        state::Writer,
    };

    fn selected(given: &[&str]) -> Selection {
        let given: Vec<PathBuf> = given.iter().map(PathBuf::from).collect();
        Selection::new(&given, &[], Path::new("/"))
    }

    fn tree(given: &[&str]) -> Tree {
        Tree::new(1, &selected(given), Search::Nothing)
    }

    #[test]
    fn only_what_is_selected_is_read() {
        let within = |given: &[&str], key: &str| tree(given).keys.iter().filter(|range| range.contains(key)).count();
        for (given, key, times) in [
            (&[][..], "any/thing", 1),
            (&["."], "any/thing", 1),
            (&["A", "."], "b", 1),
            (&["Brf Eken"], "brf eken", 1),
            (&["Brf Eken"], "brf eken/avtal/el.pdf", 1),
            (&["Brf Eken"], "brf eken 2/el.pdf", 0),
            (&["Brf Eken"], "brf eken.pdf", 0),
            (&["Brf Eken"], "brf", 0),
            (&["A\u{30a}/B"], "å/b/c", 1),
            // Nested and repeated ones are read once.
            (&["a", "a/b", "a", "a/b/c.pdf"], "a/b/c.pdf", 1),
            (&["a", "a b"], "a b/c", 1),
            (&["a", "a b"], "a/c", 1),
            (&["/elsewhere"], "elsewhere", 0),
        ] {
            assert_eq!(within(given, key), times, "{given:?} {key:?}");
        }
        // Paths of the past are compared as they are, case and all.
        assert!(tree(&["Brf Eken"]).paths.iter().any(|range| range.contains("Brf Eken/a")));
        assert!(!tree(&["Brf Eken"]).paths.iter().any(|range| range.contains("brf eken/a")));
    }

    /// Documents whose names alternate in case: three pages.
    const MANY: usize = 2 * PAGE + 100;

    fn name(number: usize) -> RelPath {
        let case = if number.is_multiple_of(2) { "Brf/AVTAL" } else { "Brf/avtal" };
        RelPath::new(&format!("{case}/{number:05}.pdf")).unwrap()
    }

    fn document(number: usize) -> DocumentId {
        DocumentId::parse(&format!("document-{number}")).unwrap()
    }

    fn particulars() -> Particulars {
        Particulars {
            binder: BinderId::parse("binder").unwrap(),
            folder: None,
            file_name: "x.pdf".to_owned(),
            version: VersionId::parse("version").unwrap(),
            metadata: None,
        }
    }

    const STAMP: Stamp = Stamp { inode: 1, size: 1, mtime: 1 };

    fn hash() -> Sha256 {
        Sha256::new([1; 32])
    }

    /// A state with these documents, in a run.
    fn state(folder: &Path) -> State {
        let state = State::open(&folder.join("state.db"), false).unwrap();
        run(&state, |w, run| {
            (0..MANY).try_for_each(|number| {
                let staged = Staged { name: String::new(), stamp: STAMP, sha256: hash() };
                let intent = Intent {
                    document: document(number),
                    path: name(number),
                    step: Step::Add { staged },
                    particulars: particulars(),
                };
                w.insert_document(run, &intent, &naming::key(name(number).as_str()), STAMP, hash())
            })
        });
        state
    }

    fn run(state: &State, work: impl FnOnce(&Writer<'_>, i64) -> Result<(), state::Error>) {
        let begun = state.write(|w| w.begin_run(jiff::Timestamp::UNIX_EPOCH, "run")).unwrap();
        state.write(|w| work(w, begun.number)).unwrap();
    }

    /// Moves each seventh document to the other end, and removes each eleventh.
    fn change(w: &Writer<'_>, run: i64) -> Result<(), state::Error> {
        for number in (0..MANY).filter(|number| number.is_multiple_of(7)) {
            let to = RelPath::new(&format!("Brf/avtal/x{:05}.pdf", MANY - number)).unwrap();
            w.move_document(run, &document(number), (&to, to.as_str()), &particulars(), Some(2))?;
        }
        for number in (0..MANY).filter(|number| number.is_multiple_of(11)) {
            w.end_version(run, &document(number), None, None)?;
            w.delete_document(run, &document(number))?;
        }
        Ok(())
    }

    #[test]
    fn a_tree_is_read_in_order_whatever_runs_do_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        let expected: Vec<RelPath> = (0..MANY).map(name).collect();
        let mut tree = tree(&["Brf"]);
        let mut read: Vec<RelPath> = Vec::new();
        let mut pages = 0;
        while let Some(page) = tree.next_page(&state).unwrap() {
            read.extend(page.into_iter().map(|document| document.path));
            pages += 1;
            if pages == 1 {
                run(&state, change);
                tree.reopened();
            }
        }
        assert!(pages > 2, "one range must need several pages");
        assert!(read == expected, "{} of {}", read.len(), expected.len());
        // The same afterwards, and a part.
        let all = |given: &[&str]| -> Vec<RelPath> {
            let mut tree = self::tree(given);
            std::iter::from_fn(|| tree.next_page(&state).unwrap()).flatten().map(|document| document.path).collect()
        };
        assert!(all(&[]) == expected);
        let seventy_sevenths = [name(77), name(154)];
        assert_eq!(all(&seventy_sevenths.each_ref().map(RelPath::as_str)), seventy_sevenths);
        assert_eq!(all(&["Brf/avtal/x00001.pdf"]), []);
    }

    #[test]
    fn files_with_the_bytes_of_ended_versions_are_searched_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        run(&state, change);
        // All have the same bytes, and no object was kept.
        for (search, is_found) in [(Search::Nothing, false), (Search::Unkept, true), (Search::Everything, true)] {
            let mut tree = Tree::new(1, &selected(&[name(22).as_str()]), search);
            let found: Vec<PastDocument> = std::iter::from_fn(|| tree.next_page(&state).unwrap()).flatten().collect();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].file.is_some(), is_found, "{search:?}");
        }
    }
}
