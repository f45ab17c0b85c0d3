//! Paths that documents are about to get, before the state has their rows.
//!
//! Reservations keep two documents from getting the same name. A reservation lasts from planning until the row is
//! committed; a document that failed keeps its own until the run ends, because a run doesn't try it twice.
//!
//! The planner owns them. The committer asks it for another name if one turns out to be taken.

use std::collections::HashMap;

use crate::{
    model::{BinderId, DocumentId, FolderId, Listed, NameLimit, RelPath, VersionId},
    naming,
    state::{Known, State},
    sync::Fatal,
};

/// How many of a document's names are tried if untracked files have them.
const MOST: usize = 20_000;

/// A document that is being downloaded, as its row will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InFlight {
    version: VersionId,
    binder: BinderId,
    folder: Option<FolderId>,
    file_name: String,
    /// The key of its reserved path; `None` if its row already has the path.
    key: Option<String>,
}

impl InFlight {
    /// A mirrored version that is downloaded again.
    pub(crate) fn again(known: &Known) -> Self {
        Self {
            version: known.version.clone(),
            binder: known.binder.clone(),
            folder: known.folder.clone(),
            file_name: known.file_name.clone(),
            key: None,
        }
    }

    pub(crate) fn new(item: &Listed, version: &VersionId) -> Self {
        Self {
            version: version.clone(),
            binder: item.binder.clone(),
            folder: item.folder.clone(),
            file_name: item.file_name.clone(),
            key: None,
        }
    }

    pub(crate) fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Whether a document is listed as it will be.
    pub(crate) fn is_as_listed(&self, item: &Listed) -> bool {
        item.version.as_ref().is_none_or(|v| *v == self.version)
            && item.binder == self.binder
            && item.folder == self.folder
            && item.file_name == self.file_name
    }
}

/// The documents in flight and their reserved paths.
#[derive(Debug)]
pub(crate) struct Reservations {
    documents: HashMap<DocumentId, InFlight>,
    owners: HashMap<String, DocumentId>,
    limit: NameLimit,
}

impl Reservations {
    pub(crate) fn new(limit: NameLimit) -> Self {
        Self { documents: HashMap::new(), owners: HashMap::new(), limit }
    }

    /// The longest name that the mirror's file system accepts.
    pub(crate) fn limit(&self) -> NameLimit {
        self.limit
    }

    /// The names that a document may have, best first.
    pub(crate) fn names_of(&self, file_name: &str, document: &DocumentId) -> impl Iterator<Item = String> + use<> {
        naming::document_names(file_name, document, self.limit)
    }

    /// Which of these documents are in flight.
    pub(crate) fn in_flight<'d>(
        &self,
        documents: impl Iterator<Item = &'d DocumentId>,
    ) -> HashMap<DocumentId, InFlight> {
        documents.filter_map(|id| Some((id.clone(), self.documents.get(id)?.clone()))).collect()
    }

    /// Notes that a document is in flight under the path that its row has.
    pub(crate) fn keep(&mut self, document: &DocumentId, in_flight: InFlight) {
        self.documents.insert(document.clone(), in_flight);
    }

    /// Reserves the first of a document's names in a folder that is free. `is_folder` says whether a folder will have a path,
    /// by key; one that was renamed is still on disk under its old name.
    pub(crate) fn reserve(
        &mut self,
        state: &State,
        dir: &RelPath,
        document: &DocumentId,
        in_flight: &InFlight,
        is_folder: impl Fn(&str) -> bool,
    ) -> Result<RelPath, Fatal> {
        for name in self.names_of(&in_flight.file_name, document) {
            let path = dir.join(&name).map_err(|e| Fatal::Internal(e.to_string()))?;
            let key = naming::key(path.as_str());
            if naming::is_reserved(&key) || is_folder(&key) || self.is_reserved_for_another(&key, document) {
                continue;
            }
            let there = state.read(|r| r.at_path(&key))?;
            if !there.is_folder && there.document.is_none_or(|owner| owner == *document) {
                self.insert(key, document, in_flight);
                return Ok(path);
            }
        }
        Err(Fatal::Internal(format!("no name is left for {document}")))
    }

    /// Reserves one path, unless another document has it or is about to get it.
    pub(crate) fn reserve_path(
        &mut self,
        state: &State,
        path: &RelPath,
        document: &DocumentId,
        in_flight: &InFlight,
    ) -> Result<bool, Fatal> {
        let key = naming::key(path.as_str());
        if self.has_other_owner(state, &key, document)? {
            return Ok(false);
        }
        self.insert(key, document, in_flight);
        Ok(true)
    }

    fn insert(&mut self, key: String, document: &DocumentId, in_flight: &InFlight) {
        self.owners.insert(key.clone(), document.clone());
        self.documents.insert(document.clone(), InFlight { key: Some(key), ..in_flight.clone() });
    }

    /// Another name in the same folder, because an untracked file has this one; `None` if all names that are tried are
    /// taken. `is_free` looks at the disk.
    pub(crate) fn another(
        &mut self,
        state: &State,
        taken: &RelPath,
        document: &DocumentId,
        file_name: &str,
        is_free: impl Fn(&RelPath) -> bool,
    ) -> Result<Option<RelPath>, Fatal> {
        // The sequence of names is endless, and an old name may not be in it.
        let given = self.names_of(file_name, document).take(MOST).position(|name| name == taken.leaf());
        let names = self.names_of(file_name, document).skip(given.unwrap_or(0) + 1).take(MOST);
        self.reserve_beside(taken, names, state, document, is_free)
    }

    /// A name within a limit in the same folder, because the disk refused a longer one.
    pub(crate) fn shorter(
        &mut self,
        state: &State,
        refused: &RelPath,
        document: &DocumentId,
        file_name: &str,
        limit: NameLimit,
    ) -> Result<Option<RelPath>, Fatal> {
        let names = naming::document_names(file_name, document, limit).take(MOST);
        self.reserve_beside(refused, names, state, document, |path| path.leaf().len() < refused.leaf().len())
    }

    /// Reserves the first free one of these names in the folder of a path.
    fn reserve_beside(
        &mut self,
        beside: &RelPath,
        names: impl Iterator<Item = String>,
        state: &State,
        document: &DocumentId,
        is_free: impl Fn(&RelPath) -> bool,
    ) -> Result<Option<RelPath>, Fatal> {
        for name in names {
            let path = beside.parent().map_or_else(|| RelPath::new(&name), |dir| dir.join(&name));
            let path = path.map_err(|e| Fatal::Internal(e.to_string()))?;
            let key = naming::key(path.as_str());
            if naming::is_reserved(&key) || !is_free(&path) || self.has_other_owner(state, &key, document)? {
                continue;
            }
            self.owners.insert(key.clone(), document.clone());
            if let Some(old) = self.documents.get_mut(document).and_then(|entry| entry.key.replace(key)) {
                self.owners.remove(&old);
            }
            return Ok(Some(path));
        }
        Ok(None)
    }

    /// Whether another document has a path, or is about to get it. A reservation ends only after its row is committed, so
    /// no document is missed.
    fn has_other_owner(&self, state: &State, key: &str, document: &DocumentId) -> Result<bool, Fatal> {
        Ok(self.is_reserved_for_another(key, document)
            || state.read(|r| r.owner(key))?.is_some_and(|owner| owner != *document))
    }

    fn is_reserved_for_another(&self, key: &str, document: &DocumentId) -> bool {
        self.owners.get(key).is_some_and(|owner| owner != document)
    }

    /// Whether a path is reserved, by key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.owners.contains_key(key)
    }

    /// Ends a reservation: the document's row is committed, or its download is cancelled.
    pub(crate) fn release(&mut self, document: &DocumentId) {
        if let Some(InFlight { key: Some(key), .. }) = self.documents.remove(document) {
            self.owners.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_between_two_items_is_noticed() {
        let item = Listed::sample("d");
        let in_flight = InFlight::new(&item, &VersionId::parse("v").unwrap());
        let changed = |change: fn(&mut Listed)| {
            let mut item = item.clone();
            change(&mut item);
            !in_flight.is_as_listed(&item)
        };
        assert!(!changed(|_| {}) && !changed(|item| item.version = None));
        assert!(changed(|item| item.version = VersionId::parse("w").ok()));
        assert!(changed(|item| item.binder = BinderId::parse("c").unwrap()));
        assert!(changed(|item| item.folder = None));
        assert!(changed(|item| item.file_name = "b.pdf".to_owned()));
    }

    #[test]
    fn another_name_is_none_that_a_document_in_flight_has_reserved() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.db"), false).unwrap();
        let mut reservations = Reservations::new(NameLimit::of(255).unwrap());
        let (ours, theirs) = (DocumentId::parse("0123456789").unwrap(), DocumentId::parse("d").unwrap());
        let names: Vec<String> = reservations.names_of("a.pdf", &ours).take(3).collect();
        let path = |name: &str| RelPath::new(&format!("B/{name}")).unwrap();
        let in_flight = InFlight {
            version: VersionId::parse("v").unwrap(),
            binder: BinderId::parse("b").unwrap(),
            folder: None,
            file_name: names[1].clone(),
            key: None,
        };
        assert!(reservations.reserve_path(&state, &path(&names[1]), &theirs, &in_flight).unwrap());
        let another = |reservations: &mut Reservations| {
            reservations.another(&state, &path(&names[0]), &ours, "a.pdf", |_| true).unwrap()
        };
        assert_eq!(another(&mut reservations), Some(path(&names[2])));
        reservations.release(&theirs);
        assert_eq!(another(&mut reservations), Some(path(&names[1])), "its reservation has ended");
    }
}
