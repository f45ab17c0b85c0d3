//! An organisation that changes at random, and what all its versions hash to.

use std::collections::{BTreeMap, BTreeSet};

use ibinder_sync::sandbox::{DocumentView, Organisation, Sandbox, Settings};

use crate::disk;

/// Documents at the beginning.
const DOCUMENTS: usize = 150;

/// Numbers that a seed decides (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// The organisation, served.
pub(crate) struct Story {
    pub(crate) world: Sandbox,
    pub(crate) changes: u64,
    dice: Dice,
    /// Binders, and the folders of each.
    places: Vec<(String, Option<String>)>,
    removed: Vec<String>,
    /// Which document's version a hash is.
    versions: BTreeMap<String, String>,
}

impl Story {
    pub(crate) fn new(seed: u64) -> Self {
        let mut o = Organisation::empty();
        let mut places = Vec::new();
        for name in ["Brf Eken", "Brf Linden", "Brf Asken"] {
            let binder = o.add_binder(name);
            for tab in ["Avtal", "Ritningar"] {
                let tab = o.add_folder(&binder, None, tab).unwrap();
                let folder = o.add_folder(&binder, Some(&tab), "El").unwrap();
                places.extend([(binder.clone(), Some(tab)), (binder.clone(), Some(folder))]);
            }
            places.push((binder, None));
        }
        let world = Sandbox::start(o, Settings { page_size_cap: 20, ..Settings::default() }).unwrap();
        let mut story =
            Self { world, changes: 0, dice: Dice(seed), places, removed: Vec::new(), versions: BTreeMap::new() };
        for _ in 0..DOCUMENTS {
            story.add();
        }
        story
    }

    /// Bytes that nobody had before; some are more than what a partial download must have to be kept.
    fn fresh(&mut self) -> Vec<u8> {
        let lines = if self.dice.below(25) == 0 { 50_000 } else { self.dice.below(800) + 1 };
        format!("{:016x} {:046}\n", self.dice.next(), self.versions.len()).repeat(lines).into_bytes()
    }

    fn name(&mut self) -> String {
        format!("{}.txt", self.dice.below(60))
    }

    fn place(&mut self) -> (String, Option<String>) {
        self.places[self.dice.below(self.places.len())].clone()
    }

    fn document(&mut self) -> DocumentView {
        let mut all = self.world.with_organisation(|o| o.documents());
        all.swap_remove(self.dice.below(all.len()))
    }

    fn add(&mut self) {
        let ((binder, folder), name, bytes) = (self.place(), self.name(), self.fresh());
        let hash = disk::sha256(&bytes);
        let id = self.world.with_organisation(|o| o.add_document(&binder, folder.as_deref(), &name, bytes)).unwrap();
        self.versions.insert(hash, id);
    }

    /// Anything that can happen to a document.
    pub(crate) fn change(&mut self) {
        if self.dice.below(8) == 0 && !self.removed.is_empty() {
            let id = self.removed.swap_remove(self.dice.below(self.removed.len()));
            self.world.with_organisation(|o| o.restore_document(&id)).unwrap();
            self.changes += 1;
        } else {
            self.change_meanwhile();
        }
    }

    /// Anything but a return. The document that was removed, if one was.
    pub(crate) fn change_meanwhile(&mut self) -> Option<String> {
        self.changes += 1;
        let one = self.document();
        match self.dice.below(12) {
            0..4 => {
                let bytes = self.fresh();
                self.versions.insert(disk::sha256(&bytes), one.id.clone());
                self.world.with_organisation(|o| o.revise(&one.id, bytes)).unwrap();
            }
            4..6 => {
                let name = self.name();
                self.world.with_organisation(|o| o.rename_document(&one.id, &name)).unwrap();
            }
            6..8 => {
                let (binder, folder) = self.place();
                self.world.with_organisation(|o| o.move_document(&one.id, &binder, folder.as_deref())).unwrap();
            }
            8 => {
                let other = self.document();
                self.world.with_organisation(|o| {
                    o.rename_document(&one.id, &other.file_name).unwrap();
                    o.rename_document(&other.id, &one.file_name).unwrap();
                });
            }
            9 if self.removed.len() < DOCUMENTS / 4 => {
                self.world.with_organisation(|o| o.remove_document(&one.id)).unwrap();
                self.removed.push(one.id.clone());
                return Some(one.id);
            }
            _ => self.add(),
        }
        None
    }

    /// Documents that live and have a file of this tree.
    pub(crate) fn present(&self, hashes: &BTreeSet<String>) -> BTreeSet<String> {
        let living = self.world.with_organisation(|o| o.documents());
        let filed: BTreeSet<&String> = hashes.iter().filter_map(|hash| self.versions.get(hash)).collect();
        living.into_iter().map(|document| document.id).filter(|id| filed.contains(id)).collect()
    }

    /// Each file is some version of some document.
    pub(crate) fn assert_whole(&self, hashes: &BTreeSet<String>) {
        assert!(hashes.iter().all(|hash| self.versions.contains_key(hash)), "a file is not whole");
    }
}
