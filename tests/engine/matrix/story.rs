//! An organisation with one change at a time, and all bytes that its documents ever had.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt as _,
};

use ibinder_sync::{model::STATE_FOLDER, sandbox::Organisation, session::Exit};

use crate::{
    disk,
    harness::{Ran, World},
};

/// The organisation, and its mirror.
pub(super) struct Story {
    pub(super) world: World,
    pub(super) binders: [String; 2],
    pub(super) tabs: [String; 2],
    /// Documents that change and are never removed.
    pub(super) documents: Vec<String>,
    /// The document of the next operation, and its folder.
    pub(super) subject: String,
    pub(super) folder: String,
    pub(super) round: usize,
    pub(super) fallbacks: bool,
    /// All versions of all documents, each with different bytes.
    versions: BTreeMap<String, Vec<Vec<u8>>>,
    /// All bytes that were ever mirrored.
    mirrored: BTreeSet<Vec<u8>>,
    /// Bytes that must no longer exist.
    erased: Vec<Vec<u8>>,
}

impl Story {
    pub(super) fn new(fallbacks: bool) -> Self {
        let mut o = Organisation::empty();
        let binders = ["Brf Eken", "Brf Linden"].map(|name| o.add_binder(name));
        let tabs = [0, 1].map(|n: usize| o.add_folder(&binders[n], None, "Avtal").unwrap());
        let mut story = Self {
            world: World::new(o),
            binders,
            tabs,
            documents: Vec::new(),
            subject: String::new(),
            folder: String::new(),
            round: 0,
            fallbacks,
            versions: BTreeMap::new(),
            mirrored: BTreeSet::new(),
            erased: Vec::new(),
        };
        for (n, name) in ["a.txt", "b.txt", "c.txt", "d.txt"].into_iter().enumerate() {
            let tab = story.tabs[n % 2].clone();
            let id = story.add(n % 2, Some(&tab), name, 1);
            story.documents.push(id);
        }
        story
    }

    /// New bytes of about this many kilobytes.
    fn fresh(&self, size: usize) -> Vec<u8> {
        let count: usize = self.versions.values().map(Vec::len).sum();
        format!("{count:063}\n").repeat(16 * size).into_bytes()
    }

    pub(super) fn add(&mut self, binder: usize, folder: Option<&str>, name: &str, size: usize) -> String {
        let bytes = self.fresh(size);
        let given = bytes.clone();
        let id = self.world.edit(|o| o.add_document(&self.binders[binder], folder, name, given)).unwrap();
        self.versions.insert(id.clone(), vec![bytes]);
        id
    }

    pub(super) fn revise(&mut self, n: usize) {
        self.revise_document(&self.documents[n].clone());
    }

    pub(super) fn revise_subject(&mut self) {
        self.revise_document(&self.subject.clone());
    }

    fn revise_document(&mut self, id: &str) {
        let bytes = self.fresh(1);
        let given = bytes.clone();
        self.world.edit(|o| o.revise(id, given)).unwrap();
        self.versions.get_mut(id).unwrap().push(bytes);
    }

    pub(super) fn folder(&mut self, binder: usize, name: &str) -> String {
        self.world.edit(|o| o.add_folder(&self.binders[binder], Some(&self.tabs[binder]), name)).unwrap()
    }

    pub(super) fn run(&self) -> Ran {
        let config = self.world.config(self.world.given());
        self.world.run_on(&config, |m| if self.fallbacks { m.with_fallbacks_only() } else { m })
    }

    /// Runs to completion: the tree matches the service, all bytes are kept, and nothing remains to be done.
    pub(super) fn complete(&mut self) {
        let ran = self.run();
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        self.world.assert_mirrors();
        // Names that swap places are unique, so they have no `[id]`. The folders Flytt and Bort have several documents.
        let shows_id = |path: &String| {
            path.split('/').any(|n| n.contains(" [") && !n.starts_with("Flytt") && !n.starts_with("Bort"))
        };
        let ids: Vec<String> = disk::files(&self.world.dest()).into_keys().filter(shows_id).collect();
        assert_eq!(ids, Vec::<String>::new());
        self.world.assert_nothing_planned();
        assert_eq!(self.world.sql::<String>("PRAGMA integrity_check"), "ok");
        let dest = self.world.dest();
        disk::walk(&dest, &dest, &mut |path, name| assert_eq!(path.metadata().unwrap().nlink(), 1, "{name}"));
        let living = self.latest();
        let dest = self.world.dest();
        assert!(!self.erased.iter().any(|bytes| disk::is_held(&dest, bytes)), "erased bytes still exist");
        for bytes in self.mirrored.iter().filter(|bytes| !living.contains(*bytes)) {
            self.world.assert_held(bytes);
        }
        self.mirrored.extend(living);
    }

    fn latest(&self) -> BTreeSet<Vec<u8>> {
        self.world.edit(|o| o.documents().iter().map(|d| o.bytes(&d.id, &d.version).unwrap()).collect())
    }

    /// Expects that only the last two versions of a document are kept.
    pub(super) fn keep_two_versions(&mut self, n: usize) {
        let versions = &self.versions[&self.documents[n]];
        self.erased = versions[..versions.len() - 2].to_vec();
        self.mirrored.retain(|bytes| !self.erased.contains(bytes));
    }

    /// The subject is removed, and its bytes must be erased.
    pub(super) fn erase_subject(&mut self) {
        self.world.edit(|o| o.remove_document(&self.subject).unwrap());
        for bytes in &self.versions[&self.subject] {
            assert!(self.mirrored.remove(bytes));
            self.erased.push(bytes.clone());
        }
    }

    fn file_of(&self, n: usize) -> std::path::PathBuf {
        let path: String = self.world.sql(&format!("SELECT path FROM documents WHERE id = '{}'", self.documents[n]));
        self.world.at(&path)
    }

    /// Damages a document's file.
    pub(super) fn damage(&mut self, n: usize) {
        let (bytes, file) = (self.fresh(1), self.file_of(n));
        self.mirrored.remove(&fs::read(&file).unwrap());
        fs::write(file, &bytes).unwrap();
        self.versions.get_mut(&self.documents[n]).unwrap().push(bytes);
    }

    pub(super) fn lose_file(&mut self, n: usize) {
        let file = self.file_of(n);
        self.mirrored.remove(&fs::read(&file).unwrap());
        fs::remove_file(file).unwrap();
    }

    /// Deletes everything except for the tree and the objects.
    pub(super) fn lose_the_state(&mut self) {
        let database = self.world.database();
        fs::remove_file(&database).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{suffix}", database.display()));
        }
    }

    /// Deletes the whole destination.
    pub(super) fn forget_everything(&mut self) {
        let _ = fs::remove_dir_all(self.world.dest());
        self.mirrored.clear();
    }

    /// Living documents with a file.
    pub(super) fn present(&self) -> Vec<String> {
        let files: BTreeSet<Vec<u8>> = disk::files(&self.world.dest()).into_values().collect();
        let living = self.world.edit(|o| o.documents());
        let has_file = |id: &String| self.versions[id].iter().any(|version| files.contains(version));
        living.into_iter().map(|d| d.id).filter(has_file).collect()
    }

    /// After a kill: every file is complete, no living document is missing, and all bytes are somewhere.
    pub(super) fn assert_nothing_lost(&self, before: &[String]) {
        let files: BTreeSet<Vec<u8>> = disk::files(&self.world.dest()).into_values().collect();
        let all: BTreeSet<&Vec<u8>> = self.versions.values().flatten().collect();
        assert!(files.iter().all(|bytes| all.contains(bytes)), "a file is not complete");
        let present = self.present();
        let living: BTreeSet<String> = self.world.edit(|o| o.documents()).into_iter().map(|d| d.id).collect();
        for id in before.iter().filter(|id| living.contains(*id)) {
            assert!(present.contains(id), "{id} has no file");
        }
        let state = self.world.dest().join(STATE_FOLDER);
        let mut kept: BTreeSet<Vec<u8>> = files;
        for folder in ["objects", "tmp"] {
            let mut keep = |path: &std::path::Path, _| kept.extend(fs::read(path));
            disk::walk(&state, &state.join(folder), &mut keep);
        }
        assert!(self.mirrored.is_subset(&kept), "mirrored bytes were lost");
    }
}
