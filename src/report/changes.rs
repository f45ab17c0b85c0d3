//! The result for each document that isn't unchanged.
//!
//! A first mirror has one for every document, so GUIDs take 16 bytes. A tree grows evenly; a hash table would need
//! three times its space each time it grows.

use std::collections::BTreeMap;

use super::Change;
use crate::model::{DocumentId, Guid};

/// Results by document.
#[derive(Debug, Default)]
pub(super) struct Changes {
    guids: BTreeMap<Guid, Change>,
    others: BTreeMap<DocumentId, Change>,
}

impl Changes {
    /// Adds a document's result; the higher of two counts.
    pub(super) fn add(&mut self, document: &DocumentId, change: Change) {
        let known = match Guid::parse(document.as_str()) {
            Some(guid) => self.guids.entry(guid).or_insert(change),
            None => self.others.entry(document.clone()).or_insert(change),
        };
        *known = change.max(*known);
    }

    pub(super) fn len(&self) -> u64 {
        (self.guids.len() + self.others.len()) as u64
    }

    /// How many documents have this result.
    pub(super) fn count(&self, change: Change) -> u64 {
        self.values().filter(|found| *found == change).count() as u64
    }

    /// The documents with this result.
    pub(super) fn all(&self, change: Change) -> Vec<DocumentId> {
        let guids = self.guids.iter().filter(|(_, found)| **found == change);
        let others = self.others.iter().filter(|(_, found)| **found == change);
        guids
            .filter_map(|(guid, _)| DocumentId::parse(&guid.to_string()).ok())
            .chain(others.map(|(id, _)| id.clone()))
            .collect()
    }

    /// Whether a run with these results can be complete.
    pub(super) fn are_settled(&self) -> bool {
        self.values().all(Change::is_settled)
    }

    fn values(&self) -> impl Iterator<Item = Change> {
        self.guids.values().chain(self.others.values()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_and_other_ids_are_counted_alike() {
        let ids = ["64f452c2-18ac-4dc3-b333-3d54c617e2d8", "D-1"].map(|text| DocumentId::parse(text).unwrap());
        let mut changes = Changes::default();
        for id in &ids {
            changes.add(id, Change::Planned);
        }
        assert_eq!(changes.all(Change::Planned), ids);
        assert!(!changes.are_settled());
        for id in &ids {
            changes.add(id, Change::Moved);
            changes.add(id, Change::Added);
        }
        assert_eq!((changes.len(), changes.count(Change::Moved), changes.count(Change::Added)), (2, 2, 0));
        assert!(changes.are_settled() && changes.all(Change::Planned).is_empty());
    }
}
