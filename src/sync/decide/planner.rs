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
    mirror::{OpenFolders, Root},
    model::{BinderId, DocumentId, Listed, Particulars, RelPath, VersionId},
    naming,
    plan::{Action, Facts, FileState, KnownFacts, ListedIn, Tree, decide},
    report::{Change, FileWarning, Tally, Warning},
    state::{self, Fingerprint, Known, Numbers, State, fingerprint, metadata_hash},
    sync::{
        Fatal, Options,
        commit::operation::RowChange,
        decide::{
            listed_versions::ListedVersions,
            page::{PageFolders, last_of_each},
            reservations::{InFlight, Reservations},
            rows::{self, Mirrored, Row},
            seen::SeenDocuments,
            unobstructed_folders::UnobstructedFolders,
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
    /// How many of the documents are not mirrored yet.
    pub(crate) new: u64,
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
    /// The row numbers of the binders that are being read.
    pub(super) numbers: HashMap<BinderId, Numbers>,
    /// The row numbers of each binder's documents that were not seen when it had been read.
    pub(super) unseen: HashMap<BinderId, Vec<i64>>,
    folders: OpenFolders,
    /// The tabs and folders in which documents were listed, of the binders that are being read.
    pub(crate) occupied: HashMap<BinderId, HashSet<ListedIn>>,
    /// How many tabs without documents each binder has, if any.
    pub(crate) empty_tabs: HashMap<BinderId, u64>,
    pub(crate) seen: SeenDocuments,
    /// Documents without a row that were counted and are not in flight.
    pub(crate) counted: HashSet<DocumentId>,
    /// Documents whose place, name or version differs from the mirror's, as they were listed last.
    pub(crate) to_reconcile: HashMap<DocumentId, Listed>,
    /// Folders without a file in their way, found for the page that is compared.
    pub(crate) unobstructed: UnobstructedFolders,
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
            numbers: HashMap::new(),
            unseen: HashMap::new(),
            folders: OpenFolders::new(),
            occupied: HashMap::new(),
            empty_tabs: HashMap::new(),
            seen: SeenDocuments::up_to(initial.newest),
            counted: HashSet::new(),
            to_reconcile: HashMap::new(),
            unobstructed: UnobstructedFolders::default(),
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
        let decisions = self.compare_items(binder, items, assign_paths);
        self.unobstructed.clear();
        decisions
    }

    fn compare_items(
        &mut self,
        binder: &BinderId,
        items: &[Listed],
        assign_paths: bool,
    ) -> Result<PageDecisions, Fatal> {
        self.recase(binder, items)?;
        let mut decisions = PageDecisions::default();
        let items = &last_of_each(items);
        let folders = PageFolders::of(items);
        if !self.knows_folders(binder, folders.distinct(), assign_paths)? {
            decisions.unknown_folders = true;
            return Ok(decisions);
        }
        if let Some(item) = items.last() {
            self.controls.insert(binder.clone(), item.id.clone());
        }
        let dirs = self.dirs(binder, folders.distinct())?;
        let dirs: Vec<&RelPath> = folders.of_items().map(|at| &dirs[at]).collect();
        // Read before the rows: a document that is committed in between is found in its row, never in neither.
        let in_flight = self.reservations.in_flight(items.iter().map(|item| &item.id));
        let numbers = self.numbers.get(binder);
        let (mut rows, paths) = rows::read(&self.state, numbers.unwrap_or(&Numbers::default()), items, &dirs)?;
        rows::look_at_files(&self.root, &mut self.folders, &mut rows, &paths, &mut self.unproved)?;
        let mut first = 0;
        for ((item, mirrored), dir) in items.iter().zip(rows).zip(dirs) {
            let in_flight = in_flight.get(&item.id);
            decisions.new += u64::from(mirrored.is_none());
            first += u64::from(self.is_first(item, mirrored.as_ref(), in_flight.is_some()));
            if !self.skips_purged(&item.id) {
                self.compare(item, mirrored, dir, in_flight, &mut decisions)?;
            }
        }
        self.tally.seen(first);
        Ok(decisions)
    }

    /// Whether a document is listed for the first time in this run.
    fn is_first(&mut self, item: &Listed, mirrored: Option<&Mirrored>, is_in_flight: bool) -> bool {
        match mirrored {
            Some(mirrored) => self.seen.mark(mirrored.number()),
            None => !is_in_flight && self.counted.insert(item.id.clone()),
        }
    }

    fn compare(
        &mut self,
        item: &Listed,
        mirrored: Option<Mirrored>,
        dir: &RelPath,
        in_flight: Option<&InFlight>,
        decisions: &mut PageDecisions,
    ) -> Result<(), Fatal> {
        let file = mirrored.as_ref().map_or(FileState::AsPublished, |mirrored| mirrored.file);
        let known = match mirrored.map(|mirrored| mirrored.row) {
            Some(Row::AsListed { metadata_hash, .. })
                if in_flight.is_none() && file == FileState::AsPublished && self.acknowledged.is_empty() =>
            {
                note_metadata(item, metadata_hash, item.version.as_ref(), decisions);
                return self.decide(item, None, Some(rows::UNCHANGED), dir).map(|_| ());
            }
            Some(Row::AsListed { number, .. }) => {
                self.state.read(|r| r.by_number(number))?.filter(|known| known.id == item.id)
            }
            Some(Row::Other(known)) => Some(known),
            None => None,
        };
        if let Some(known) = &known {
            note_metadata(item, known.metadata_hash, Some(&known.version), decisions);
        }
        if self.ends_acknowledgement(item, known.as_ref(), file) {
            decisions.rows.push(RowChange::Unacknowledge { document: item.id.clone() });
        }
        if let Some(in_flight) = in_flight {
            // A rename that is already due stays due when the document is listed again.
            let differs = !in_flight.is_as_listed(item) || self.to_reconcile.contains_key(&item.id);
            self.reconcile_later(item, differs);
        } else {
            let facts = known.as_ref().map(|known| rows::facts(item, known, dir, file));
            decisions.jobs.extend(self.decide(item, known.as_ref(), facts, dir)?);
        }
        Ok(())
    }

    /// Decides what a document needs. `known` may be left out if its row and file are as listed.
    fn decide(
        &mut self,
        item: &Listed,
        known: Option<&Known>,
        facts: Option<KnownFacts>,
        dir: &RelPath,
    ) -> Result<Option<DownloadJob>, Fatal> {
        let name = || naming::portable(&item.file_name);
        let wanted = self.options.filter.wants_recording(dir, name, &mut self.filter_hits);
        let facts = Facts { wanted, has_version: item.version.is_some(), known: facts };
        if wanted {
            self.versions.add(facts.has_version);
        }
        self.reconcile_later(item, wanted && facts.known.is_some_and(|k| !k.same_place));
        let file = facts.known.map_or(FileState::AsPublished, |known| known.file);
        match (decide(facts), known, &item.version) {
            (Action::Filter, ..) => self.tally.changed(&item.id, Change::Filtered),
            (Action::Keep { changed, .. }, known, _) => {
                if let Some(known) = known.filter(|_| changed) {
                    self.warn_of(known, Warning::Edited);
                }
            }
            (Action::Add, _, Some(version)) => return self.add(item, version, dir).map(Some),
            (Action::Update, Some(known), Some(version)) => {
                if file == FileState::Changed {
                    self.warn_of(known, Warning::EditedAndReplaced);
                }
                return self.replace(item, known, version, dir, file, Change::Updated).map(Some);
            }
            (Action::Restore, Some(known), Some(version)) => {
                self.warn_of(known, Warning::BroughtBack);
                return self.replace(item, known, version, dir, file, Change::Added).map(Some);
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
        } else if !self.to_reconcile.is_empty() {
            self.to_reconcile.remove(&item.id);
        }
    }
}

/// Notes changed metadata, which the state stores even if no file changes.
fn note_metadata(item: &Listed, recorded: Option<[u8; 8]>, version: Option<&VersionId>, decisions: &mut PageDecisions) {
    if let Some(version) = version.filter(|_| item.metadata.is_some())
        && metadata_hash(item.metadata.as_deref()) != recorded
    {
        let particulars = particulars(item, version.clone());
        decisions.rows.push(RowChange::Metadata { document: item.id.clone(), particulars });
    }
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
