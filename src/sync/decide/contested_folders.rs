//! Folders whose name a document's file has. When all binders were read it is known which of those documents leave.

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

/// A folder that got the name of its choice since a document leaves it.
#[derive(Debug)]
pub(crate) struct ContestedFolder {
    binder: BinderId,
    folder: FolderId,
    /// The folder's name, to go back to if the document stays after all.
    other: String,
    /// Whose file has the path; none if it was removed in this run.
    pub(crate) owner: Option<DocumentId>,
}

impl Planner {
    /// Gives folders the name of their choice where the document that has it goes elsewhere. What came into these
    /// folders under the other name goes along.
    pub(crate) fn grant_contested(
        &mut self,
        unsettled: &mut HashMap<DocumentId, Listed>,
    ) -> Result<Vec<ContestedFolder>, Fatal> {
        let (mut contested, mut keys) = (Vec::new(), HashSet::new());
        for binder in self.contested.keys().cloned().collect::<Vec<_>>() {
            let Some(tree) = self.trees.get(&binder) else { continue };
            let mut names = Vec::new();
            for (folder, segment) in tree.contested() {
                let Some(key) = tree.path_as(folder, segment).map(|path| naming::key(path.as_str())) else { continue };
                let owner = self.state.read(|r| r.owner(&key))?;
                let leaves = owner.as_ref().map_or(Ok(true), |owner| self.leaves(unsettled.get(owner), &key))?;
                if leaves && !self.reservations.has(&key) && !tree.has(&key) && keys.insert(key) {
                    if let Some(path) = tree.path(Some(folder)) {
                        self.take_along(&naming::key(path.as_str()), unsettled)?;
                    }
                    names.push((folder.clone(), segment.clone(), owner));
                }
            }
            let Some(tree) = self.trees.get_mut(&binder) else { continue };
            for (folder, segment, owner) in names {
                let other = tree.rename(&folder, segment);
                contested.extend(other.map(|other| ContestedFolder { binder: binder.clone(), folder, other, owner }));
            }
            tree.lay_out();
        }
        Ok(contested)
    }

    /// Whether a document wants another path than this one.
    fn leaves(&self, item: Option<&Listed>, key: &str) -> Result<bool, Fatal> {
        let Some(item) = item else { return Ok(false) };
        let Some((dir, known)) = self.destination(item)? else { return Ok(false) };
        let best = candidates(&self.reservations, item, &known, dir)?.into_iter().next();
        Ok(best.is_some_and(|best| naming::key(best.as_str()) != key))
    }

    /// Documents that lie in a folder which gets another name are listed where they are.
    fn take_along(&self, folder_key: &str, unsettled: &mut HashMap<DocumentId, Listed>) -> Result<(), Fatal> {
        for known in self.state.read(|r| r.documents_below(folder_key))? {
            if self.seen.has(known.number) {
                unsettled.entry(known.id.clone()).or_insert_with(|| as_listed(known));
            }
        }
        Ok(())
    }

    /// Folders go back to their other names, since the documents stay.
    pub(crate) fn withdraw(&mut self, contested: Vec<ContestedFolder>) {
        let binders: HashSet<BinderId> = contested.iter().map(|wish| wish.binder.clone()).collect();
        for ContestedFolder { binder, folder, other, .. } in contested {
            self.trees.get_mut(&binder).and_then(|tree| tree.rename(&folder, other));
        }
        for (_, tree) in self.trees.iter_mut().filter(|(binder, _)| binders.contains(*binder)) {
            tree.lay_out();
        }
    }

    /// The folder in which a new document of `dir` is published. Until the renames at the end of the run, a document's
    /// file may have the path of `dir` or of a folder above it (binders that swapped names): then another folder, which
    /// shows `id`, takes its place.
    pub(crate) fn passable(&self, dir: &RelPath, id: &str) -> Result<RelPath, Fatal> {
        let mut path: Option<RelPath> = None;
        for step in dir.as_str().split('/') {
            let mut names = std::iter::once(step.to_owned())
                .chain(naming::folder_names(step, id, self.reservations.limit()).skip(1));
            path = loop {
                let name = names.next().ok_or_else(|| Fatal::Internal(format!("no name is left for {dir}")))?;
                let below = path.as_ref().map_or_else(|| RelPath::new(&name), |path| path.join(&name));
                let below = below.map_err(|e| Fatal::Internal(e.to_string()))?;
                let key = naming::key(below.as_str());
                if !self.reservations.has(&key) && self.state.read(|r| r.owner(&key))?.is_none() {
                    break Some(below);
                }
            };
        }
        path.ok_or_else(|| Fatal::Internal(format!("{dir} has no steps")))
    }

    /// Writes down the folders whose names were open.
    pub(crate) fn write_contested(&mut self) -> Result<(), Fatal> {
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
