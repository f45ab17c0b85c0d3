//! Folders whose name a document's file has.
//!
//! They have an `[id]` name until all binders were read: then it is known which of those documents move away.

use std::collections::{HashMap, HashSet};

use crate::{
    model::{BinderId, DocumentId, FolderId, Listed, RelPath},
    naming,
    state::Known,
    sync::{
        Fatal,
        decide::{planner::Planner, target_paths::candidates},
    },
};

/// A folder that gets its own name because the document that has it moves away.
#[derive(Debug)]
pub(crate) struct ContestedFolder {
    binder: BinderId,
    folder: FolderId,
    /// The name before, which it gets back if the document stays after all.
    old_name: String,
    /// The document whose file has the path; `None` if it was removed in this run.
    pub(crate) owner: Option<DocumentId>,
}

impl Planner {
    /// Gives folders their own names if the documents that have them move away. Documents in these folders move along.
    pub(crate) fn rename_contested_folders(
        &mut self,
        to_reconcile: &mut HashMap<DocumentId, Listed>,
    ) -> Result<Vec<ContestedFolder>, Fatal> {
        let (mut contested, mut keys) = (Vec::new(), HashSet::new());
        for binder in self.contested.keys().cloned().collect::<Vec<_>>() {
            let Some(tree) = self.trees.get(&binder) else { continue };
            let mut names = Vec::new();
            for (folder, segment) in tree.contested() {
                let Some(key) = tree.path_as(folder, segment).map(|path| naming::key(path.as_str())) else { continue };
                let owner = self.state.read(|r| r.owner(&key))?;
                let free = owner.as_ref().map_or(Ok(true), |owner| self.moves_away(to_reconcile.get(owner), &key))?;
                if free && !self.reservations.has(&key) && !tree.has(&key) && keys.insert(key) {
                    if let Some(path) = tree.path(Some(folder)) {
                        self.include_documents_below(&naming::key(path.as_str()), to_reconcile)?;
                    }
                    names.push((folder.clone(), segment.clone(), owner));
                }
            }
            let Some(tree) = self.trees.get_mut(&binder) else { continue };
            for (folder, segment, owner) in names {
                let old_name = tree.rename(&folder, segment);
                contested.extend(old_name.map(|old_name| ContestedFolder {
                    binder: binder.clone(),
                    folder,
                    old_name,
                    owner,
                }));
            }
            tree.lay_out();
        }
        Ok(contested)
    }

    /// Whether the best path for a document is another one than this.
    fn moves_away(&self, item: Option<&Listed>, key: &str) -> Result<bool, Fatal> {
        let Some(item) = item else { return Ok(false) };
        let Some((dir, known)) = self.destination(item)? else { return Ok(false) };
        let best = candidates(&self.reservations, item, &known, dir)?.into_iter().next();
        Ok(best.is_some_and(|best| naming::key(best.as_str()) != key))
    }

    /// Adds the documents in a folder that is renamed to those that may move.
    fn include_documents_below(
        &self,
        folder_key: &str,
        to_reconcile: &mut HashMap<DocumentId, Listed>,
    ) -> Result<(), Fatal> {
        for known in self.state.read(|r| r.documents_below(folder_key))? {
            if self.seen.has(known.number) {
                to_reconcile.entry(known.id.clone()).or_insert_with(|| as_listed(known));
            }
        }
        Ok(())
    }

    /// Gives folders their old names back, because the documents stay.
    pub(crate) fn restore_folder_names(&mut self, contested: Vec<ContestedFolder>) {
        let binders: HashSet<BinderId> = contested.iter().map(|folder| folder.binder.clone()).collect();
        for ContestedFolder { binder, folder, old_name, .. } in contested {
            self.trees.get_mut(&binder).and_then(|tree| tree.rename(&folder, old_name));
        }
        for (_, tree) in self.trees.iter_mut().filter(|(binder, _)| binders.contains(*binder)) {
            tree.lay_out();
        }
    }

    /// The folder in which a new document of `dir` can be published. Until the renames at the end of the run, a file may have
    /// the path of `dir` or of a folder above it (binders that swapped names): then it is a folder whose name shows `id`.
    pub(crate) fn unobstructed_folder(&mut self, dir: &RelPath, id: &str) -> Result<RelPath, Fatal> {
        if self.unobstructed.has(dir, &self.reservations) {
            return Ok(dir.clone());
        }
        let (mut path, mut keys): (Option<RelPath>, _) = (None, Vec::new());
        for step in dir.as_str().split('/') {
            let mut names = std::iter::once(step.to_owned())
                .chain(naming::folder_names(step, id, self.reservations.limit()).skip(1));
            path = loop {
                let name = names.next().ok_or_else(|| Fatal::Internal(format!("no name is left for {dir}")))?;
                let below = path.as_ref().map_or_else(|| RelPath::new(&name), |path| path.join(&name));
                let below = below.map_err(|e| Fatal::Internal(e.to_string()))?;
                let key = naming::key(below.as_str());
                if !self.reservations.has(&key) && self.state.read(|r| r.owner(&key))?.is_none() {
                    keys.push(key);
                    break Some(below);
                }
            };
        }
        let path = path.ok_or_else(|| Fatal::Internal(format!("{dir} has no steps")))?;
        if path == *dir {
            self.unobstructed.insert(dir.clone(), keys);
        }
        Ok(path)
    }

    /// Stores the contested folders.
    pub(crate) fn record_contested_folders(&mut self) -> Result<(), Fatal> {
        for (binder, requests) in std::mem::take(&mut self.contested) {
            let Some(tree) = self.trees.get(&binder) else { continue };
            self.state.write(|w| {
                for row in tree.contested().iter().filter_map(|(folder, _)| tree.row(folder)) {
                    w.upsert_folder(&binder, row)?;
                }
                requests.map_or(Ok(()), |requests| w.folders_refreshed(&binder, requests))
            })?;
        }
        Ok(())
    }
}

fn as_listed(known: Known) -> Listed {
    let Known { id, binder, folder, file_name, version, .. } = known;
    Listed { id, binder, folder, tab: None, file_name, version: Some(version), metadata: None }
}
