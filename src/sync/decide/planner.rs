//! Where listed documents are compared with what is known.
//!
//! The planner is one thread with the state's reading side, the folder trees of the binders that
//! are being read, and the marks of what was seen. Pages come in, jobs go out. What it keeps in
//! memory grows with the changes and folders, plus one bit a document.
//!
//! Moves and absences are only noted here: they are decided when all binders were read.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    mirror::{OnDisk, Root},
    model::{BinderId, DocumentId, FolderId, Listed, Particulars, RelPath, VersionId},
    naming,
    plan::{Action, Facts, FileState, KnownFacts, ListedIn, Tree, decide},
    report::{Change, FileWarning, Tally, Warning},
    state::{self, Fingerprint, Known, State, fingerprint, metadata_hash},
    sync::{
        Fatal, Options,
        commit::operation::RowChange,
        decide::{listed_versions::ListedVersions, reservations::Reservations, seen::SeenDocuments},
        fetch::job::DownloadJob,
        list::filter::FilterHits,
    },
};

/// What came of a page.
#[derive(Debug, Default)]
pub(crate) struct PageDecisions {
    /// Bytes to bring over.
    pub(crate) jobs: Vec<DownloadJob>,
    /// Rows to bring up to date without touching a file.
    pub(crate) rows: Vec<RowChange>,
    /// Folders that documents name and that have no place; then nothing else was done.
    pub(crate) unknown_folders: bool,
}

/// The thread's belongings.
pub(crate) struct Planner {
    pub(crate) state: Arc<State>,
    pub(crate) root: Arc<Root>,
    pub(crate) reservations: Reservations,
    pub(crate) tally: Arc<Tally>,
    pub(crate) options: Arc<Options>,
    pub(crate) trees: HashMap<BinderId, Tree>,
    /// Where documents of each binder were listed.
    pub(crate) occupied: HashMap<BinderId, HashSet<ListedIn>>,
    pub(crate) seen: SeenDocuments,
    /// Documents without a row that were counted although they are not on their way.
    pub(crate) counted: HashSet<DocumentId>,
    /// Documents that were listed elsewhere, or otherwise, than they are mirrored; the last
    /// answer counts.
    pub(crate) unsettled: HashMap<DocumentId, Listed>,
    /// Binders with folders whose name a document's file has, and how many requests reading their folders took.
    pub(crate) contested: HashMap<BinderId, Option<u32>>,
    /// A document of each binder that was listed in this run.
    pub(crate) controls: HashMap<BinderId, DocumentId>,
    /// Documents that were erased on request, by their fingerprints.
    pub(crate) purged: HashSet<Fingerprint>,
    /// Versions that are acknowledged as missing.
    pub(crate) acknowledged: Arc<HashMap<DocumentId, VersionId>>,
    /// Whether the mirror held bytes of any past version when the run began: a first mirror asks for none.
    pub(crate) holds_any: bool,
    /// Whether ids in the state may have lost their case.
    pub(crate) has_folded_ids: bool,
    /// Documents whose files look as recorded and have other inodes, by row number: a mirror that
    /// was copied to another disk. Their bytes are to be proved.
    pub(crate) unproved: Vec<i64>,
    /// Which filters matched something.
    pub(crate) met: FilterHits,
    /// Whether what was listed has versions.
    pub(crate) versions: ListedVersions,
    pub(crate) now: i64,
}

/// What the state knows when a run begins.
pub(crate) struct Start {
    newest: i64,
    holds_any: bool,
    has_folded_ids: bool,
    purged: HashSet<Fingerprint>,
    pub(crate) acknowledged: Arc<HashMap<DocumentId, VersionId>>,
}

impl Start {
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
    /// A planner at the start of a run.
    pub(crate) fn new(
        state: Arc<State>,
        root: Arc<Root>,
        reservations: Reservations,
        tally: Arc<Tally>,
        options: Arc<Options>,
        start: Start,
    ) -> Self {
        Self {
            state,
            root,
            reservations,
            tally,
            options,
            trees: HashMap::new(),
            occupied: HashMap::new(),
            seen: SeenDocuments::up_to(start.newest),
            counted: HashSet::new(),
            unsettled: HashMap::new(),
            contested: HashMap::new(),
            controls: HashMap::new(),
            purged: start.purged,
            acknowledged: start.acknowledged,
            holds_any: start.holds_any,
            has_folded_ids: start.has_folded_ids,
            unproved: Vec::new(),
            met: FilterHits::default(),
            versions: ListedVersions::default(),
            now: jiff::Timestamp::now().as_second(),
        }
    }

    /// A document of a binder that was listed in this run.
    pub(crate) fn control(&mut self, binder: &BinderId) -> Option<DocumentId> {
        self.controls.get(binder).cloned()
    }

    /// An item that names a known document, and is odd otherwise, still shows that it is there.
    pub(crate) fn mark(&mut self, document: &DocumentId) -> Result<(), Fatal> {
        self.leaves_out(document);
        let first = match self.state.read(|r| r.document(document))? {
            Some(known) => self.seen.mark(known.number),
            None => self.counted.insert(document.clone()),
        };
        if first {
            self.tally.seen(1);
        }
        Ok(())
    }

    /// Loads a binder's folder tree.
    pub(crate) fn open_tree(&mut self, binder: &BinderId, segment: &str) -> Result<(), Fatal> {
        let folders = self.state.read(|r| r.folders(binder))?;
        let tree = Tree::new(binder.clone(), segment.to_owned(), folders, self.reservations.limit());
        let mut tree = tree.map_err(|e| Fatal::Internal(e.to_string()))?;
        let rows = tree.shorten(|key| self.has_document(key));
        if !rows.is_empty() {
            self.state.write(|w| rows.iter().try_for_each(|row| w.upsert_folder(binder, row)))?;
        }
        self.trees.insert(binder.clone(), tree);
        Ok(())
    }

    /// Whether a document has a path, or is about to get it, by key.
    fn has_document(&self, key: &str) -> bool {
        self.reservations.has(key) || self.state.read(|r| r.owner(key)).is_ok_and(|owner| owner.is_some())
    }

    /// Compares documents of a binder with what is known. With `last_word`, folders that have no
    /// place are given one.
    pub(crate) fn absorb(
        &mut self,
        binder: &BinderId,
        items: &[Listed],
        last_word: bool,
    ) -> Result<PageDecisions, Fatal> {
        self.recase(binder, items)?;
        let mut absorbed = PageDecisions::default();
        let items = &last_of_each(items);
        if !self.places(binder, items, last_word)? {
            absorbed.unknown_folders = true;
            return Ok(absorbed);
        }
        if let Some(item) = items.last() {
            self.controls.insert(binder.clone(), item.id.clone());
        }
        let ids: Vec<&DocumentId> = items.iter().map(|item| &item.id).collect();
        // Before the rows: a document that arrives in between then has a row, and not neither.
        let on_their_way = self.reservations.on_their_way(ids.iter().copied());
        let known = self.state.read(|r| r.documents(binder, &ids))?;
        let files = self.look_at(&known)?;
        for &item in items {
            let known = known.get(&item.id);
            let on_its_way = on_their_way.get(&item.id);
            self.count(item, known, on_its_way.is_some());
            if self.leaves_out(&item.id) {
                continue;
            }
            let dir = self.dir(item)?;
            if let Some(known) = known {
                note_metadata(item, known, &mut absorbed);
            }
            let file = known.and_then(|k| files.get(&k.number)).copied().unwrap_or(FileState::AsPublished);
            if self.ends_acknowledgement(item, known, file) {
                absorbed.rows.push(RowChange::Unacknowledge { document: item.id.clone() });
            }
            if let Some(coming) = on_its_way {
                // A rename that waits for the end of the run is still due where the same is listed again.
                self.settle_later(item, !coming.is_as_listed(item) || self.unsettled.contains_key(&item.id));
            } else {
                absorbed.jobs.extend(self.compare(item, known, &dir, file)?);
            }
        }
        Ok(absorbed)
    }

    /// Sees to it that every folder that documents name has a place; false where folders should be
    /// read first.
    fn places(&mut self, binder: &BinderId, items: &[&Listed], last_word: bool) -> Result<bool, Fatal> {
        let since = self.now - self.options.refresh_folders_seconds();
        let Some(tree) = self.trees.get_mut(binder) else { return Ok(true) };
        let mut met: HashSet<_> = HashSet::new();
        let listed_in = items.iter().map(|item| (item.folder.as_ref(), item.tab.as_ref()));
        let listed_in: Vec<_> = listed_in.filter(|place| met.insert(*place)).collect();
        self.occupied
            .entry(binder.clone())
            .or_default()
            .extend(listed_in.iter().map(|(folder, tab)| (folder.cloned(), tab.cloned())));
        let mut met: HashSet<&FolderId> = HashSet::new();
        let named = listed_in.into_iter().filter_map(|(folder, tab)| Some((folder?, tab)));
        let unknown: Vec<_> = named.filter(|(f, _)| !tree.places(f, since) && met.insert(f)).collect();
        if unknown.is_empty() {
            return Ok(true);
        }
        if !last_word {
            return Ok(false);
        }
        let (state, names) = (&self.state, &self.reservations);
        let taken = |key: &str| names.has(key) || state.read(|r| r.owner(key)).is_ok_and(|owner| owner.is_some());
        let rows = tree.meet(&unknown, self.now, taken);
        self.state.write(|w| rows.iter().try_for_each(|row| w.upsert_folder(binder, row)))?;
        self.tally.warn(Warning::binder(Warning::FoldersUnnamed, binder, "", ""));
        Ok(true)
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
            // Believed for now: whoever edits a file changes its time, and whoever copies it doesn't.
            OnDisk::File(stamp) if stamp.is_same(&known.stamp, false) => {
                unproved.push(known.number);
                FileState::AsPublished
            }
            OnDisk::File(_) | OnDisk::Other(_) => FileState::Changed,
        };
        Ok(by_path.into_iter().zip(found).map(|(k, f)| (k.number, state(k, f))).collect())
    }

    /// Counts a document the first time that it is listed.
    fn count(&mut self, item: &Listed, known: Option<&Known>, on_its_way: bool) {
        let first = match known {
            Some(known) => self.seen.mark(known.number),
            None => !on_its_way && self.counted.insert(item.id.clone()),
        };
        if first {
            self.tally.seen(1);
        }
    }

    /// Where a document's file belongs, its name aside.
    fn dir(&self, item: &Listed) -> Result<RelPath, Fatal> {
        let tree = self.trees.get(&item.binder);
        let dir = tree.and_then(|t| t.path(item.folder.as_ref()).or_else(|| t.path(None)));
        dir.cloned().ok_or_else(|| Fatal::Internal(format!("binder {} has no folder", item.binder)))
    }

    fn compare(
        &mut self,
        item: &Listed,
        known: Option<&Known>,
        dir: &RelPath,
        file: FileState,
    ) -> Result<Option<DownloadJob>, Fatal> {
        let facts = Facts {
            wanted: self.options.filter.judge(dir, || naming::portable(&item.file_name), &mut self.met),
            has_version: item.version.is_some(),
            known: known.map(|k| KnownFacts {
                same_version: item.version.as_ref().is_none_or(|v| *v == k.version),
                same_place: same_place(item, k, dir),
                file,
            }),
        };
        if facts.wanted {
            self.versions.take(facts.has_version);
        }
        let moved = facts.wanted && facts.known.is_some_and(|k| !k.same_place);
        self.settle_later(item, moved);
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
                return self.replace(item, known, &version, (dir, file, Change::Updated)).map(Some);
            }
            (Action::BringBack, Some(known), Some(version)) => {
                self.warn_of(known, Warning::BroughtBack);
                return self.replace(item, known, &version, (dir, file, Change::Added)).map(Some);
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

    /// Whether a document was erased on request. It counts as left out, and nothing else may be said of it.
    pub(crate) fn leaves_out(&self, document: &DocumentId) -> bool {
        let purged = self.is_purged(document);
        if purged {
            self.tally.changed(document, Change::Purged);
        }
        purged
    }

    /// Whether a document that is acknowledged as missing is listed in another version by now, or isn't missing.
    fn ends_acknowledgement(&self, item: &Listed, known: Option<&Known>, file: FileState) -> bool {
        let Some(version) = self.acknowledged.get(&item.id) else { return false };
        let there = known.is_some_and(|known| known.version == *version) && file != FileState::Missing;
        there || item.version.as_ref().is_some_and(|listed| listed != version)
    }

    /// Warns of what happened to a file of the tree.
    pub(crate) fn warn_of(&self, known: &Known, kind: fn(FileWarning) -> Warning) {
        self.tally.warn(Warning::file(kind, Some(&known.id), known.path.as_str(), ""));
    }

    fn settle_later(&mut self, item: &Listed, differs: bool) {
        if differs {
            self.unsettled.insert(item.id.clone(), item.clone());
        } else {
            self.unsettled.remove(&item.id);
        }
    }
}

/// Metadata that are others than before go to the state even where no file changes.
fn note_metadata(item: &Listed, known: &Known, absorbed: &mut PageDecisions) {
    if item.metadata.is_some() && metadata_hash(item.metadata.as_deref()) != known.metadata_hash {
        let particulars = particulars(item, known.version.clone());
        absorbed.rows.push(RowChange::Metadata { document: item.id.clone(), particulars });
    }
}

/// A page's documents, each once. Of several items of one document the last one counts.
fn last_of_each(items: &[Listed]) -> Vec<&Listed> {
    let mut met = HashSet::with_capacity(items.len());
    let mut last: Vec<&Listed> = items.iter().rev().filter(|item| met.insert(&item.id)).collect();
    last.reverse();
    last
}

/// Whether a document is listed where, and as what, its file is.
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
