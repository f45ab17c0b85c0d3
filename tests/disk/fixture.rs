//! A fixture: a service whose documents change in every way each day, and the expected mirror.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use ibinder_sync::sandbox::Organisation;

use crate::program::Program;

/// The service, its mirror, and every byte that was ever mirrored.
pub(crate) struct Fixture {
    pub(crate) program: Program,
    binder: String,
    day: u32,
    /// Ids of the documents that are revised, moved back and forth, and replaced by another.
    revised: String,
    moved: String,
    passing: String,
    /// The expected tree.
    tree: BTreeMap<String, String>,
    /// The tree before the day's changes.
    before: BTreeMap<String, String>,
    /// Contents that left the tree permanently.
    gone: BTreeSet<String>,
}

impl Fixture {
    /// Mirrored on the first day.
    pub(crate) fn new() -> Self {
        let fixture = Self::unmirrored();
        fixture.begin();
        fixture
    }

    /// The first run.
    pub(crate) fn begin(&self) {
        self.program.run(&[]).expect(0);
        self.assert_mirrors();
    }

    /// The first day, without a mirror.
    pub(crate) fn unmirrored() -> Self {
        let mut o = Organisation::empty();
        let binder = o.add_binder("Eken");
        let mut add = |name: &str| o.add_document(&binder, None, name, name.to_owned()).unwrap();
        let (revised, moved, passing) = (add("revised 0"), add("moved 0"), add("passing 0"));
        add("still");
        let program = Program::new(o);
        let tree = ["revised 0", "moved 0", "passing 0", "still"];
        let tree = tree.map(|name| (format!("Eken/{name}"), name.to_owned())).into_iter().collect();
        let (before, gone) = (BTreeMap::new(), BTreeSet::new());
        Self { program, binder, day: 0, revised, moved, passing, tree, before, gone }
    }

    /// One document gets a new version and name, one moves to a new folder, one is removed, and one is added.
    pub(crate) fn change(&mut self) {
        self.before = self.tree.clone();
        self.day += 1;
        let day = self.day;
        let (revised, moved, passing) = (self.revised.clone(), self.moved.clone(), self.passing.clone());
        let binder = self.binder.clone();
        self.passing = self.program.sandbox.with_organisation(|o| {
            o.revise(&revised, format!("revised {day}")).unwrap();
            let folder = o.add_folder(&binder, None, &format!("Folder {day}")).unwrap();
            o.move_document(&moved, &binder, Some(&folder)).unwrap();
            o.remove_document(&passing).unwrap();
            o.add_document(&binder, Some(&folder), &format!("passing {day}"), format!("passing {day}")).unwrap()
        });
        self.gone.insert(format!("revised {}", day - 1));
        self.gone.insert(format!("passing {}", day - 1));
        self.tree = BTreeMap::from([
            ("Eken/revised 0".to_owned(), format!("revised {day}")),
            (format!("Eken/Folder {day}/moved 0"), "moved 0".to_owned()),
            (format!("Eken/Folder {day}/passing {day}"), format!("passing {day}")),
            ("Eken/still".to_owned(), "still".to_owned()),
        ]);
    }

    /// Deletes the mirror.
    pub(crate) fn forget(&mut self) {
        fs::remove_dir_all(&self.program.dest).unwrap();
        self.gone.clear();
    }

    /// After a run that may have failed: no living document is missing, every file is complete, and replaced bytes are
    /// kept.
    #[track_caller]
    pub(crate) fn assert_nothing_lost(&self, why: &str) {
        let tree = files(&self.program.dest);
        for (path, bytes) in &tree {
            let known = self.before.get(path) == Some(bytes) || self.tree.get(path) == Some(bytes);
            assert!(known, "{why}: {path:?} contains {bytes:?}");
        }
        let texts: BTreeSet<&String> = tree.values().collect();
        let is_there = |text: &String| texts.contains(text);
        let (day, last) = (self.day, self.day.saturating_sub(1));
        assert!(is_there(&"still".to_owned()) && is_there(&"moved 0".to_owned()), "{why}: {tree:?}");
        assert!(is_there(&format!("revised {day}")) || is_there(&format!("revised {last}")), "{why}: {tree:?}");
        let mut held: BTreeSet<String> = files(&self.program.state("objects")).into_values().collect();
        held.extend(files(&self.program.state("tmp")).into_values());
        held.extend(tree.into_values());
        let lost: Vec<&String> = self.gone.iter().filter(|bytes| !held.contains(*bytes)).collect();
        assert!(lost.is_empty(), "{why}: {lost:?} are lost");
    }

    /// After a complete run, whatever damage the state had.
    #[track_caller]
    pub(crate) fn assert_tree(&self) {
        assert_eq!(files(&self.program.dest), self.tree);
    }

    /// After a complete run.
    #[track_caller]
    pub(crate) fn assert_mirrors(&self) {
        self.assert_tree();
        assert_eq!(files(&self.program.state("tmp")), BTreeMap::new());
        let objects: BTreeSet<String> = files(&self.program.state("objects")).into_values().collect();
        assert!(self.gone.is_subset(&objects), "{:?} are not kept", self.gone.difference(&objects));
        assert_no_empty_folder(&self.program.dest);
    }
}

#[track_caller]
fn assert_no_empty_folder(folder: &Path) {
    let mut entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).peekable();
    assert!(entries.peek().is_some(), "{} is empty", folder.display());
    entries.filter(|p| p.is_dir() && !p.ends_with(".ibinder-sync")).for_each(|p| assert_no_empty_folder(&p));
}

/// Every file below a folder, without the state, by its path.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

fn walk(top: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_dir() && !path.ends_with(".ibinder-sync") {
            walk(top, &path, found);
        } else if !kind.is_dir() {
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            found.insert(name, String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned());
        }
    }
}
