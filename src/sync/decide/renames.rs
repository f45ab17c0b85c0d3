//! What is decided when all binders were read: renames, late versions, and who is absent.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

use crate::{
    evidence::is_check_due,
    mirror::OnDisk,
    model::{
        BinderId, ClockReading, DocumentId, Folder, FolderId, KnownFolder, Listed, Particulars, RelPath, VersionId,
    },
    naming,
    plan::{Leg, Mover, Tree, arrange},
    report::Change,
    state::{Known, Provisional},
    sync::{
        Fatal,
        commit::operation::RowChange,
        decide::{
            contested_folders::ContestedFolder,
            planner::{PageDecisions, Planner, particulars, same_place},
            reservations::InFlight,
            target_paths::candidates,
        },
        fetch::job::DownloadJob,
    },
};

/// A rename with what the state will say.
#[derive(Debug)]
pub(crate) struct Rename {
    pub(crate) leg: Leg,
    pub(crate) particulars: Particulars,
}

/// A document that goes elsewhere: what the state will say, and what it says.
struct Going {
    mover: Mover,
    new: Particulars,
    old: Particulars,
}

/// What the documents that were listed otherwise than they are mirrored need.
#[derive(Debug, Default)]
pub(crate) struct Settlement {
    pub(crate) renames: Vec<Rename>,
    pub(crate) rows: Vec<RowChange>,
}

impl Planner {
    /// Loads a binder's folders and tells how many of its documents are mirrored.
    pub(crate) fn open_binder(&mut self, binder: &BinderId, segment: &str) -> Result<u64, Fatal> {
        self.open_tree(binder, segment)?;
        Ok(self.state.read(|r| r.documents_in(binder))?)
    }

    /// How many folders of a binder are known.
    pub(crate) fn folders_in(&mut self, binder: &BinderId) -> usize {
        self.trees.get(binder).map_or(0, Tree::len)
    }

    /// The tabs of a binder.
    pub(crate) fn tabs(&mut self, binder: &BinderId) -> Vec<FolderId> {
        self.trees.get(binder).map(Tree::tabs).unwrap_or_default()
    }

    /// Takes over the folders that were read; `whole`: all of them. Without `requests` they are due
    /// again in the next run.
    pub(crate) fn take_folders(
        &mut self,
        binder: &BinderId,
        folders: Vec<Folder>,
        whole: bool,
        requests: Option<u32>,
    ) -> Result<(), Fatal> {
        self.recase_folders(binder, folders.iter().map(|folder| &folder.id))?;
        let (state, names) = (&self.state, &self.reservations);
        let Some(tree) = self.trees.get_mut(binder) else { return Ok(()) };
        let taken = |key: &str| names.has(key) || state.read(|r| r.owner(key)).is_ok_and(|owner| owner.is_some());
        let (changed, gone): (Vec<KnownFolder>, Vec<FolderId>) = tree.refresh(folders, self.now, taken);
        let forgotten = if whole && !gone.is_empty() {
            let used = state.read(|r| r.used_folders(binder))?;
            tree.forget(gone.into_iter().filter(|folder| !used.contains(folder)).collect())
        } else {
            Vec::new()
        };
        // Folders whose name is open are written down when all binders were read. Until then the next run sees them anew.
        let open: HashSet<&FolderId> = if self.has_folded_ids {
            HashSet::new()
        } else {
            tree.contested().iter().map(|(folder, _)| folder).collect()
        };
        let requests = if open.is_empty() {
            requests
        } else {
            self.contested.insert(binder.clone(), requests);
            None
        };
        state.write(|w| {
            for folder in changed.iter().filter(|folder| !open.contains(&folder.id)) {
                w.upsert_folder(binder, folder)?;
            }
            for folder in &forgotten {
                w.delete_folder(binder, folder)?;
            }
            requests.map_or(Ok(()), |requests| w.folders_refreshed(binder, requests))
        })?;
        Ok(())
    }

    /// Whether the mirror has or had a version of a document.
    pub(crate) fn has_had(&mut self, document: &DocumentId, version: &VersionId) -> Result<bool, Fatal> {
        let known = self.state.read(|r| r.document(document))?;
        Ok(known.is_some_and(|k| k.version == *version) || self.state.read(|r| r.was_version(document, version))?)
    }

    /// An answer by id counts like a listed item. What was planned for the document is not done.
    pub(crate) fn answered(&mut self, listed: Listed) {
        self.reservations.arrived(&listed.id);
        self.unsettled.insert(listed.id.clone(), listed);
    }

    /// A document that no listing had answers by id.
    pub(crate) fn found(&mut self, listed: Listed) -> Result<(), Fatal> {
        self.mark(&listed.id)?;
        self.answered(listed);
        Ok(())
    }

    /// Documents that have another version now than when they were brought over, or whose file is missing.
    pub(crate) fn late_versions(&mut self) -> Result<PageDecisions, Fatal> {
        let mut late = PageDecisions::default();
        let unsettled: Vec<Listed> = self.unsettled.values().cloned().collect();
        for item in unsettled {
            if !self.trees.contains_key(&item.binder) {
                continue;
            }
            let known = self.state.read(|r| r.document(&item.id))?;
            let is_there = |known: &Known| !matches!(self.root.look(&known.path), Ok(OnDisk::Missing));
            if known.is_none_or(|k| item.version.as_ref().is_some_and(|v| *v != k.version) || !is_there(&k)) {
                // It was counted when it was listed.
                self.counted.insert(item.id.clone());
                let absorbed = self.absorb(&item.binder.clone(), &[item], true)?;
                late.jobs.extend(absorbed.jobs);
                late.rows.extend(absorbed.rows);
            }
        }
        Ok(late)
    }

    /// Versions that were accepted for now and are due to be fetched again.
    pub(crate) fn checks(&mut self, now: ClockReading) -> Result<Vec<DownloadJob>, Fatal> {
        let mut jobs = Vec::new();
        for row in self.state.read(|r| r.provisional())? {
            let is_due = is_check_due(row.accepted_at, row.passed, now);
            let Some(known) = self.state.read(|r| r.document(&row.document))?.filter(|_| is_due) else { continue };
            // Only what is still listed can be fetched; what is on its way gets a new version anyway.
            let comes = !self.reservations.on_their_way(std::iter::once(&known.id)).is_empty();
            if comes || !self.seen.has(known.number) || self.unsettled.contains_key(&known.id) {
                continue;
            }
            self.reservations.keep(&known.id, InFlight::again(&known));
            jobs.push(check(known, row));
        }
        Ok(jobs)
    }

    /// Renames in an order that works, and rows that change without one.
    pub(crate) fn settle(&mut self) -> Result<Settlement, Fatal> {
        let mut unsettled = std::mem::take(&mut self.unsettled);
        let mut contested = self.grant_contested(&mut unsettled)?;
        loop {
            let (settlement, going) = self.going(&unsettled)?;
            let ids: HashSet<&DocumentId> = going.iter().map(|g| &g.mover.document).collect();
            let above = RefCell::default();
            let taken = |key: &str, _: &DocumentId| self.is_taken(key, &ids, &mut above.borrow_mut());
            let movers: Vec<Mover> = going.iter().map(|g| g.mover.clone()).collect();
            let legs = arrange(&movers, naming::key, taken);
            let moved: HashSet<&DocumentId> = legs.iter().map(|leg| &leg.document).collect();
            let (granted, refused): (Vec<ContestedFolder>, Vec<ContestedFolder>) =
                contested.into_iter().partition(|w| w.owner.as_ref().is_none_or(|owner| moved.contains(owner)));
            if refused.is_empty() {
                self.write_contested()?;
                return Ok(settled(settlement, &going, legs));
            }
            contested = granted;
            self.withdraw(refused);
        }
    }

    /// Which of the unsettled documents go elsewhere; the others' rows are settled already.
    fn going(&self, unsettled: &HashMap<DocumentId, Listed>) -> Result<(Settlement, Vec<Going>), Fatal> {
        let (mut settlement, mut going) = (Settlement::default(), Vec::new());
        for item in unsettled.values() {
            let Some((dir, known)) = self.destination(item)? else { continue };
            let candidates = candidates(&self.reservations, item, &known, dir)?;
            let new = particulars(item, known.version.clone());
            if candidates.first() == Some(&known.path) {
                if item.metadata.is_some() || !same_place(item, &known, dir) {
                    settlement.rows.push(RowChange::Place { document: known.id, particulars: new });
                }
                continue;
            }
            let Known { binder, folder, file_name, .. } = known;
            let old = Particulars { binder, folder, file_name, ..new.clone() };
            going.push(Going { mover: Mover { document: known.id, from: known.path, candidates }, new, old });
        }
        Ok((settlement, going))
    }

    /// The folder that a listed document goes to, and its row; a document whose new binder was not read in this run
    /// keeps its file.
    pub(crate) fn destination(&self, item: &Listed) -> Result<Option<(&RelPath, Known)>, Fatal> {
        let Some(dir) = self.trees.get(&item.binder).and_then(|t| t.path(item.folder.as_ref())) else {
            return Ok(None);
        };
        if !self.options.filter.wants(dir, || naming::portable(&item.file_name)) {
            return Ok(None);
        }
        Ok(self.state.read(|r| r.document(&item.id))?.map(|known| (dir, known)))
    }

    /// Whether a path is a folder, or conflicts with the file of a document that stays. `above` remembers for the
    /// folders that were asked about whether such a file is in their way.
    fn is_taken(&self, key: &str, going: &HashSet<&DocumentId>, above: &mut HashMap<String, bool>) -> bool {
        if self.stays(key, going) || self.trees.values().any(|tree| tree.has(key)) || self.is_below(key, going, above) {
            return true;
        }
        // A folder that has another name now lies there as long as documents stay in it.
        let below = self.state.read(|r| r.documents_below(key));
        below.map_or(true, |below| below.iter().any(|known| !going.contains(&known.id)))
    }

    /// Whether a document that stays has a path. What can't be read stays: the worst that follows is a longer name.
    fn stays(&self, key: &str, going: &HashSet<&DocumentId>) -> bool {
        let owner = self.state.read(|r| r.owner(key));
        owner.map_or(true, |owner| owner.is_some_and(|owner| !going.contains(&owner)))
    }

    /// Whether a path lies below the file of a document that stays.
    fn is_below(&self, key: &str, going: &HashSet<&DocumentId>, above: &mut HashMap<String, bool>) -> bool {
        let Some((folder, _)) = key.rsplit_once('/') else { return false };
        if let Some(&found) = above.get(folder) {
            return found;
        }
        let found = self.stays(folder, going) || self.is_below(folder, going, above);
        above.insert(folder.to_owned(), found);
        found
    }

    /// Documents of a certified binder that were not seen anywhere in the run.
    pub(crate) fn absent(&mut self, binder: &BinderId) -> Result<Vec<Known>, Fatal> {
        let newest = self.seen.newest();
        let numbers = self.state.read(|r| r.numbers_in(binder, newest))?;
        let mut absent = Vec::new();
        for number in numbers {
            // Whatever else is said of a document: one that was listed is not absent.
            if self.seen.has(number) {
                continue;
            }
            let Some(known) = self.state.read(|r| r.by_number(number))? else { continue };
            // What a filter leaves out is not looked at, and so not missed.
            let dir = known.path.parent();
            if dir.is_some_and(|dir| !self.options.filter.wants(&dir, || known.path.leaf().to_owned())) {
                continue;
            }
            if !self.is_kept_for_its_id(&known)? {
                absent.push(known);
            }
        }
        Ok(absent)
    }
}

/// The renames in their order, and the rows of those that go nowhere.
fn settled(mut settlement: Settlement, going: &[Going], legs: Vec<Leg>) -> Settlement {
    let moved: HashSet<DocumentId> = legs.iter().map(|leg| leg.document.clone()).collect();
    for g in going.iter().filter(|g| !moved.contains(&g.mover.document)) {
        let (document, particulars) = (g.mover.document.clone(), g.new.clone());
        settlement.rows.push(RowChange::Place { document, particulars });
    }
    let rows: HashMap<&DocumentId, &Going> = going.iter().map(|g| (&g.mover.document, g)).collect();
    for leg in legs {
        let Some(row) = rows.get(&leg.document) else { continue };
        // Who only steps aside is still called what it was: a crash then leaves it to the next run.
        let particulars = if leg.aside { row.old.clone() } else { row.new.clone() };
        settlement.renames.push(Rename { leg, particulars });
    }
    settlement
}

fn check(known: Known, row: Provisional) -> DownloadJob {
    let particulars = known.particulars();
    DownloadJob {
        document: known.id,
        path: known.path,
        particulars,
        replaces: true,
        change: Change::Updated,
        object: None,
        found: false,
        check: Some(row),
    }
}
