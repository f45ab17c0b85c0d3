//! Decisions that need every binder: renames, follow-up downloads, absent documents.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

use crate::{
    evidence::is_check_due,
    mirror::OnDisk,
    model::{BinderId, ClockReading, DocumentId, Listed, Particulars, RelPath, VersionId},
    naming,
    plan::{Leg, Mover, arrange},
    report::Change,
    state::{Known, Provisional},
    sync::{
        Fatal,
        commit::operation::RowChange,
        decide::{
            contested_folders::ContestedFolder,
            planner::{PageDecisions, Planner, particulars},
            reservations::InFlight,
            rows::same_place,
            target_paths::candidates,
        },
        fetch::job::DownloadJob,
    },
};

/// A rename, and the document's row after it.
#[derive(Debug)]
pub(crate) struct Rename {
    pub(crate) leg: Leg,
    pub(crate) particulars: Particulars,
}

/// A document that moves, with its row after and before.
struct Move {
    mover: Mover,
    new: Particulars,
    old: Particulars,
}

/// All renames of a run in their order, and rows that change without one.
#[derive(Debug, Default)]
pub(crate) struct RenamePlan {
    pub(crate) renames: Vec<Rename>,
    pub(crate) rows: Vec<RowChange>,
}

impl Planner {
    /// Whether the mirror has or had a version of a document.
    pub(crate) fn has_had(&mut self, document: &DocumentId, version: &VersionId) -> Result<bool, Fatal> {
        let known = self.state.read(|r| r.document(document))?;
        Ok(known.is_some_and(|k| k.version == *version) || self.state.read(|r| r.was_version(document, version))?)
    }

    /// Treats the result of a lookup by id as a listing, and cancels what was planned for the document.
    pub(crate) fn replan(&mut self, listed: Listed) {
        self.reservations.release(&listed.id);
        self.to_reconcile.insert(listed.id.clone(), listed);
    }

    /// Takes in a document that no listing had and that a lookup by id found.
    pub(crate) fn add_unlisted(&mut self, listed: Listed) -> Result<(), Fatal> {
        self.mark(&listed.id)?;
        self.replan(listed);
        Ok(())
    }

    /// Downloads for documents that changed while another version was in flight, or whose file is missing.
    pub(crate) fn follow_up_downloads(&mut self) -> Result<PageDecisions, Fatal> {
        let mut all = PageDecisions::default();
        let to_reconcile: Vec<Listed> = self.to_reconcile.values().cloned().collect();
        for item in to_reconcile {
            if !self.trees.contains_key(&item.binder) {
                continue;
            }
            let known = self.state.read(|r| r.document(&item.id))?;
            let is_there = |known: &Known| !matches!(self.root.look(&known.path), Ok(OnDisk::Missing));
            if known.is_none_or(|k| item.version.as_ref().is_some_and(|v| *v != k.version) || !is_there(&k)) {
                // It was counted when it was listed.
                self.counted.insert(item.id.clone());
                let decisions = self.compare_page(&item.binder.clone(), &[item], true)?;
                all.jobs.extend(decisions.jobs);
                all.rows.extend(decisions.rows);
            }
        }
        Ok(all)
    }

    /// Versions that were accepted for now and are due for another download.
    pub(crate) fn checks(&mut self, now: ClockReading) -> Result<Vec<DownloadJob>, Fatal> {
        let mut jobs = Vec::new();
        for row in self.state.read(|r| r.provisional())? {
            let is_due = is_check_due(row.accepted_at, row.passed, now);
            let Some(known) = self.state.read(|r| r.document(&row.document))?.filter(|_| is_due) else { continue };
            // Only listed documents can be downloaded, and those in flight get a new version anyway.
            let in_flight = !self.reservations.in_flight(std::iter::once(&known.id)).is_empty();
            if in_flight || !self.seen.has(known.number) || self.to_reconcile.contains_key(&known.id) {
                continue;
            }
            self.reservations.keep(&known.id, InFlight::again(&known));
            jobs.push(check(known, row));
        }
        Ok(jobs)
    }

    /// Plans all renames as a set.
    pub(crate) fn plan_renames(&mut self) -> Result<RenamePlan, Fatal> {
        let mut to_reconcile = std::mem::take(&mut self.to_reconcile);
        let mut contested = self.rename_contested_folders(&mut to_reconcile)?;
        loop {
            let (plan, moves) = self.moves(&to_reconcile)?;
            let ids: HashSet<&DocumentId> = moves.iter().map(|m| &m.mover.document).collect();
            let above = RefCell::default();
            let taken = |key: &str, _: &DocumentId| self.is_taken(key, &ids, &mut above.borrow_mut());
            let movers: Vec<Mover> = moves.iter().map(|m| m.mover.clone()).collect();
            let legs = arrange(&movers, naming::key, taken);
            let moved: HashSet<&DocumentId> = legs.iter().map(|leg| &leg.document).collect();
            let (granted, refused): (Vec<ContestedFolder>, Vec<ContestedFolder>) =
                contested.into_iter().partition(|w| w.owner.as_ref().is_none_or(|owner| moved.contains(owner)));
            if refused.is_empty() {
                self.record_contested_folders()?;
                return Ok(add_renames(plan, &moves, legs));
            }
            contested = granted;
            self.restore_folder_names(refused);
        }
    }

    /// The documents that move, and the rows of those that only changed their folder or name at the service.
    fn moves(&self, to_reconcile: &HashMap<DocumentId, Listed>) -> Result<(RenamePlan, Vec<Move>), Fatal> {
        let (mut plan, mut moves) = (RenamePlan::default(), Vec::new());
        for item in to_reconcile.values() {
            let Some((dir, known)) = self.destination(item)? else { continue };
            let candidates = candidates(&self.reservations, item, &known, dir)?;
            let new = particulars(item, known.version.clone());
            if candidates.first() == Some(&known.path) {
                if item.metadata.is_some() || !same_place(item, &known, dir) {
                    plan.rows.push(RowChange::Place { document: known.id, particulars: new });
                }
                continue;
            }
            let Known { binder, folder, file_name, .. } = known;
            let old = Particulars { binder, folder, file_name, ..new.clone() };
            moves.push(Move { mover: Mover { document: known.id, from: known.path, candidates }, new, old });
        }
        Ok((plan, moves))
    }

    /// The folder of a listed document, and its row. `None` if its binder was not read in this run or a filter excludes it:
    /// then its file stays.
    pub(crate) fn destination(&self, item: &Listed) -> Result<Option<(&RelPath, Known)>, Fatal> {
        let Some(dir) = self.trees.get(&item.binder).and_then(|t| t.path(item.folder.as_ref())) else {
            return Ok(None);
        };
        if !self.options.filter.wants(dir, || naming::portable(&item.file_name)) {
            return Ok(None);
        }
        Ok(self.state.read(|r| r.document(&item.id))?.map(|known| (dir, known)))
    }

    /// Whether a path is a folder, or conflicts with the file of a document that stays. `above` caches for folders whether
    /// such a file has their path or that of a folder above.
    fn is_taken(&self, key: &str, moving: &HashSet<&DocumentId>, above: &mut HashMap<String, bool>) -> bool {
        let is_folder = self.trees.values().any(|tree| tree.has(key));
        if is_folder || self.stays(key, moving) || self.is_below(key, moving, above) {
            return true;
        }
        // A renamed folder stays on disk under its old name as long as documents stay in it.
        let below = self.state.read(|r| r.documents_below(key));
        below.map_or(true, |below| below.iter().any(|known| !moving.contains(&known.id)))
    }

    /// Whether a document that stays has a path. If the state can't be read, the path counts as taken: at worst a name gets
    /// longer.
    fn stays(&self, key: &str, moving: &HashSet<&DocumentId>) -> bool {
        let owner = self.state.read(|r| r.owner(key));
        owner.map_or(true, |owner| owner.is_some_and(|owner| !moving.contains(&owner)))
    }

    /// Whether a path is below the file of a document that stays.
    fn is_below(&self, key: &str, moving: &HashSet<&DocumentId>, above: &mut HashMap<String, bool>) -> bool {
        let Some((folder, _)) = key.rsplit_once('/') else { return false };
        if let Some(&found) = above.get(folder) {
            return found;
        }
        let found = self.stays(folder, moving) || self.is_below(folder, moving, above);
        above.insert(folder.to_owned(), found);
        found
    }

    /// Documents of a certified binder that no listing of this run had.
    pub(crate) fn absent(&mut self, binder: &BinderId) -> Result<Vec<Known>, Fatal> {
        let mut absent = Vec::new();
        for number in self.unseen.remove(binder).unwrap_or_default() {
            // A document that any binder listed is not absent.
            if self.seen.has(number) {
                continue;
            }
            // The number of a row that was deleted could come back with another document.
            let known = self.state.read(|r| r.by_number(number))?.filter(|known| known.binder == *binder);
            let Some(known) = known else { continue };
            // An excluded document was not looked for.
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

/// Adds the renames in their order, and the rows of documents for which no better path is free.
fn add_renames(mut plan: RenamePlan, moves: &[Move], legs: Vec<Leg>) -> RenamePlan {
    let moved: HashSet<DocumentId> = legs.iter().map(|leg| leg.document.clone()).collect();
    for staying in moves.iter().filter(|m| !moved.contains(&m.mover.document)) {
        let (document, particulars) = (staying.mover.document.clone(), staying.new.clone());
        plan.rows.push(RowChange::Place { document, particulars });
    }
    let rows: HashMap<&DocumentId, &Move> = moves.iter().map(|m| (&m.mover.document, m)).collect();
    for leg in legs {
        let Some(row) = rows.get(&leg.document) else { continue };
        // A file that only steps aside keeps its old row, so that after a crash the next run moves it on.
        let particulars = if leg.aside { row.old.clone() } else { row.new.clone() };
        plan.renames.push(Rename { leg, particulars });
    }
    plan
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
