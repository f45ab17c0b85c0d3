//! A recovery from a copy is killed at each point that it passes, and goes on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ibinder_sync::{
    failpoints::Point,
    mirror::{DestinationKind, Mirror, survey},
    model::STATE_FOLDER,
    replica::{LackCause, Recover, RecoveryMark},
    sandbox::{Organisation, Route},
    session::Exit,
};
use rusqlite::{Connection, types::Value};

use super::{
    child::{self, Command, Task},
    trace::Event,
};
use crate::{copy, disk, harness::World};

/// How often a point is tried; the next times are like these.
const TRIES: usize = 2;

/// A mirror with a history, and its copy.
struct Lost {
    world: World,
    copy: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    objects: BTreeMap<String, Vec<u8>>,
    rows: Vec<String>,
}

impl Lost {
    fn new() -> Self {
        let mut o = Organisation::empty();
        let binder = o.add_binder("Brf Eken");
        let tab = o.add_folder(&binder, None, "Avtal").unwrap();
        let ids: Vec<String> = ["el.txt", "same.txt", "goes.txt", "empty.txt"]
            .into_iter()
            .map(|name| o.add_document(&binder, Some(&tab), name, if name == "empty.txt" { "" } else { name }).unwrap())
            .collect();
        o.add_document(&binder, None, "same again.txt", "same.txt").unwrap();
        // Too large for a file without a name.
        o.add_document(&binder, None, "large.txt", "large\n".repeat(1 << 20)).unwrap();
        let world = World::new(o);
        let run = || drop(child::start(&world, &Task { command: Command::Run, fallbacks: false, kill: None }));
        run();
        world.edit(|o| {
            o.revise(&ids[0], "el, revised").unwrap();
            o.rename_document(&ids[1], "renamed.txt").unwrap();
            o.remove_document(&ids[2]).unwrap();
        });
        run();
        world.assert_mirrors();
        let copy = world.dest().with_file_name("copy");
        copy::replicate(&world.dest(), &copy);
        let (files, objects, rows) = (disk::files(&world.dest()), objects(&world.dest()), rows(&world.database()));
        assert_eq!((files.len(), objects.len()), (5, 2));
        Self { world, copy, files, objects, rows }
    }

    fn recover(&self, fallbacks: bool, kill: Option<(Point, usize)>) -> (bool, Vec<Event>) {
        let command = Command::Recover(copy::url(&self.copy));
        child::start(&self.world, &Task { command, fallbacks, kill })
    }

    /// What is there is right, and no other command mistakes it for a mirror or an empty folder.
    fn assert_begun(&self, marked: bool) {
        let dest = self.world.dest();
        for (path, bytes) in disk::files(&dest) {
            assert!(self.files[&path] == bytes, "{path}");
        }
        for (name, bytes) in objects(&dest) {
            assert!(self.objects[&name] == bytes, "{name}");
        }
        let found = survey(&dest).unwrap();
        let nothing = !marked && disk::files(&dest).is_empty() && found == DestinationKind::Empty;
        assert!(nothing || matches!(found, DestinationKind::Recovery | DestinationKind::Mirror), "{found:?}");
        if found == DestinationKind::Mirror {
            assert_eq!(rows(&self.world.database()), self.rows);
        }
    }

    /// It is the mirror that was lost, and a run downloads nothing.
    fn assert_whole(&self) {
        let dest = self.world.dest();
        assert!(disk::files(&dest) == self.files);
        assert!(objects(&dest) == self.objects);
        assert_eq!(rows(&self.world.database()), self.rows);
        assert_eq!(leftovers(&dest), Vec::<PathBuf>::new());
        let (downloads, ran) = self.world.requests(Route::Blob, || self.world.run());
        assert_eq!((ran.exit(), downloads), (Exit::Complete, 0), "{ran:?}");
        self.world.assert_mirrors();
        self.world.assert_nothing_planned();
    }

    fn survives(&self, fallbacks: bool) {
        let start = |kill| {
            let _ = fs::remove_dir_all(self.world.dest());
            self.recover(fallbacks, kill)
        };
        let (_, passed) = start(None);
        self.assert_whole();
        assert_durable(&passed, fallbacks);
        let mut counts: BTreeMap<Point, usize> = BTreeMap::new();
        for (at, event) in passed.iter().enumerate() {
            let nth = counts.entry(event.point).or_default();
            *nth += 1;
            if *nth > TRIES {
                continue;
            }
            let (killed, _) = start(Some((event.point, *nth)));
            assert!(killed, "{:?} was not met again", event.point);
            let marked = at >= passed.iter().position(|e| e.point == Point::StateFileWritten).unwrap();
            self.assert_begun(marked);
            // The second try may be cut off, too.
            if self.recover(fallbacks, Some((event.point, *nth))).0 {
                self.assert_begun(marked);
                assert!(!self.recover(fallbacks, None).0);
            }
            self.assert_whole();
        }
    }
}

fn objects(dest: &Path) -> BTreeMap<String, Vec<u8>> {
    disk::files(&dest.join(STATE_FOLDER).join("objects"))
}

/// What is left below `tmp/`, and the mark.
fn leftovers(dest: &Path) -> Vec<PathBuf> {
    let state = dest.join(STATE_FOLDER);
    let folders =
        fs::read_dir(state.join("tmp")).unwrap().flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    let mark = state.join("recovery.json");
    folders.map(|entry| entry.unwrap().path()).chain(mark.exists().then_some(mark)).collect()
}

/// All rows about documents, without the stamps of files.
fn rows(database: &Path) -> Vec<String> {
    let connection = Connection::open(database).unwrap();
    let mut found = Vec::new();
    for query in [
        "SELECT number, id, binder, folder, file_name, path, path_key, version, size, sha256, mtime, first_run, version_run,
             place_run, mirrored_at FROM documents",
        "SELECT * FROM past_versions",
        "SELECT * FROM past_places",
        "SELECT * FROM metadata",
        "SELECT * FROM past_metadata",
        "SELECT * FROM binders",
        "SELECT binder, id, parent, name, segment, known FROM folders",
        "SELECT document, held FROM held_counts",
        "SELECT number, id, outcome FROM runs WHERE number <= 2",
    ] {
        let mut statement = connection.prepare(query).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<Value> = (0..columns).map(|n| row.get(n).unwrap()).collect();
            found.push(format!("{values:?}"));
        }
    }
    found
}

/// A file has its bytes on the disk before it has its name, and its name before there is a state.
fn assert_durable(passed: &[Event], fallbacks: bool) {
    let (mut loose, mut dirty) = (BTreeSet::new(), false);
    for event in passed {
        let name = event.names.first().map(String::as_str).unwrap_or_default();
        match event.point {
            Point::Written => drop(loose.insert(name)),
            Point::FileSynced => drop(loose.remove(name)),
            Point::Synced => {
                loose.clear();
                dirty = false;
            }
            Point::Held => {
                assert!(!loose.contains(event.names[1].as_str()), "{event:?} in {passed:#?}");
                dirty = true;
            }
            Point::Added => {
                assert!(fallbacks || passed.iter().any(|e| e.point == Point::Synced));
                dirty = true;
            }
            Point::FolderSynced => dirty = false,
            Point::StateFileWritten if name == "state.db" => assert!(!dirty, "{passed:#?}"),
            _ => {}
        }
    }
}

#[test]
fn a_name_that_the_disk_refuses_fails_alone_and_the_next_run_shortens_it() {
    const LONGEST: usize = 100;
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    o.add_document(&binder, None, &format!("{}.txt", "long ".repeat(30)), "long").unwrap();
    o.add_document(&binder, None, "short.txt", "short").unwrap();
    let world = World::new(o);
    child::start(&world, &Task { command: Command::Run, fallbacks: false, kill: None });
    let folder = world.dest().with_file_name("copy");
    copy::replicate(&world.dest(), &folder);
    fs::remove_dir_all(world.dest()).unwrap();
    let mirror = Mirror::open(&world.dest()).unwrap().with_longest_name(LONGEST);
    let store = copy::store(&copy::url(&folder));
    let commit = RecoveryMark::choose(None, &store, None).unwrap();
    let progress = Arc::default();
    let recover = Recover { mirror: &mirror, store: &store, commit: &commit, transfers: 2, progress: &progress };
    let recovered = recover.run().unwrap();
    assert!(matches!(&recovered.lacking[..], [one] if matches!(one.cause, LackCause::Refused(_))), "{recovered:?}");
    assert_eq!((recovered.documents, leftovers(&world.dest())), (1, vec![]));
    drop(mirror);
    let config = world.config(world.given());
    let run = || world.run_on(&config, |mirror| mirror.with_longest_name(LONGEST));
    let (downloads, ran) = world.requests(Route::Blob, run);
    assert_eq!((ran.exit(), downloads), (Exit::Complete, 1), "{ran:?}");
    assert_eq!(disk::files(&world.dest()).into_values().collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn a_recovery_survives_a_kill_at_each_step() {
    Lost::new().survives(false);
}

#[test]
fn a_recovery_without_the_abilities_of_the_disk_survives_a_kill_at_each_step() {
    Lost::new().survives(true);
}
