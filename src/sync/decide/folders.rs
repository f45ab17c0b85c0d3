//! The folder trees of the binders that are being read.

use std::collections::HashSet;

use crate::{
    model::{BinderId, Folder, FolderId, RelPath},
    plan::Tree,
    report::Warning,
    state::State,
    sync::{
        Fatal,
        decide::{page::ListedIn, planner::Planner, reservations::Reservations},
    },
};

impl Planner {
    /// Loads a binder's folders and returns how many of its documents are mirrored.
    pub(crate) fn open_binder(&mut self, binder: &BinderId, segment: &str) -> Result<u64, Fatal> {
        self.open_tree(binder, segment)?;
        let numbers = self.state.read(|r| r.numbers(binder))?;
        let mirrored = numbers.len() as u64;
        self.numbers.insert(binder.clone(), numbers);
        Ok(mirrored)
    }

    /// Notes which documents of a binder were not listed and which tabs have none, and forgets what only reading it needs.
    pub(crate) fn close_binder(&mut self, binder: &BinderId) {
        if let Some(tabs) = self.tabs_without_documents(binder).filter(|tabs| *tabs > 0) {
            self.empty_tabs.insert(binder.clone(), tabs);
        }
        self.occupied.remove(binder);
        let numbers = self.numbers.remove(binder).unwrap_or_default();
        let unseen: Vec<i64> = numbers.all().filter(|number| !self.seen.has(*number)).collect();
        if !unseen.is_empty() {
            self.unseen.insert(binder.clone(), unseen);
        }
    }

    pub(super) fn open_tree(&mut self, binder: &BinderId, segment: &str) -> Result<(), Fatal> {
        let folders = self.state.read(|r| r.folders(binder))?;
        let tree = Tree::new(binder.clone(), segment.to_owned(), folders, self.reservations.limit());
        let mut tree = tree.map_err(|e| Fatal::Internal(e.to_string()))?;
        let rows = tree.shorten(|key| is_document(&self.state, &self.reservations, key));
        if !rows.is_empty() {
            self.state.write(|w| rows.iter().try_for_each(|row| w.upsert_folder(binder, row)))?;
        }
        self.trees.insert(binder.clone(), tree);
        Ok(())
    }

    pub(crate) fn known_folders(&self, binder: &BinderId) -> usize {
        self.trees.get(binder).map_or(0, Tree::len)
    }

    pub(crate) fn tabs(&self, binder: &BinderId) -> Vec<FolderId> {
        self.trees.get(binder).map(Tree::tabs).unwrap_or_default()
    }

    /// Whether every folder that documents name has a path. With `assign_paths`, those that have none get one.
    pub(super) fn knows_folders(
        &mut self,
        binder: &BinderId,
        listed_in: &[ListedIn<'_>],
        assign_paths: bool,
    ) -> Result<bool, Fatal> {
        let since = self.now - self.options.refresh_folders_seconds();
        let Some(tree) = self.trees.get_mut(binder) else { return Ok(true) };
        let occupied = self.occupied.entry(binder.clone()).or_default();
        occupied.extend(listed_in.iter().map(|(folder, tab)| (folder.cloned(), tab.cloned())));
        let mut met: HashSet<&FolderId> = HashSet::new();
        let named = listed_in.iter().filter_map(|(folder, tab)| Some(((*folder)?, *tab)));
        let unknown: Vec<_> = named.filter(|(f, _)| !tree.places(f, since) && met.insert(f)).collect();
        if unknown.is_empty() || !assign_paths {
            return Ok(unknown.is_empty());
        }
        let rows = tree.add_unlisted(&unknown, self.now, |key| is_document(&self.state, &self.reservations, key));
        self.state.write(|w| rows.iter().try_for_each(|row| w.upsert_folder(binder, row)))?;
        self.tally.warn(Warning::binder(Warning::FoldersUnnamed, binder, "", ""));
        Ok(true)
    }

    /// The folders of documents' files; the binder's own folder for those whose folder is unknown.
    pub(super) fn dirs(&self, binder: &BinderId, listed_in: &[ListedIn<'_>]) -> Result<Vec<RelPath>, Fatal> {
        let tree = self.trees.get(binder).ok_or_else(|| Fatal::Internal(format!("binder {binder} has no folder")))?;
        let dir = |(folder, _): &ListedIn<'_>| tree.path(*folder).unwrap_or_else(|| tree.root()).clone();
        Ok(listed_in.iter().map(dir).collect())
    }

    /// Stores the folders that were read; `complete` if those are all. Without `requests` the next run reads them again.
    pub(crate) fn refresh_folders(
        &mut self,
        binder: &BinderId,
        folders: Vec<Folder>,
        complete: bool,
        requests: Option<u32>,
    ) -> Result<(), Fatal> {
        self.recase_folders(binder, folders.iter().map(|folder| &folder.id))?;
        let state = &self.state;
        let Some(tree) = self.trees.get_mut(binder) else { return Ok(()) };
        let (changed, gone) = tree.refresh(folders, self.now, |key| is_document(state, &self.reservations, key));
        let mut forgotten = Vec::new();
        if complete && !gone.is_empty() {
            let used = state.read(|r| r.used_folders(binder))?;
            forgotten = tree.forget(gone.into_iter().filter(|folder| !used.contains(folder)).collect());
        }
        // Contested folders are stored when all binders were read. Until then the next run would see them as new.
        let contested: HashSet<&FolderId> =
            tree.contested().iter().map(|(folder, _)| folder).filter(|_| !self.has_folded_ids).collect();
        let requests = if contested.is_empty() {
            requests
        } else {
            self.contested.insert(binder.clone(), requests);
            None
        };
        state.write(|w| {
            for folder in changed.iter().filter(|folder| !contested.contains(&folder.id)) {
                w.upsert_folder(binder, folder)?;
            }
            for folder in &forgotten {
                w.delete_folder(binder, folder)?;
            }
            requests.map_or(Ok(()), |requests| w.folders_refreshed(binder, requests))
        })?;
        Ok(())
    }
}

/// Whether a document has a path, or is about to get it, by key.
fn is_document(state: &State, reservations: &Reservations, key: &str) -> bool {
    reservations.has(key) || state.read(|r| r.owner(key)).is_ok_and(|owner| owner.is_some())
}
