//! Restoring the tree of each earlier run of a changing organisation.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::atomic::{AtomicI64, Ordering},
};

use ibinder_sync::{
    history::{Restore, Restored, Search, Selection, Tree as TreeReader},
    mirror::{ContentLocation, Error, FileWriter, Root, Target, WriteFile as _, WriteOutcome},
    model::{RelPath, Sha256, VersionId},
    report::Progress,
    sandbox::{Generated, Organisation},
    state::{PastDocument, State},
};
use sha2::{Digest as _, Sha256 as Hasher};
use tempfile::TempDir;

use crate::{disk, harness::World};

/// The tree after a run: bytes and times by path.
type Tree = BTreeMap<String, (Vec<u8>, i64)>;

fn tree_of(folder: &Path) -> Tree {
    let mut found = Tree::new();
    disk::walk(folder, folder, &mut |path, name| {
        let metadata = path.metadata().unwrap();
        let mtime = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
        found.insert(name, (fs::read(path).unwrap(), mtime));
    });
    found
}

/// A copy of the state as the commands make one.
fn state(world: &World, folder: &TempDir) -> State {
    let copy = folder.path().join("state.db");
    State::scratch(Some(&world.database()), &copy).unwrap()
}

/// The documents of the tree at the end of a run, in order.
fn documents(state: &State, run: i64) -> Vec<PastDocument> {
    let everything = Selection::new(&[], &[], Path::new("/"));
    let mut tree = TreeReader::new(run, &everything, Search::Everything);
    std::iter::from_fn(|| tree.next_page(state).unwrap()).flatten().collect()
}

/// Restores the tree at the end of a run.
fn restore(world: &World, run: i64, to: &Path, edited: bool) -> Restored {
    let scratch = tempfile::tempdir().unwrap();
    let (state, root) = (state(world, &scratch), Root::open(&world.dest()).unwrap());
    let target = Target::open(to, &root).unwrap();
    let restore = Restore { source: &root, target: &target, progress: &Progress::default(), edited, ended: &|| false };
    restore
        .run(|hand_out| {
            documents(&state, run).into_iter().all(hand_out);
            Ok::<_, Failed>(())
        })
        .unwrap()
}

#[derive(Debug)]
struct Failed;

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        panic!("{error}")
    }
}

/// Path and hash of every document after each run.
#[derive(Default)]
pub(crate) struct Listings(Vec<(i64, Vec<(String, String)>)>);

impl Listings {
    pub(crate) fn keep(&mut self, world: &World) {
        let connection = rusqlite::Connection::open(world.database()).unwrap();
        let mut rows = connection.prepare("SELECT path, lower(hex(sha256)) FROM documents ORDER BY path_key").unwrap();
        let then = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        self.0.push((last_run(world), then));
    }

    /// The listing of each run equals the rows at its time.
    pub(crate) fn assert_known(&self, world: &World) {
        let scratch = tempfile::tempdir().unwrap();
        let state = state(world, &scratch);
        for (run, then) in &self.0 {
            let listed: Vec<(String, String)> =
                documents(&state, *run).iter().map(|m| (m.path.to_string(), m.sha256.hex())).collect();
            assert_eq!(listed, *then, "run {run} is listed otherwise than it was");
        }
    }
}

fn last_run(world: &World) -> i64 {
    world.sql("SELECT max(number) FROM runs")
}

/// Reasons for missing files, by path.
fn lacks(restored: &Restored) -> Vec<(String, String)> {
    restored.missing.iter().map(|m| (m.path.to_string(), m.reason.to_string())).collect()
}

#[test]
fn the_tree_of_every_run_is_restored() {
    let on = |day| Organisation::generated(&Generated { documents: 60, binders: 2, day, ..Generated::default() });
    let world = World::new(on(1));
    let mut trees = Vec::new();
    for day in 1..=6 {
        world.edit(|o| *o = on(day));
        world.mirror();
        trees.push((last_run(&world), tree_of(&world.dest())));
    }
    for (run, then) in &trees {
        let folder = tempfile::tempdir().unwrap();
        let restored = restore(&world, *run, folder.path(), false);
        assert_eq!((restored.missing, restored.damaged, restored.ended), (vec![], 0, false));
        assert_eq!(restored.files, then.len() as u64);
        assert!(tree_of(folder.path()) == *then, "run {run} was not restored as it was");
    }
    // The trees differ, or the test would show nothing.
    assert!(trees.windows(2).all(|pair| pair[0].1 != pair[1].1));
}

/// A binder with three documents, mirrored.
fn small() -> (World, [String; 3]) {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    let ids = ["a", "b", "c"].map(|n| o.add_document(&binder, None, &format!("{n}.txt"), format!("{n}1")).unwrap());
    let world = World::new(o);
    world.mirror();
    (world, ids)
}

#[test]
fn a_document_that_was_removed_and_returned_was_missing_in_between() {
    let (world, [a, b, _]) = small();
    let first = last_run(&world);
    world.edit(|o| {
        o.remove_document(&a).unwrap();
        o.revise(&b, "b2").unwrap();
        o.rename_document(&b, "d.txt").unwrap();
    });
    world.mirror();
    let second = last_run(&world);
    world.edit(|o| o.restore_document(&a)).unwrap();
    world.mirror();
    for (run, expected) in [
        (first, vec![("Brf Eken/a.txt", "a1"), ("Brf Eken/b.txt", "b1"), ("Brf Eken/c.txt", "c1")]),
        (second, vec![("Brf Eken/c.txt", "c1"), ("Brf Eken/d.txt", "b2")]),
        (i64::MAX, vec![("Brf Eken/a.txt", "a1"), ("Brf Eken/c.txt", "c1"), ("Brf Eken/d.txt", "b2")]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(lacks(&restore(&world, run, folder.path(), false)), []);
        let found: Vec<(String, String)> =
            disk::files(folder.path()).into_iter().map(|(p, b)| (p, String::from_utf8(b).unwrap())).collect();
        let expected: Vec<_> = expected.into_iter().map(|(p, b)| (p.to_owned(), b.to_owned())).collect();
        assert_eq!(found, expected, "run {run}");
    }
}

#[test]
fn a_restored_file_is_not_a_link() {
    let (world, [a, ..]) = small();
    world.edit(|o| o.revise(&a, "a2")).unwrap();
    world.mirror();
    let folder = tempfile::tempdir().unwrap();
    restore(&world, 1, folder.path(), false);
    let mut inodes = std::collections::BTreeSet::new();
    disk::walk(&world.dest(), &world.dest(), &mut |path, _| inodes.extend([path.metadata().unwrap().ino()]));
    let objects = world.at(".ibinder-sync/objects");
    disk::walk(&objects, &objects, &mut |path, _| inodes.extend([path.metadata().unwrap().ino()]));
    disk::walk(folder.path(), folder.path(), &mut |path, name| {
        let metadata = path.metadata().unwrap();
        assert_eq!(metadata.nlink(), 1, "{name}");
        assert!(!inodes.contains(&metadata.ino()), "{name} shares its inode");
    });
}

#[test]
fn damaged_bytes_are_not_restored() {
    let (world, [a, ..]) = small();
    world.edit(|o| o.revise(&a, "a2")).unwrap();
    world.mirror();
    let hash = disk::sha256(b"a1");
    let object = world.at(&format!(".ibinder-sync/objects/{}/{hash}", &hash[..2]));
    fs::write(&object, "??").unwrap();
    // Bit rot doesn't change a file's stamp.
    let rotten = world.at("Brf Eken/b.txt");
    let time = rotten.metadata().unwrap().modified().unwrap();
    fs::write(&rotten, "??").unwrap();
    fs::File::open(&rotten).unwrap().set_modified(time).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let restored = restore(&world, 1, folder.path(), true);
    assert_eq!(restored.damaged, 2);
    assert!(lacks(&restored).iter().all(|(_, why)| why.contains("damaged")), "{restored:?}");
    assert_eq!(disk::files(folder.path()).into_keys().collect::<Vec<_>>(), ["Brf Eken/c.txt"]);
}

#[test]
fn a_damaged_file_of_the_tree_comes_from_its_object() {
    let (world, [a, ..]) = small();
    // The same bytes are kept, since another document had them.
    world.edit(|o| o.revise(&a, "b1")).unwrap();
    world.mirror();
    world.edit(|o| o.revise(&a, "a3")).unwrap();
    world.mirror();
    fs::write(world.at("Brf Eken/b.txt"), "edited by hand").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let restored = restore(&world, i64::MAX, folder.path(), false);
    assert_eq!((lacks(&restored), restored.damaged), (vec![], 0));
    assert_eq!(fs::read(folder.path().join("Brf Eken/b.txt")).unwrap(), b"b1");
}

#[test]
fn missing_bytes_are_reported() {
    let (world, [a, b, c]) = small();
    fs::remove_file(world.at("Brf Eken/a.txt")).unwrap();
    fs::write(world.at("Brf Eken/b.txt"), "somebody's own words").unwrap();
    world.edit(|o| {
        o.revise(&a, "a2").unwrap();
        o.revise(&b, "b2").unwrap();
    });
    world.mirror();
    fs::write(world.at("Brf Eken/c.txt"), "somebody's").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let restored = restore(&world, 1, &folder.path().join("plain"), false);
    let lacks = lacks(&restored);
    for (at, words) in
        ["not in objects/", "edited before it was replaced", "has changed since it was mirrored"].iter().enumerate()
    {
        assert!(lacks[at].1.contains(words), "{lacks:?}");
    }
    assert_eq!((lacks.len(), restored.damaged, restored.files), (3, 0, 0));
    assert_eq!(disk::files(&folder.path().join("plain")).len(), 0);
    let edited = restore(&world, 1, &folder.path().join("edited"), true);
    assert_eq!((edited.files, edited.edited, edited.missing.len()), (1, 1, 2));
    assert_eq!(fs::read(folder.path().join("edited/Brf Eken/b.txt")).unwrap(), b"somebody's own words");
    drop(c);
}

#[test]
fn cancelling_is_reported_and_leaves_complete_files_only() {
    let (world, _) = small();
    let (scratch, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (state, root) = (state(&world, &scratch), Root::open(&world.dest()).unwrap());
    let (target, progress) = (Target::open(folder.path(), &root).unwrap(), Progress::default());
    // The callback is called ten times before it cancels.
    for looks in 0..9 {
        let left = AtomicI64::new(looks);
        let ended = || left.fetch_sub(1, Ordering::Relaxed) <= 0;
        let restore = Restore { source: &root, target: &target, progress: &progress, edited: false, ended: &ended };
        let list = |hand_out: &mut dyn FnMut(PastDocument) -> bool| {
            documents(&state, 1).into_iter().all(hand_out);
            Ok::<_, Failed>(())
        };
        let restored = restore.run(list).unwrap();
        assert!(restored.ended, "after {looks} looks");
        let files = disk::files(folder.path());
        assert!(files.iter().all(|(name, bytes)| name.as_bytes()[9] == bytes[0] && bytes.len() == 2), "{files:?}");
        for name in files.into_keys() {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
}

#[test]
fn a_version_is_found_by_its_id() {
    let (world, [a, ..]) = small();
    let version = world.edit(|o| o.revise(&a, "a2")).unwrap();
    world.mirror();
    let (scratch, id) = (tempfile::tempdir().unwrap(), VersionId::parse(&version).unwrap());
    let state = state(&world, &scratch);
    let found: PastDocument = state.read(|r| r.version(&id)).unwrap().unwrap();
    assert_eq!((found.path.as_str(), found.sha256.hex()), ("Brf Eken/a.txt", disk::sha256(b"a2")));
    assert!(state.read(|r| r.version(&VersionId::parse("none").unwrap())).unwrap().is_none());
}

#[test]
fn links_that_are_planted_in_the_target_are_not_followed() {
    let (world, _) = small();
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = Root::open(&world.dest()).unwrap();
    let target = Target::open(folder.path(), &root).unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("Brf Eken")).unwrap();
    std::os::unix::fs::symlink(&victim, folder.path().join("a.txt")).unwrap();
    let path = |text: &str| RelPath::new(text).unwrap();
    let sha256 = Sha256::new(Hasher::digest("a1").into());
    for to in ["Brf Eken/a.txt", "Brf Eken/deeper/a.txt", "a.txt"] {
        let mut from = root.read(ContentLocation::Tree(&path("Brf Eken/a.txt"))).unwrap().unwrap();
        let given = FileWriter::new(&target).write_file(&path(to), &mut from, &sha256, 0, &|| false);
        assert!(matches!(given, Err(Error::InTheWay { .. })), "{to}: {given:?}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
    assert!(folder.path().join("a.txt").is_symlink());
    // A file that was cancelled halfway is deleted.
    let mut from = root.read(ContentLocation::Tree(&path("Brf Eken/a.txt"))).unwrap().unwrap();
    let given = FileWriter::new(&target).write_file(&path("b.txt"), &mut from, &sha256, 0, &|| true).unwrap();
    assert_eq!((given, folder.path().join("b.txt").exists()), (WriteOutcome::Cancelled, false));
}
