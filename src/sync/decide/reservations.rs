//! Paths that documents are about to get, before the state has their rows.
//!
//! Two documents that are planned one after the other must not get one name. A reservation lasts from planning until the
//! row is committed; a document that failed keeps its own to the end of the run, which doesn't try it twice.
//!
//! The planner owns them. The committer asks it for another name where one turns out to be taken.

use std::collections::HashMap;

use crate::{
    model::{BinderId, DocumentId, FolderId, Listed, NameLimit, RelPath, VersionId},
    naming,
    state::{Known, State},
    sync::Fatal,
};

/// How many of a document's names are tried where files that are not ours are in the way.
const MOST: usize = 20_000;

/// What a document that is on its way will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InFlight {
    version: VersionId,
    binder: BinderId,
    folder: Option<FolderId>,
    file_name: String,
    /// The key of the path that it has reserved; none where its row has it already.
    key: Option<String>,
}

impl InFlight {
    /// A document that is fetched again as it is.
    pub(crate) fn again(known: &Known) -> Self {
        Self {
            version: known.version.clone(),
            binder: known.binder.clone(),
            folder: known.folder.clone(),
            file_name: known.file_name.clone(),
            key: None,
        }
    }

    /// A document as it was listed, with the version that is to be fetched.
    pub(crate) fn new(item: &Listed, version: &VersionId) -> Self {
        Self {
            version: version.clone(),
            binder: item.binder.clone(),
            folder: item.folder.clone(),
            file_name: item.file_name.clone(),
            key: None,
        }
    }

    /// Its name at the service.
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

/// The documents that are being fetched, and how long a name may be.
#[derive(Debug)]
pub(crate) struct Reservations {
    documents: HashMap<DocumentId, InFlight>,
    owners: HashMap<String, DocumentId>,
    limit: NameLimit,
}

impl Reservations {
    /// Nothing is reserved.
    pub(crate) fn new(limit: NameLimit) -> Self {
        Self { documents: HashMap::new(), owners: HashMap::new(), limit }
    }

    /// The longest name that the mirror's file system takes.
    pub(crate) fn limit(&self) -> NameLimit {
        self.limit
    }

    /// The names that a document may take, best first.
    pub(crate) fn of(&self, file_name: &str, document: &DocumentId) -> impl Iterator<Item = String> + use<> {
        naming::document_names(file_name, document, self.limit)
    }

    /// Which of some documents are on their way.
    pub(crate) fn on_their_way<'d>(
        &self,
        documents: impl Iterator<Item = &'d DocumentId>,
    ) -> HashMap<DocumentId, InFlight> {
        documents.filter_map(|id| Some((id.clone(), self.documents.get(id)?.clone()))).collect()
    }

    /// A document whose path is its own already is on its way.
    pub(crate) fn keep(&mut self, document: &DocumentId, entry: InFlight) {
        self.documents.insert(document.clone(), entry);
    }

    /// Reserves the first of a document's names in a folder that nobody has or is about to get.
    /// `folder_has` tells whether a folder has a path, by key.
    pub(crate) fn reserve(
        &mut self,
        state: &State,
        dir: &RelPath,
        entry: (&DocumentId, &InFlight),
        folder_has: impl Fn(&str) -> bool,
    ) -> Result<RelPath, Fatal> {
        let (document, coming) = entry;
        for name in self.of(&coming.file_name, document) {
            let path = dir.join(&name).map_err(|e| Fatal::Internal(e.to_string()))?;
            if !folder_has(&naming::key(path.as_str())) && self.claim(state, &path, entry)? {
                return Ok(path);
            }
        }
        Err(Fatal::Internal(format!("no name is left for {document}")))
    }

    /// Reserves one path, unless another document has it or is about to get it.
    pub(crate) fn claim(
        &mut self,
        state: &State,
        path: &RelPath,
        (document, coming): (&DocumentId, &InFlight),
    ) -> Result<bool, Fatal> {
        let key = naming::key(path.as_str());
        if self.is_anothers(state, &key, document)? {
            return Ok(false);
        }
        self.owners.insert(key.clone(), document.clone());
        self.documents.insert(document.clone(), InFlight { key: Some(key), ..coming.clone() });
        Ok(true)
    }

    /// Another name in the same folder, since something that is not ours has this one; `None` when all that are
    /// tried are taken. `is_free` looks at the disk, so that many foreign files take one look each.
    pub(crate) fn another(
        &mut self,
        state: &State,
        taken: &RelPath,
        (document, file_name): (&DocumentId, &str),
        is_free: impl Fn(&RelPath) -> bool,
    ) -> Result<Option<RelPath>, Fatal> {
        // Names never end; a taken one that was given long ago may not be among them.
        let given = self.of(file_name, document).take(MOST).position(|name| name == taken.leaf());
        let names = self.of(file_name, document).skip(given.unwrap_or(0) + 1).take(MOST);
        self.first_of(names, state, taken, document, is_free)
    }

    /// A name within a limit in the same folder, since the disk refused a longer one.
    pub(crate) fn shorter(
        &mut self,
        state: &State,
        refused: &RelPath,
        (document, file_name): (&DocumentId, &str),
        limit: NameLimit,
    ) -> Result<Option<RelPath>, Fatal> {
        let names = naming::document_names(file_name, document, limit).take(MOST);
        self.first_of(names, state, refused, document, |path| path.leaf().len() < refused.leaf().len())
    }

    /// Reserves the first of some names beside a path that nobody has or is about to get.
    fn first_of(
        &mut self,
        names: impl Iterator<Item = String>,
        state: &State,
        beside: &RelPath,
        document: &DocumentId,
        is_free: impl Fn(&RelPath) -> bool,
    ) -> Result<Option<RelPath>, Fatal> {
        for name in names {
            let path = beside.parent().map_or_else(|| RelPath::new(&name), |dir| dir.join(&name));
            let path = path.map_err(|e| Fatal::Internal(e.to_string()))?;
            let key = naming::key(path.as_str());
            if !is_free(&path) || self.is_anothers(state, &key, document)? {
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

    /// Whether another document has a path, or is about to get it. A row that was committed meanwhile shows: its
    /// reservation ends only after that.
    fn is_anothers(&self, state: &State, key: &str, document: &DocumentId) -> Result<bool, Fatal> {
        let reserved = self.owners.get(key).is_some_and(|owner| owner != document);
        Ok(reserved || state.read(|r| r.owner(key))?.is_some_and(|owner| owner != *document))
    }

    /// Whether a path is reserved for another document.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.owners.contains_key(key)
    }

    /// A document's row is committed, or it is not brought over as it was planned.
    pub(crate) fn arrived(&mut self, document: &DocumentId) {
        if let Some(InFlight { key: Some(key), .. }) = self.documents.remove(document) {
            self.owners.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_of_a_second_item_is_noticed() {
        let item = Listed {
            id: DocumentId::parse("d").unwrap(),
            binder: BinderId::parse("b").unwrap(),
            folder: FolderId::parse("f").ok(),
            tab: None,
            file_name: "a.pdf".to_owned(),
            version: VersionId::parse("v").ok(),
            metadata: None,
        };
        let coming = InFlight::new(&item, &VersionId::parse("v").unwrap());
        let changed = |change: fn(&mut Listed)| {
            let mut item = item.clone();
            change(&mut item);
            !coming.is_as_listed(&item)
        };
        assert!(!changed(|_| {}) && !changed(|item| item.version = None));
        assert!(changed(|item| item.version = VersionId::parse("w").ok()));
        assert!(changed(|item| item.binder = BinderId::parse("c").unwrap()));
        assert!(changed(|item| item.folder = None));
        assert!(changed(|item| item.file_name = "b.pdf".to_owned()));
    }
}
