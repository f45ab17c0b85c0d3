//! Compares listed documents with what is known, and decides what to do about each.
//!
//! The planner is one thread that owns the reading side of the state, the folder trees of the binders being read, and the
//! marks of the documents that were seen. Pages go in, download jobs come out. Its memory grows with changes and folders,
//! plus one bit a document.
//!
//! Moves and absences are only noted here: they are decided once all binders were read.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    mirror::{OnDisk, Root},
    model::{BinderId, DocumentId, Listed, Particulars, RelPath, VersionId},
    naming,
    plan::{Action, Facts, FileState, KnownFacts, ListedIn, Tree, decide},
    report::{Change, FileWarning, Tally, Warning},
    state::{self, Fingerprint, Known, State, fingerprint, metadata_hash},
    sync::{
        Fatal, Options,
        commit::operation::RowChange,
        decide::{
            listed_versions::ListedVersions,
            reservations::{InFlight, Reservations},
            seen::SeenDocuments,
        },
        fetch::job::DownloadJob,
        list::filter::FilterHits,
    },
};

/// What to do about the documents of a page.
#[derive(Debug, Default)]
pub(crate) struct PageDecisions {
    pub(crate) jobs: Vec<DownloadJob>,
    /// Rows to update without touching a file.
    pub(crate) rows: Vec<RowChange>,
    /// Documents are in folders without a path, so nothing else was decided.
    pub(crate) unknown_folders: bool,
}

/// What the planner's thread owns.
pub(crate) struct Planner {
    pub(crate) state: Arc<State>,
    pub(crate) root: Arc<Root>,
    pub(crate) reservations: Reservations,
    pub(crate) tally: Arc<Tally>,
    pub(crate) options: Arc<Options>,
    pub(crate) trees: HashMap<BinderId, Tree>,
    /// The tabs and folders of each binder in which documents were listed.
    pub(crate) occupied: HashMap<BinderId, HashSet<ListedIn>>,
    pub(crate) seen: SeenDocuments,
    /// Documents without a row that were counted and are not in flight.
    pub(crate) counted: HashSet<DocumentId>,
    /// Documents whose place, name or version differs from the mirror's, as they were listed last.
    pub(crate) to_reconcile: HashMap<DocumentId, Listed>,
    /// Binders with folders whose name a document's file has, and how many requests reading their folders took.
    pub(crate) contested: HashMap<BinderId, Option<u32>>,
    /// One document of each binder that was listed in this run.
    pub(crate) controls: HashMap<BinderId, DocumentId>,
    /// Fingerprints of documents that were purged on request.
    pub(crate) purged: HashSet<Fingerprint>,
    /// Versions that are acknowledged as missing.
    pub(crate) acknowledged: Arc<HashMap<DocumentId, VersionId>>,
    /// Whether the mirror had objects of old versions when the run began; a first run then skips the lookups.
    pub(crate) holds_any: bool,
    /// Whether ids in the state may have lost their case.
    pub(crate) has_folded_ids: bool,
    /// Row numbers of documents whose files look as recorded but have other inodes, as in a mirror that was copied to
    /// another disk. Their bytes are checked later.
    pub(crate) unproved: Vec<i64>,
    pub(crate) filter_hits: FilterHits,
    pub(crate) versions: ListedVersions,
    pub(crate) now: i64,
}

/// What the state contains when a run begins.
pub(crate) struct InitialState {
    newest: i64,
    holds_any: bool,
    has_folded_ids: bool,
    purged: HashSet<Fingerprint>,
    pub(crate) acknowledged: Arc<HashMap<DocumentId, VersionId>>,
}

impl InitialState {
    pub(crate) fn read(state: &State) -> Result<Self, state::Error> {
        state.read(|r| {
            Ok(Self {
                newest: r.extent()?.1,
                holds_any: r.holds_any()?,
                has_folded_ids: r.has_folded_ids()?,
                purged: r.purged()?,
                acknowledged: Arc::new(r.acknowledged()?),
            })
        })
    }
}

impl Planner {
    pub(crate) fn new(
        state: &Arc<State>,
        root: &Arc<Root>,
        tally: &Arc<Tally>,
        options: &Arc<Options>,
        reservations: Reservations,
        initial: InitialState,
    ) -> Self {
        Self {
            state: Arc::clone(state),
            root: Arc::clone(root),
            reservations,
            tally: Arc::clone(tally),
            options: Arc::clone(options),
            trees: HashMap::new(),
            occupied: HashMap::new(),
            seen: SeenDocuments::up_to(initial.newest),
            counted: HashSet::new(),
            to_reconcile: HashMap::new(),
            contested: HashMap::new(),
            controls: HashMap::new(),
            purged: initial.purged,
            acknowledged: initial.acknowledged,
            holds_any: initial.holds_any,
            has_folded_ids: initial.has_folded_ids,
            unproved: Vec::new(),
            filter_hits: FilterHits::default(),
            versions: ListedVersions::default(),
            now: jiff::Timestamp::now().as_second(),
        }
    }

    /// Marks a document as seen although its item can't be used.
    pub(crate) fn mark(&mut self, document: &DocumentId) -> Result<(), Fatal> {
        self.skips_purged(document);
        let first = match self.state.read(|r| r.document(document))? {
            Some(known) => self.seen.mark(known.number),
            None => self.counted.insert(document.clone()),
        };
        if first {
            self.tally.seen(1);
        }
        Ok(())
    }

    /// Compares a page's documents with what is known. Folders without a path get one if `assign_paths` is set;
    /// otherwise the caller reads the binder's folders first.
    pub(crate) fn compare_page(
        &mut self,
        binder: &BinderId,
        items: &[Listed],
        assign_paths: bool,
    ) -> Result<PageDecisions, Fatal> {
        self.recase(binder, items)?;
        let mut decisions = PageDecisions::default();
        let items = &last_of_each(items);
        if !self.knows_folders(binder, items, assign_paths)? {
            decisions.unknown_folders = true;
            return Ok(decisions);
        }
        if let Some(item) = items.last() {
            self.controls.insert(binder.clone(), item.id.clone());
        }
        let ids: Vec<&DocumentId> = items.iter().map(|item| &item.id).collect();
        // Read before the rows: a document that is committed in between is found in its row, never in neither.
        let in_flight = self.reservations.in_flight(ids.iter().copied());
        let known = self.state.read(|r| r.documents(binder, &ids))?;
        let files = self.look_at(&known)?;
        for &item in items {
            let (known, in_flight) = (known.get(&item.id), in_flight.get(&item.id));
            self.count(item, known, in_flight.is_some());
            if !self.skips_purged(&item.id) {
                let file = known.and_then(|k| files.get(&k.number)).copied().unwrap_or(FileState::AsPublished);
                self.compare(item, known, file, in_flight, &mut decisions)?;
            }
        }
        Ok(decisions)
    }

    fn compare(
        &mut self,
        item: &Listed,
        known: Option<&Known>,
        file: FileState,
        in_flight: Option<&InFlight>,
        decisions: &mut PageDecisions,
    ) -> Result<(), Fatal> {
        let dir = self.dir(item)?;
        if let Some(known) = known {
            note_metadata(item, known, decisions);
        }
        if self.ends_acknowledgement(item, known, file) {
            decisions.rows.push(RowChange::Unacknowledge { document: item.id.clone() });
        }
        if let Some(in_flight) = in_flight {
            // A rename that is already due stays due when the document is listed again.
            let differs = !in_flight.is_as_listed(item) || self.to_reconcile.contains_key(&item.id);
            self.reconcile_later(item, differs);
        } else {
            decisions.jobs.extend(self.decide(item, known, &dir, file)?);
        }
        Ok(())
    }

    /// Looks at the files of known documents, folder by folder.
    fn look_at(&mut self, known: &HashMap<DocumentId, Known>) -> Result<HashMap<i64, FileState>, Fatal> {
        let mut by_path: Vec<&Known> = known.values().collect();
        by_path.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let inodes_count = !self.root.is_network();
        let found = self.root.look_at_all(by_path.iter().map(|k| k.path.as_str()))?;
        let unproved = &mut self.unproved;
        let mut state = |known: &Known, found: OnDisk| match found {
            OnDisk::Missing => FileState::Missing,
            OnDisk::File(stamp) if stamp.is_same(&known.stamp, inodes_count) => FileState::AsPublished,
            // Trusted for now: an edit changes the time, a copy of the mirror doesn't.
            OnDisk::File(stamp) if stamp.is_same(&known.stamp, false) => {
                unproved.push(known.number);
                FileState::AsPublished
            }
            OnDisk::File(_) | OnDisk::Other(_) => FileState::Changed,
        };
        Ok(by_path.into_iter().zip(found).map(|(k, f)| (k.number, state(k, f))).collect())
    }

    /// Counts a document the first time that it is listed.
    fn count(&mut self, item: &Listed, known: Option<&Known>, is_in_flight: bool) {
        let first = match known {
            Some(known) => self.seen.mark(known.number),
            None => !is_in_flight && self.counted.insert(item.id.clone()),
        };
        if first {
            self.tally.seen(1);
        }
    }

    /// The folder of a document's file; the binder's own folder if its folder is unknown.
    fn dir(&self, item: &Listed) -> Result<RelPath, Fatal> {
        let tree = self.trees.get(&item.binder);
        let dir = tree.and_then(|t| t.path(item.folder.as_ref()).or_else(|| t.path(None)));
        dir.cloned().ok_or_else(|| Fatal::Internal(format!("binder {} has no folder", item.binder)))
    }

    fn facts(&mut self, item: &Listed, known: Option<&Known>, dir: &RelPath, file: FileState) -> Facts {
        let name = || naming::portable(&item.file_name);
        Facts {
            wanted: self.options.filter.wants_recording(dir, name, &mut self.filter_hits),
            has_version: item.version.is_some(),
            known: known.map(|k| KnownFacts {
                same_version: item.version.as_ref().is_none_or(|v| *v == k.version),
                same_place: same_place(item, k, dir),
                file,
            }),
        }
    }

    fn decide(
        &mut self,
        item: &Listed,
        known: Option<&Known>,
        dir: &RelPath,
        file: FileState,
    ) -> Result<Option<DownloadJob>, Fatal> {
        let facts = self.facts(item, known, dir, file);
        if facts.wanted {
            self.versions.add(facts.has_version);
        }
        self.reconcile_later(item, facts.wanted && facts.known.is_some_and(|k| !k.same_place));
        match (decide(facts), known, item.version.clone()) {
            (Action::Filter, ..) => self.tally.changed(&item.id, Change::Filtered),
            (Action::Keep { changed, .. }, Some(known), _) => {
                if changed {
                    self.warn_of(known, Warning::Edited);
                }
            }
            (Action::Add, _, Some(version)) => return self.add(item, &version, dir).map(Some),
            (Action::Update, Some(known), Some(version)) => {
                if file == FileState::Changed {
                    self.warn_of(known, Warning::EditedAndReplaced);
                }
                return self.replace(item, known, &version, dir, file, Change::Updated).map(Some);
            }
            (Action::Restore, Some(known), Some(version)) => {
                self.warn_of(known, Warning::BroughtBack);
                return self.replace(item, known, &version, dir, file, Change::Added).map(Some);
            }
            _ => {
                self.tally.changed(&item.id, Change::NoVersion);
                self.tally.warn(Warning::document(Warning::NoVersion, &item.id, &item.file_name, ""));
            }
        }
        Ok(None)
    }

    fn is_purged(&self, document: &DocumentId) -> bool {
        if self.purged.is_empty() {
            return false;
        }
        // Earlier versions put every id into lower case.
        let lower = DocumentId::parse(&document.as_str().to_ascii_lowercase());
        self.purged.contains(&fingerprint(document)) || lower.is_ok_and(|id| self.purged.contains(&fingerprint(&id)))
    }

    /// Whether a document was purged on request. It is counted, and no report may name it.
    pub(crate) fn skips_purged(&self, document: &DocumentId) -> bool {
        let purged = self.is_purged(document);
        if purged {
            self.tally.changed(document, Change::Purged);
        }
        purged
    }

    /// Whether a document that is acknowledged as missing has another version now, or is mirrored.
    fn ends_acknowledgement(&self, item: &Listed, known: Option<&Known>, file: FileState) -> bool {
        let Some(version) = self.acknowledged.get(&item.id) else { return false };
        let mirrored = known.is_some_and(|known| known.version == *version) && file != FileState::Missing;
        mirrored || item.version.as_ref().is_some_and(|listed| listed != version)
    }

    pub(crate) fn warn_of(&self, known: &Known, kind: fn(FileWarning) -> Warning) {
        self.tally.warn(Warning::file(kind, Some(&known.id), known.path.as_str(), ""));
    }

    fn reconcile_later(&mut self, item: &Listed, differs: bool) {
        if differs {
            self.to_reconcile.insert(item.id.clone(), item.clone());
        } else {
            self.to_reconcile.remove(&item.id);
        }
    }
}

/// Notes changed metadata, which the state stores even if no file changes.
fn note_metadata(item: &Listed, known: &Known, decisions: &mut PageDecisions) {
    if item.metadata.is_some() && metadata_hash(item.metadata.as_deref()) != known.metadata_hash {
        let particulars = particulars(item, known.version.clone());
        decisions.rows.push(RowChange::Metadata { document: item.id.clone(), particulars });
    }
}

/// A page's documents, each once: of several items of one document the last one counts.
fn last_of_each(items: &[Listed]) -> Vec<&Listed> {
    let mut met = HashSet::with_capacity(items.len());
    let mut last: Vec<&Listed> = items.iter().rev().filter(|item| met.insert(&item.id)).collect();
    last.reverse();
    last
}

/// Whether a document is listed in the folder and under the name that its file has.
pub(crate) fn same_place(item: &Listed, known: &Known, dir: &RelPath) -> bool {
    item.binder == known.binder
        && item.folder == known.folder
        && item.file_name == known.file_name
        && known.path.as_str().strip_prefix(dir.as_str()).is_some_and(|rest| rest.rfind('/') == Some(0))
}

pub(crate) fn particulars(item: &Listed, version: VersionId) -> Particulars {
    Particulars {
        binder: item.binder.clone(),
        folder: item.folder.clone(),
        file_name: item.file_name.clone(),
        version,
        metadata: item.metadata.clone(),
    }
}
