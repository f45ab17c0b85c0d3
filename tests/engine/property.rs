//! Random sequences of changes and faults: in the end the mirror is what the service has, and on the way nothing that lives
//! is ever without its file.
//!
//! `PROPTEST_CASES` sets how many are tried.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ibinder_sync::{
    app::Exit,
    config::Config,
    sandbox::{FaultKind as K, Faults, Organisation, Reply, Route},
};
use proptest::prelude::*;

use crate::{
    crash::{self, Moment},
    disk,
    harness::World,
};

/// Few names, so that they meet: in case, in normalisation, with folders, with each other's tags, and with nothing at all.
const NAMES: [&str; 10] =
    ["a.txt", "A.TXT", "b.txt", "\u{e5}.txt", "a\u{30a}.txt", "Avtal", "CON", "", "a [3f2a91c0].txt", "..."];

/// One change; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Change {
    Add(usize, usize),
    Revise(usize),
    Rename(usize, usize),
    Move(usize, usize),
    Remove(usize),
    Restore(usize),
    Metadata(usize),
    AddFolder(usize, usize),
    RenameFolder(usize, usize),
    MoveFolder(usize, usize),
    RenameBinder(usize, usize),
    /// Somebody edits, deletes or puts down a file of the tree.
    Edit(usize),
    Delete(usize),
    Foreign(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let (any, name) = (0..100_usize, 0..NAMES.len());
    prop_oneof![
        4 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::Add(a, b)),
        4 => any.clone().prop_map(Change::Revise),
        6 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::Rename(a, b)),
        6 => (any.clone(), any.clone()).prop_map(|(a, b)| Change::Move(a, b)),
        3 => any.clone().prop_map(Change::Remove),
        2 => any.clone().prop_map(Change::Restore),
        1 => any.clone().prop_map(Change::Metadata),
        1 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::AddFolder(a, b)),
        2 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::RenameFolder(a, b)),
        1 => (any.clone(), any.clone()).prop_map(|(a, b)| Change::MoveFolder(a, b)),
        1 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::RenameBinder(a, b)),
        1 => any.clone().prop_map(Change::Edit),
        1 => any.clone().prop_map(Change::Delete),
        1 => (any, name).prop_map(|(a, b)| Change::Foreign(a, b)),
    ]
}

/// What a round does before its run and during it, and how the service behaves.
#[derive(Debug, Clone)]
struct Round {
    changes: Vec<Change>,
    /// Changes of documents, each after so many more pages.
    during: Vec<(usize, Change)>,
    /// Before its run, the program is killed when so many files are others than before.
    kill: Option<usize>,
    faults: u64,
    seed: u64,
    fallbacks: bool,
}

fn during() -> impl Strategy<Value = (usize, Change)> {
    let (any, name) = (0..100_usize, 0..NAMES.len());
    let change = prop_oneof![
        any.clone().prop_map(Change::Revise),
        (any.clone(), name).prop_map(|(a, b)| Change::Rename(a, b)),
        (any.clone(), any.clone()).prop_map(|(a, b)| Change::Move(a, b)),
        any.prop_map(Change::Remove),
    ];
    (0..4_usize, change)
}

fn round() -> impl Strategy<Value = Round> {
    let changes = prop::collection::vec(change(), 0..10);
    let kill = prop::option::weighted(0.3, 0..8_usize);
    (changes, prop::collection::vec(during(), 0..4), kill, 0..4_u64, any::<u64>(), any::<bool>()).prop_map(
        |(changes, during, kill, faults, seed, fallbacks)| Round { changes, during, kill, faults, seed, fallbacks },
    )
}

/// The organisation under test, with everything that its documents ever held.
struct Story {
    world: World,
    binders: Vec<String>,
    folders: Vec<(String, String)>,
    documents: Vec<String>,
    removed: Vec<String>,
    /// Removed while a run went on, and never restored: when exactly they left is not known.
    gone: Vec<String>,
    versions: BTreeMap<String, Vec<Vec<u8>>>,
    /// What somebody put into the tree.
    by_hand: BTreeSet<Vec<u8>>,
    count: usize,
}

impl Story {
    fn new() -> Self {
        let mut o = Organisation::empty();
        let binders: Vec<String> = ["Brf Eken", "Brf Linden"].map(|name| o.add_binder(name)).to_vec();
        let mut folders = Vec::new();
        for binder in &binders {
            let tab = o.add_folder(binder, None, "Avtal").unwrap();
            let folder = o.add_folder(binder, Some(&tab), "El").unwrap();
            folders.extend([(binder.clone(), tab), (binder.clone(), folder)]);
            // It stays, so that no binder is ever empty: that would not be believed.
            o.add_document(binder, None, "anchor.txt", format!("anchor of {binder}")).unwrap();
        }
        let world = World::with(o, |settings| settings.page_size_cap = 4);
        let mut story = Self {
            world,
            binders,
            folders,
            documents: Vec::new(),
            removed: Vec::new(),
            gone: Vec::new(),
            versions: BTreeMap::new(),
            by_hand: BTreeSet::new(),
            count: 0,
        };
        for n in 0..8 {
            story.apply(&Change::Add(n, n));
        }
        story
    }

    fn fresh(&mut self) -> Vec<u8> {
        self.count += 1;
        format!("bytes {}", self.count).into_bytes()
    }

    /// A binder, or a folder of one.
    fn place(&self, n: usize) -> (String, Option<String>) {
        let at = n % (self.binders.len() + self.folders.len());
        match at.checked_sub(self.binders.len()) {
            None => (self.binders[at].clone(), None),
            Some(at) => (self.folders[at].0.clone(), Some(self.folders[at].1.clone())),
        }
    }

    fn document(&self, n: usize) -> Option<String> {
        let living: Vec<&String> = self.documents.iter().filter(|id| !self.has_left(id)).collect();
        living.get(n % living.len().max(1)).map(|id| (*id).clone())
    }

    fn has_left(&self, id: &String) -> bool {
        self.removed.contains(id) || self.gone.contains(id)
    }

    fn apply(&mut self, change: &Change) {
        match *change {
            Change::Add(at, name) => {
                let ((binder, folder), bytes) = (self.place(at), self.fresh());
                let given = bytes.clone();
                let id = self.world.edit(|o| o.add_document(&binder, folder.as_deref(), NAMES[name], given)).unwrap();
                self.versions.insert(id.clone(), vec![bytes]);
                self.documents.push(id);
            }
            Change::AddFolder(at, name) => {
                let (binder, parent) = self.place(at);
                let id = self.world.edit(|o| o.add_folder(&binder, parent.as_deref(), NAMES[name])).unwrap();
                self.folders.push((binder, id));
            }
            Change::RenameFolder(at, name) => {
                let id = &self.folders[at % self.folders.len()].1;
                self.world.edit(|o| o.rename_folder(id, NAMES[name])).unwrap();
            }
            Change::MoveFolder(at, to) => {
                let (binder, id) = self.folders[at % self.folders.len()].clone();
                let within: Vec<&String> = self.folders.iter().filter(|(b, _)| *b == binder).map(|(_, f)| f).collect();
                // One that would go below itself stays.
                let _ =
                    self.world.edit(|o| o.move_folder(&id, within.get(to % (within.len() + 1)).map(|f| f.as_str())));
            }
            Change::RenameBinder(at, name) => {
                let id = &self.binders[at % self.binders.len()];
                self.world.edit(|o| o.rename_binder(id, NAMES[name])).unwrap();
            }
            Change::Restore(at) => {
                if !self.removed.is_empty() {
                    let id = self.removed.remove(at % self.removed.len());
                    self.world.edit(|o| o.restore_document(&id)).unwrap();
                }
            }
            Change::Edit(at) | Change::Delete(at) | Change::Foreign(at, _) => self.by_hand(change, at),
            Change::Revise(at)
            | Change::Rename(at, _)
            | Change::Move(at, _)
            | Change::Remove(at)
            | Change::Metadata(at) => {
                if let Some(id) = self.document(at) {
                    self.change_document(change, &id);
                }
            }
        }
    }

    fn change_document(&mut self, change: &Change, id: &str) {
        if matches!(change, Change::Remove(_)) {
            self.removed.push(id.to_owned());
        }
        let edit = self.edit(change, id);
        self.world.edit(edit);
    }

    /// A change of a document, to be made now or later.
    fn edit(&mut self, change: &Change, id: &str) -> Box<dyn FnOnce(&mut Organisation) + Send> {
        let id = id.to_owned();
        match *change {
            Change::Revise(_) => {
                let bytes = self.fresh();
                self.versions.get_mut(&id).unwrap().push(bytes.clone());
                Box::new(move |o| drop(o.revise(&id, bytes).unwrap()))
            }
            Change::Rename(_, name) => Box::new(move |o| o.rename_document(&id, NAMES[name]).unwrap()),
            Change::Move(_, to) => {
                let (binder, folder) = self.place(to);
                Box::new(move |o| o.move_document(&id, &binder, folder.as_deref()).unwrap())
            }
            Change::Remove(_) => Box::new(move |o| o.remove_document(&id).unwrap()),
            _ => {
                let value = serde_json::json!({"Status": self.count});
                Box::new(move |o| o.set_metadata(&id, value).unwrap())
            }
        }
    }

    /// Changes of documents while pages are read. What a run doesn't come to happens in a later one.
    fn change_during_the_run(&mut self, during: &[(usize, Change)]) {
        for (pages, change) in during {
            let (Change::Revise(at) | Change::Rename(at, _) | Change::Move(at, _) | Change::Remove(at)) = *change
            else {
                continue;
            };
            let Some(id) = self.document(at) else { continue };
            if matches!(change, Change::Remove(_)) {
                self.gone.push(id.clone());
            }
            let edit = self.edit(change, &id);
            self.world.sandbox.script(Route::Search, Reply::Pass.times(*pages));
            self.world.sandbox.script(Route::Search, vec![Reply::run(edit)]);
        }
    }

    fn by_hand(&mut self, change: &Change, at: usize) {
        let dest = self.world.dest();
        let files: Vec<String> = disk::files(&dest).into_keys().collect();
        let Some(file) = files.get(at % files.len().max(1)).map(|name| dest.join(name)) else { return };
        match *change {
            Change::Delete(_) => std::fs::remove_file(file).unwrap(),
            Change::Edit(_) => {
                let bytes = self.fresh();
                std::fs::write(file, &bytes).unwrap();
                self.by_hand.insert(bytes);
            }
            _ => {
                let Change::Foreign(_, name) = *change else { return };
                let place = file.with_file_name(if NAMES[name].is_empty() { "_" } else { NAMES[name] });
                if NAMES[name] != "..." && !crate::harness::exists(&place) {
                    let bytes = self.fresh();
                    std::fs::write(place, &bytes).unwrap();
                    self.by_hand.insert(bytes);
                }
            }
        }
    }

    fn config(&self) -> Config {
        let mut given = self.world.given();
        given.max_removals = "100%".parse().ok();
        let mut config = self.world.config(given);
        config.remote.stall_timeout = Duration::from_millis(100);
        config
    }

    /// Paths of documents that are mirrored, with whether the file is the mirror's own.
    fn mirrored(&self) -> BTreeMap<String, String> {
        if !self.world.database().exists() {
            return BTreeMap::new();
        }
        let connection = rusqlite::Connection::open(self.world.database()).unwrap();
        let mut rows = connection.prepare("SELECT id, path FROM documents").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    /// Every document that is mirrored has a file with whole bytes of one of its versions, unless somebody's hand was in it.
    fn assert_nobody_is_lost(&self, before: &BTreeMap<String, String>, files_before: &BTreeMap<String, Vec<u8>>) {
        let (files, after) = (disk::files(&self.world.dest()), self.mirrored());
        for id in before.keys().filter(|id| self.had_a_file(id, before, files_before)) {
            let path = after.get(id).unwrap_or_else(|| panic!("{id} is not mirrored any more"));
            let bytes = files.get(path).unwrap_or_else(|| panic!("{path:?} is missing"));
            let text = String::from_utf8_lossy(bytes);
            assert!(self.versions[id].contains(bytes) || self.by_hand.contains(bytes), "{path:?} holds {text:?}");
        }
        // What somebody put into the tree is still there, or is held.
        for bytes in &self.by_hand {
            let there = files_before.values().any(|b| b == bytes);
            let kept = files.values().any(|b| b == bytes) || disk::is_held(&self.world.dest(), bytes);
            assert!(!there || kept, "{:?} is lost", String::from_utf8_lossy(bytes));
        }
    }

    /// The same after a crash, when the rows may be behind the tree: the bytes are somewhere in it.
    fn assert_nobody_is_lost_from(&self, before: &BTreeMap<String, String>, files_before: &BTreeMap<String, Vec<u8>>) {
        let files: BTreeSet<Vec<u8>> = disk::files(&self.world.dest()).into_values().collect();
        for id in before.keys().filter(|id| self.had_a_file(id, before, files_before)) {
            let old = &files_before[&before[id]];
            let there = files.contains(old) || self.versions[id].iter().any(|version| files.contains(version));
            assert!(there, "{id} has no file after a crash");
        }
    }

    fn had_a_file(&self, id: &String, before: &BTreeMap<String, String>, files: &BTreeMap<String, Vec<u8>>) -> bool {
        !self.has_left(id) && self.versions.contains_key(id) && files.contains_key(&before[id])
    }

    fn play(&mut self, round: &Round) {
        for change in &round.changes {
            self.apply(change);
        }
        self.change_during_the_run(&round.during);
        if let Some(files) = round.kill {
            let (before, seen) = (self.mirrored(), disk::files(&self.world.dest()));
            crash::run_until(&self.world, Moment::Files(files));
            self.assert_nobody_is_lost_from(&before, &seen);
        }
        let kinds = [K::Internal, K::Drop, K::Truncate, K::ExpiredLink, K::Garbage, K::BadGateway];
        // At the worst, one in three downloads fails.
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        let share = round.faults as f64 * 0.02;
        self.world.sandbox.change_settings(|s| s.seed = round.seed);
        self.world.sandbox.set_faults(kinds.into_iter().fold(Faults::none(), |all, kind| all.with(kind, share)));
        let (before, files) = (self.mirrored(), disk::files(&self.world.dest()));
        let ran = self.world.run_on(&self.config(), |m| if round.fallbacks { m.with_fallbacks_only() } else { m });
        assert!(matches!(ran.exit(), Exit::Complete | Exit::Partial), "{ran:?}");
        self.assert_nobody_is_lost(&before, &files);
        disk::assert_objects(&self.world.dest());
    }

    /// Without faults, and with nobody's hand in the tree any more, it comes to rest.
    fn come_to_rest(&mut self) {
        self.world.sandbox.set_faults(Faults::none());
        while self.world.sandbox.scripted(Route::Search) > 0 {
            self.world.run_as(&self.config());
        }
        let dest = self.world.dest();
        for (name, bytes) in disk::files(&dest) {
            if self.by_hand.contains(&bytes) {
                std::fs::remove_file(dest.join(&name)).unwrap();
                // A folder that only held what was put there by hand is nobody's any more.
                let folders =
                    std::path::Path::new(&name).ancestors().skip(1).filter(|step| !step.as_os_str().is_empty());
                folders.take_while(|folder| std::fs::remove_dir(dest.join(folder)).is_ok()).for_each(drop);
            }
        }
        let mut ran = self.world.run_as(&self.config());
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        // One that waited for a name goes on with the next run.
        for _ in 0..2 {
            if self.world.plan().is_empty() {
                break;
            }
            ran = self.world.run_as(&self.config());
        }
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        self.world.assert_mirrors();
        self.world.assert_nothing_planned();
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_story_comes_to_rest(rounds in prop::collection::vec(round(), 1..5)) {
        let mut story = Story::new();
        for round in &rounds {
            story.play(round);
        }
        story.come_to_rest();
    }
}
