//! Download jobs: what is fetched, and the path that is reserved for it.

use crate::{
    model::{FolderId, Listed, RelPath, VersionId},
    plan::FileState,
    report::Change,
    state::Known,
    sync::{
        Adopt, Fatal,
        decide::{
            adoption,
            planner::{Planner, particulars},
            reservations::InFlight,
        },
        fetch::job::DownloadJob,
    },
};

impl Planner {
    /// A new document.
    pub(super) fn add(&mut self, item: &Listed, version: &VersionId, wanted: &RelPath) -> Result<DownloadJob, Fatal> {
        let dir = &self.passable_dir(item, wanted)?;
        let coming = InFlight::new(item, version);
        let found = match self.options.adopt {
            Adopt::Nothing => None,
            Adopt::Proved | Adopt::Whole => {
                adoption::file_of(&self.root, &mut self.reservations, &self.state, dir, (&item.id, &coming))?
            }
        };
        let is_found = found.is_some();
        let path = found.map_or_else(|| self.reserve(item, dir, &coming), Ok)?;
        self.counted.remove(&item.id);
        Ok(DownloadJob { found: is_found, ..self.job(item, version, path, false, Change::Added)? })
    }

    /// The folder that a document goes to, as long as files are in the way of the one where it is wanted.
    fn passable_dir(&mut self, item: &Listed, wanted: &RelPath) -> Result<RelPath, Fatal> {
        let dir = self.passable(wanted, item.folder.as_ref().map_or(item.binder.as_str(), FolderId::as_str))?;
        if dir != *wanted {
            self.unsettled.insert(item.id.clone(), item.clone());
        }
        Ok(dir)
    }

    /// Reserves a name for a document in a folder.
    fn reserve(&mut self, item: &Listed, dir: &RelPath, coming: &InFlight) -> Result<RelPath, Fatal> {
        let (tree, state) = (self.trees.get(&item.binder), &self.state);
        // A folder that has another name now still lies there. What can't be read is taken.
        let folder_has =
            |key: &str| tree.is_some_and(|t| t.has(key)) || state.read(|r| r.lies_below(key)).unwrap_or(true);
        self.reservations.reserve(state, dir, (&item.id, coming), folder_has)
    }

    /// A document that has a new version, or whose file is missing.
    pub(super) fn replace(
        &mut self,
        item: &Listed,
        known: &Known,
        version: &VersionId,
        (dir, file, change): (&RelPath, FileState, Change),
    ) -> Result<DownloadJob, Fatal> {
        let coming = InFlight::new(item, version);
        if file != FileState::Missing || self.reservations.limit().takes(known.path.as_str()) {
            self.reservations.keep(&item.id, coming);
            return self.job(item, version, known.path.clone(), true, change);
        }
        // The mirror was copied to a file system that refuses the path: the file comes back under a shorter one.
        let dir = self.passable_dir(item, dir)?;
        let path = self.reserve(item, &dir, &coming)?;
        self.job(item, version, path, true, change)
    }

    fn job(
        &self,
        item: &Listed,
        version: &VersionId,
        path: RelPath,
        replaces: bool,
        change: Change,
    ) -> Result<DownloadJob, Fatal> {
        self.tally.changed(&item.id, Change::Planned);
        let held = if self.holds_any { self.state.read(|r| r.held(&item.id, version))? } else { None };
        let object = held.map(|held| (held.sha256, held.mtime));
        let particulars = particulars(item, version.clone());
        Ok(DownloadJob {
            document: item.id.clone(),
            path,
            particulars,
            replaces,
            change,
            object,
            found: false,
            check: None,
        })
    }
}
