//! Who is about to get which path, before the state knows it.
//!
//! Two documents that are planned one after the other must not be given one name, although
//! neither has a row yet. An entry lives from the moment a document is planned until its row
//! is committed; one that failed keeps it to the end of the run, so that it is not tried again
//! by the same run when it is listed a second time.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

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

#[derive(Debug, Default)]
struct Inner {
    documents: HashMap<DocumentId, InFlight>,
    keys: HashMap<String, DocumentId>,
}

/// The documents that are on their way, and how long a name may be.
#[derive(Debug)]
pub(crate) struct Reservations {
    inner: Mutex<Inner>,
    limit: NameLimit,
}

impl Reservations {
    /// Nothing is on its way.
    pub(crate) fn new(limit: NameLimit) -> Self {
        Self { inner: Mutex::default(), limit }
    }

    /// The longest name that the mirror's file system takes.
    pub(crate) fn limit(&self) -> NameLimit {
        self.limit
    }

    /// The names that a document may take, best first.
    pub(crate) fn of(&self, file_name: &str, document: &DocumentId) -> impl Iterator<Item = String> + use<> {
        naming::document_names(file_name, document, self.limit)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which of some documents are on their way.
    pub(crate) fn on_their_way<'d>(
        &self,
        documents: impl Iterator<Item = &'d DocumentId>,
    ) -> HashMap<DocumentId, InFlight> {
        let inner = self.inner();
        documents.filter_map(|id| Some((id.clone(), inner.documents.get(id)?.clone()))).collect()
    }

    /// A document whose path is its own already is on its way.
    pub(crate) fn keep(&self, document: &DocumentId, entry: InFlight) {
        self.inner().documents.insert(document.clone(), entry);
    }

    /// Reserves the first of a document's names in a folder that nobody has or is about to get.
    /// `folder_has` tells whether a folder has a path, by key.
    pub(crate) fn reserve(
        &self,
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
        &self,
        state: &State,
        path: &RelPath,
        (document, coming): (&DocumentId, &InFlight),
    ) -> Result<bool, Fatal> {
        let key = naming::key(path.as_str());
        // The lock is held over the look into the state, so that a row that is committed in
        // between is seen in one place or the other.
        let mut inner = self.inner();
        let reserved = inner.keys.get(&key).is_some_and(|owner| owner != document);
        if reserved || state.read(|r| r.owner(&key))?.is_some_and(|owner| owner != *document) {
            return Ok(false);
        }
        inner.keys.insert(key.clone(), document.clone());
        inner.documents.insert(document.clone(), InFlight { key: Some(key), ..coming.clone() });
        Ok(true)
    }

    /// Another name in the same folder, since something that is not ours has this one; `None` when all that are
    /// tried are taken. `is_free` looks at the disk, so that many foreign files take one look each.
    pub(crate) fn another(
        &self,
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
        &self,
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
        &self,
        names: impl Iterator<Item = String>,
        state: &State,
        beside: &RelPath,
        document: &DocumentId,
        is_free: impl Fn(&RelPath) -> bool,
    ) -> Result<Option<RelPath>, Fatal> {
        let mut inner = self.inner();
        for name in names {
            let path = beside.parent().map_or_else(|| RelPath::new(&name), |dir| dir.join(&name));
            let path = path.map_err(|e| Fatal::Internal(e.to_string()))?;
            let key = naming::key(path.as_str());
            let reserved = inner.keys.get(&key).is_some_and(|owner| owner != document);
            if reserved || !is_free(&path) || state.read(|r| r.owner(&key))?.is_some_and(|owner| owner != *document) {
                continue;
            }
            inner.keys.insert(key.clone(), document.clone());
            if let Some(old) = inner.documents.get_mut(document).and_then(|entry| entry.key.replace(key)) {
                inner.keys.remove(&old);
            }
            return Ok(Some(path));
        }
        Ok(None)
    }

    /// Whether a path is reserved for another document.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.inner().keys.contains_key(key)
    }

    /// A document's row is committed, or it is not brought over as it was planned.
    pub(crate) fn arrived(&self, document: &DocumentId) {
        let mut inner = self.inner();
        if let Some(InFlight { key: Some(key), .. }) = inner.documents.remove(document) {
            inner.keys.remove(&key);
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
