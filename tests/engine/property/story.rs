//! The organisation under test, and what must be true after each round.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use ibinder_sync::{
    config::Config,
    sandbox::{DocumentView, FaultKind as K, Faults, Organisation, Reply, Route},
    session::Exit,
    sync::Ended,
};

use super::{Change, NAMES, Round};
use crate::{
    crash::{self, Moment},
    disk,
    harness::World,
    history::Listings,
};

/// A document's id and its bytes.
type Came = (String, Vec<u8>);

/// A change of the organisation, made now or later.
type Edit = Box<dyn FnOnce(&mut Organisation) + Send>;

/// What the mirror has of a document.
struct Row {
    path: String,
    binder: String,
}

/// Mirrored documents by id.
type Rows = BTreeMap<String, Row>;

/// The organisation under test, with all bytes that its documents ever had.
pub(super) struct Story {
    world: World,
    binders: Vec<String>,
    folders: Vec<(String, String)>,
    documents: Vec<String>,
    removed: Vec<String>,
    /// Removed or restored during a run, and never changed again, because the exact time is unknown.
    gone: Vec<String>,
    versions: BTreeMap<String, Vec<Vec<u8>>>,
    /// A binder that is currently lost, and whether it was removed.
    lost: Option<(usize, bool)>,
    /// Added during a run.
    came: Arc<Mutex<Vec<Came>>>,
    /// Bytes that a run left in the tree, unless a user removed them.
    mirrored: BTreeSet<Vec<u8>>,
    /// Files that a user created in the tree.
    by_hand: BTreeSet<Vec<u8>>,
    listings: Listings,
    count: usize,
}

impl Story {
    pub(super) fn new() -> Self {
        let mut o = Organisation::empty();
        let binders: Vec<String> = ["Brf Eken", "Brf Linden"].map(|name| o.add_binder(name)).to_vec();
        let mut folders = Vec::new();
        for binder in &binders {
            let tab = o.add_folder(binder, None, "Avtal").unwrap();
            let folder = o.add_folder(binder, Some(&tab), "El").unwrap();
            folders.extend([(binder.clone(), tab), (binder.clone(), folder)]);
            // It is never removed, since an empty binder would not be believed.
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
            lost: None,
            came: Arc::default(),
            mirrored: BTreeSet::new(),
            by_hand: BTreeSet::new(),
            listings: Listings::default(),
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
        let binders = self.binders.iter().map(|binder| (binder.clone(), None));
        let folders = self.folders.iter().map(|(binder, folder)| (binder.clone(), Some(folder.clone())));
        // Documents that move into a removed binder are removed with it.
        let removed = self.lost.filter(|(_, removed)| *removed).map(|(at, _)| &self.binders[at]);
        let places: Vec<_> = binders.chain(folders).filter(|(binder, _)| Some(binder) != removed).collect();
        places[n % places.len()].clone()
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
                // A folder that would move below itself stays.
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
            Change::Swap(one, other) => self.swap(one, other),
            Change::Lose(at, removed) => {
                self.regain();
                let at = at % self.binders.len();
                let binder = &self.binders[at];
                self.world.edit(|o| if removed { o.remove_binder(binder) } else { o.hide_binder(binder) }).unwrap();
                self.lost = Some((at, removed));
            }
            Change::Regain => self.regain(),
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

    fn swap(&mut self, one: usize, other: usize) {
        let Some(one) = self.document(one) else { return };
        self.world.edit(|o| {
            let all = o.documents();
            let Some(one) = all.iter().find(|d| d.id == one) else { return };
            let beside = |d: &&DocumentView| (&d.binder, &d.folders) == (&one.binder, &one.folders);
            let beside: Vec<_> = all.iter().filter(beside).filter(|d| d.file_name != "anchor.txt").collect();
            let other = beside[other % beside.len()];
            o.rename_document(&one.id, &other.file_name).unwrap();
            o.rename_document(&other.id, &one.file_name).unwrap();
        });
    }

    fn regain(&mut self) {
        if let Some((at, _)) = self.lost.take() {
            self.world.edit(|o| o.show_binder(&self.binders[at]).unwrap());
        }
    }

    fn change_document(&mut self, change: &Change, id: &str) {
        if matches!(change, Change::Remove(_)) {
            self.removed.push(id.to_owned());
        }
        let edit = self.edit(change, id);
        self.world.edit(edit);
    }

    /// A change of a document, made now or later.
    fn edit(&mut self, change: &Change, id: &str) -> Edit {
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

    /// A change during a run, if there is something to change.
    fn edit_later(&mut self, change: &Change) -> Option<Edit> {
        match *change {
            Change::Add(at, name) => {
                let ((binder, folder), bytes, came) = (self.place(at), self.fresh(), Arc::clone(&self.came));
                Some(Box::new(move |o| {
                    let id = o.add_document(&binder, folder.as_deref(), NAMES[name], bytes.clone()).unwrap();
                    came.lock().unwrap().push((id, bytes));
                }))
            }
            Change::Restore(at) => {
                let id = self.removed.get(at % self.removed.len().max(1))?.clone();
                self.removed.retain(|removed| *removed != id);
                self.gone.push(id.clone());
                Some(Box::new(move |o| o.restore_document(&id).unwrap()))
            }
            Change::Revise(at) | Change::Rename(at, _) | Change::Move(at, _) | Change::Remove(at) => {
                let id = self.document(at)?;
                if matches!(change, Change::Remove(_)) {
                    self.gone.push(id.clone());
                }
                Some(self.edit(change, &id))
            }
            _ => None,
        }
    }

    /// Documents that were added during a run.
    fn welcome(&mut self) {
        for (id, bytes) in self.came.lock().unwrap().drain(..) {
            self.versions.insert(id.clone(), vec![bytes]);
            self.documents.push(id);
        }
    }

    /// Changes documents while pages are read. Changes that a run doesn't reach happen in a later one.
    fn change_during_the_run(&mut self, during: &[(usize, Change)]) {
        for (pages, change) in during {
            let Some(edit) = self.edit_later(change) else { continue };
            self.world.sandbox.script(Route::Search, Reply::Pass.times(*pages));
            self.world.sandbox.script(Route::Search, vec![Reply::run(edit)]);
        }
    }

    fn by_hand(&mut self, change: &Change, at: usize) {
        let dest = self.world.dest();
        let files: Vec<String> = disk::files(&dest).into_keys().collect();
        let Some(name) = files.get(at % files.len().max(1)) else { return };
        let file = dest.join(name);
        match *change {
            Change::Delete(_) => self.delete(name),
            Change::Edit(_) => {
                self.mirrored.remove(&std::fs::read(&file).unwrap());
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

    /// A user deletes a file, and the folders that only contained files of users: the mirror may have left them long ago,
    /// and removes no folder that somebody else emptied.
    fn delete(&mut self, name: &str) {
        let file = self.world.at(name);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(file).unwrap();
        self.mirrored.remove(&bytes);
        if self.by_hand.contains(&bytes) {
            let folders = std::path::Path::new(name).ancestors().skip(1).filter(|step| !step.as_os_str().is_empty());
            let dest = self.world.dest();
            folders.take_while(|folder| std::fs::remove_dir(dest.join(folder)).is_ok()).for_each(drop);
        }
    }

    fn config(&self) -> Config {
        let mut given = self.world.given();
        given.max_removals = "100%".parse().unwrap();
        let mut config = self.world.config(given);
        config.remote.stall_timeout = Duration::from_millis(100);
        config
    }

    fn mirrored(&self) -> Rows {
        if !self.world.database().exists() {
            return Rows::new();
        }
        let connection = rusqlite::Connection::open(self.world.database()).unwrap();
        let mut rows = connection.prepare("SELECT id, path, binder FROM documents").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, Row { path: row.get(1)?, binder: row.get(2)? }))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Documents that a run may remove although nobody removed them: they moved into a removed binder while the mirror
    /// had them in another one. Like everything in the removed binder they are 404 by id, which is how the service says
    /// that they are gone.
    ///
    /// What the mirror has in the removed binder itself stays, because it is never looked up. What moved into a hidden
    /// binder stays, because it is 403 by id. A move may happen while a run reads, so this only counts after the run.
    fn removed_with_the_binder(&self, before: &Rows) -> BTreeSet<String> {
        let Some((at, true)) = self.lost else { return BTreeSet::new() };
        let binder = &self.binders[at];
        let all = self.world.edit(|o| {
            o.show_binder(binder).unwrap();
            let all = o.documents();
            o.remove_binder(binder).unwrap();
            all
        });
        let within = all.into_iter().filter(|document| document.binder == *binder).map(|document| document.id);
        within.filter(|id| before.get(id).is_some_and(|row| row.binder != *binder)).collect()
    }

    /// Every mirrored document has a file with the complete bytes of one of its versions, unless a user changed it.
    fn assert_no_document_is_lost(&self, before: &Rows, files_before: &BTreeMap<String, Vec<u8>>) {
        let (files, after) = (disk::files(&self.world.dest()), self.mirrored());
        let may_be_gone = self.removed_with_the_binder(before);
        for id in before.keys().filter(|id| self.had_a_file(id, before, files_before)) {
            let Some(Row { path, .. }) = after.get(id) else {
                assert!(may_be_gone.contains(id), "{id} is not mirrored any more");
                continue;
            };
            let bytes = files.get(path).unwrap_or_else(|| panic!("{path:?} is missing"));
            let text = String::from_utf8_lossy(bytes);
            assert!(self.versions[id].contains(bytes) || self.by_hand.contains(bytes), "{path:?} holds {text:?}");
        }
        // Files that a user created are still there, or are kept.
        for bytes in &self.by_hand {
            let there = files_before.values().any(|b| b == bytes);
            let kept = files.values().any(|b| b == bytes) || disk::is_held(&self.world.dest(), bytes);
            assert!(!there || kept, "{:?} is lost", String::from_utf8_lossy(bytes));
        }
    }

    /// The same after a crash, when rows may be behind the tree: the bytes are somewhere in it.
    fn assert_no_bytes_are_lost_from(&self, before: &Rows, files_before: &BTreeMap<String, Vec<u8>>) {
        let files: BTreeSet<Vec<u8>> = disk::files(&self.world.dest()).into_values().collect();
        let may_be_gone = self.removed_with_the_binder(before);
        for id in before.keys().filter(|id| self.had_a_file(id, before, files_before)) {
            let old = &files_before[&before[id].path];
            let there = files.contains(old) || self.versions[id].iter().any(|version| files.contains(version));
            assert!(there || may_be_gone.contains(id), "{id} has no file after a crash");
        }
    }

    /// Everything that a run left in the tree is there or is kept.
    fn assert_all_is_kept(&mut self) {
        let dest = self.world.dest();
        let files: BTreeSet<Vec<u8>> = disk::files(&dest).into_values().collect();
        for bytes in self.mirrored.difference(&files) {
            assert!(disk::is_held(&dest, bytes), "{:?} is nowhere", String::from_utf8_lossy(bytes));
        }
        self.mirrored.extend(files);
    }

    fn had_a_file(&self, id: &String, before: &Rows, files: &BTreeMap<String, Vec<u8>>) -> bool {
        !self.has_left(id) && self.versions.contains_key(id) && files.contains_key(&before[id].path)
    }

    pub(super) fn play(&mut self, round: &Round) {
        self.welcome();
        for change in &round.changes {
            self.apply(change);
        }
        self.change_during_the_run(&round.during);
        if let Some(files) = round.kill {
            let (before, seen) = (self.mirrored(), disk::files(&self.world.dest()));
            crash::run_until(&self.world, Moment::Files(files));
            self.assert_no_bytes_are_lost_from(&before, &seen);
        }
        let kinds = [K::Internal, K::Drop, K::Truncate, K::ExpiredLink, K::Garbage, K::BadGateway];
        // At worst one in three downloads fails.
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        let share = round.faults as f64 * 0.02;
        self.world.sandbox.change_settings(|s| s.seed = round.seed);
        self.world.sandbox.set_faults(kinds.into_iter().fold(Faults::none(), |all, kind| all.with(kind, share)));
        let (before, files) = (self.mirrored(), disk::files(&self.world.dest()));
        let ran = self.world.run_on(&self.config(), |m| if round.fallbacks { m.with_fallbacks_only() } else { m });
        // If only the lost binder is known, the others look like another organisation.
        let strange = self.lost.is_some() && matches!(ran.finished.ended, Ended::AnotherOrganisation);
        assert!(strange || matches!(ran.exit(), Exit::Complete | Exit::Partial), "{ran:?}");
        self.listings.keep(&self.world);
        self.assert_no_document_is_lost(&before, &files);
        self.assert_all_is_kept();
        disk::assert_objects(&self.world.dest());
    }

    /// Without faults and without changes by users, it converges.
    pub(super) fn come_to_rest(&mut self) {
        self.world.sandbox.set_faults(Faults::none());
        // If no binder is listed, no page is requested, and changes that wait for one would wait forever.
        self.regain();
        loop {
            let waiting = self.world.sandbox.scripted(Route::Search);
            if waiting == 0 {
                break;
            }
            self.world.run_as(&self.config());
            assert!(self.world.sandbox.scripted(Route::Search) < waiting, "no page was requested");
        }
        for (name, bytes) in disk::files(&self.world.dest()) {
            if self.by_hand.contains(&bytes) {
                self.delete(&name);
            }
        }
        let mut ran = self.world.run_as(&self.config());
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        // A document that waited for a name gets it in the next run.
        for _ in 0..2 {
            if self.world.plan().is_empty() {
                break;
            }
            ran = self.world.run_as(&self.config());
        }
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        self.world.assert_mirrors();
        self.world.assert_nothing_planned();
        self.assert_all_is_kept();
        self.listings.assert_known(&self.world);
    }
}
