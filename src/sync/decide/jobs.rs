//! Download jobs: what is downloaded, and the path that is reserved for it.

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
    /// A job for a new document.
    pub(super) fn add(&mut self, item: &Listed, version: &VersionId, dir: &RelPath) -> Result<DownloadJob, Fatal> {
        let dir = &self.publish_folder(item, dir)?;
        let in_flight = InFlight::new(item, version);
        let found = match self.options.adopt {
            Adopt::Nothing => None,
            Adopt::Proved | Adopt::Whole => {
                adoption::reserve_file(&self.root, &mut self.reservations, &self.state, dir, &item.id, &in_flight)?
            }
        };
        let is_found = found.is_some();
        let path = found.map_or_else(|| self.reserve(item, dir, &in_flight), Ok)?;
        self.counted.remove(&item.id);
        Ok(DownloadJob { found: is_found, ..self.job(item, version, path, Change::Added)? })
    }

    /// A job for a mirrored document that has a new version, or whose file is missing.
    pub(super) fn replace(
        &mut self,
        item: &Listed,
        known: &Known,
        version: &VersionId,
        dir: &RelPath,
        file: FileState,
        change: Change,
    ) -> Result<DownloadJob, Fatal> {
        let in_flight = InFlight::new(item, version);
        let path = if file != FileState::Missing || self.reservations.limit().takes(known.path.as_str()) {
            self.reservations.keep(&item.id, in_flight);
            known.path.clone()
        } else {
            // The mirror was copied to a file system that refuses the path, so the file gets a shorter one.
            let dir = self.publish_folder(item, dir)?;
            self.reserve(item, &dir, &in_flight)?
        };
        Ok(DownloadJob { replaces: true, ..self.job(item, version, path, change)? })
    }

    /// The folder in which a document is published. It differs from its own while a file has that path.
    fn publish_folder(&mut self, item: &Listed, dir: &RelPath) -> Result<RelPath, Fatal> {
        let id = item.folder.as_ref().map_or(item.binder.as_str(), FolderId::as_str);
        let unobstructed = self.unobstructed_folder(dir, id)?;
        if unobstructed != *dir {
            self.to_reconcile.insert(item.id.clone(), item.clone());
        }
        Ok(unobstructed)
    }

    /// Reserves a name for a document in a folder.
    fn reserve(&mut self, item: &Listed, dir: &RelPath, in_flight: &InFlight) -> Result<RelPath, Fatal> {
        let tree = self.trees.get(&item.binder);
        let is_folder = |key: &str| tree.is_some_and(|tree| tree.has(key));
        self.reservations.reserve(&self.state, dir, &item.id, in_flight, is_folder)
    }

    fn job(&self, item: &Listed, version: &VersionId, path: RelPath, change: Change) -> Result<DownloadJob, Fatal> {
        self.tally.changed(&item.id, Change::Planned);
        let held = if self.holds_any { self.state.read(|r| r.held(&item.id, version))? } else { None };
        Ok(DownloadJob {
            document: item.id.clone(),
            path,
            particulars: particulars(item, version.clone()),
            replaces: false,
            change,
            object: held.map(|held| (held.sha256, held.mtime)),
            found: false,
            check: None,
        })
    }
}
