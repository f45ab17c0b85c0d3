//! Folders in whose way is no file, as far as the state knows.
//!
//! They are found for one page, and forgotten with it: a row that is committed meanwhile belongs to a document whose path
//! stays reserved until the page was compared.

use std::collections::HashMap;

use crate::{model::RelPath, sync::decide::reservations::Reservations};

/// The keys of the steps of each folder's path.
#[derive(Debug, Default)]
pub(crate) struct UnobstructedFolders(HashMap<RelPath, Vec<String>>);

impl UnobstructedFolders {
    /// Whether a folder is one of them still. A document of the same page may have reserved a step of its path.
    pub(crate) fn has(&self, dir: &RelPath, reservations: &Reservations) -> bool {
        self.0.get(dir).is_some_and(|keys| keys.iter().all(|key| !reservations.has(key)))
    }

    pub(crate) fn insert(&mut self, dir: RelPath, keys: Vec<String>) {
        self.0.insert(dir, keys);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Listed, NameLimit, VersionId},
        state::State,
        sync::decide::reservations::InFlight,
    };

    #[test]
    fn a_reserved_step_obstructs() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.db"), false).unwrap();
        let mut reservations = Reservations::new(NameLimit::of(255).unwrap());
        let (dir, step) = (RelPath::new("B/x/y").unwrap(), RelPath::new("B/x").unwrap());
        let mut folders = UnobstructedFolders::default();
        assert!(!folders.has(&dir, &reservations));
        folders.insert(dir.clone(), ["b", "b/x", "b/x/y"].map(str::to_owned).to_vec());
        assert!(folders.has(&dir, &reservations));
        let version = VersionId::parse("v").unwrap();
        let item = Listed::sample("d");
        assert!(reservations.reserve_path(&state, &step, &item.id, &InFlight::new(&item, &version)).unwrap());
        assert!(!folders.has(&dir, &reservations));
        folders.clear();
        reservations.release(&item.id);
        assert!(!folders.has(&dir, &reservations), "the next page asks the state again");
    }
}
