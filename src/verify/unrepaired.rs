//! Damage that checks found and did not repair, as stored in `.ibinder-sync/last-verify.json`.
//!
//! The status only has a number, because it names no document. These entries say which documents and objects are counted,
//! so that the number falls when a run replaces one. Entries never change: each run checks again whether they still apply.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Watch, reader::hash_of};
use crate::{
    mirror::{ContentLocation, OnDisk, Root},
    model::{DocumentId, Sha256, Stamp},
    pace::Bandwidth,
    report::{Finding, Progress},
    state::State,
};

/// Most entries that are stored, about 2 MB. Further damage counts until a check has read everything.
const MAX_ITEMS: usize = 10_000;

/// Damage that is not repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unrepaired {
    /// When the latest of it was found.
    found_at: Timestamp,
    /// The documents and objects.
    items: Vec<Item>,
    /// How many more there are.
    #[serde(default)]
    more: u64,
}

/// A damaged or missing document or object; one of the two ids is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Item {
    document_id: Option<DocumentId>,
    object: Option<Sha256>,
    /// See [`Finding::stamp`].
    stamp: Option<Stamp>,
}

impl Unrepaired {
    /// When the latest of it was found.
    pub fn found_at(&self) -> Timestamp {
        self.found_at
    }

    /// How many of them are still damaged.
    pub fn count(&self, root: &Root, state: &State) -> u64 {
        let still = self.items.iter().filter(|item| !item.is_over(root, state)).count();
        still as u64 + self.more
    }

    /// What is left after a check. Earlier damage stays unless it is resolved, or everything was read since it was found and
    /// found sound (`disproved`).
    pub(super) fn after(
        before: Option<Self>,
        (root, state): (&Root, &State),
        findings: &[Finding],
        disproved: impl FnOnce(Timestamp) -> bool,
        now: Timestamp,
    ) -> Option<Self> {
        let mut items: Vec<Item> = findings.iter().filter(|finding| finding.is_left()).map(Item::of).collect();
        let before = before.or((!items.is_empty()).then_some(Self { found_at: now, items: Vec::new(), more: 0 }))?;
        let found_at = if items.is_empty() { before.found_at } else { now };
        let mut more = 0;
        if !disproved(before.found_at) {
            let again: HashSet<_> = items.iter().map(Item::key).collect();
            let stays = |item: &Item| !again.contains(&item.key()) && !item.is_over(root, state);
            items.extend(before.items.into_iter().filter(stays).collect::<Vec<_>>());
            more = before.more;
        }
        more += items.len().saturating_sub(MAX_ITEMS) as u64;
        items.truncate(MAX_ITEMS);
        Some(Self { found_at, items, more })
    }
}

impl Item {
    fn of(finding: &Finding) -> Self {
        let document_id = finding.document_id.clone();
        let object = finding.sha256.filter(|_| document_id.is_none());
        Self { document_id, object, stamp: finding.stamp }
    }

    fn key(&self) -> (Option<DocumentId>, Option<Sha256>) {
        (self.document_id.clone(), self.object)
    }

    /// Whether it is as recorded again, or no longer needed. If that can't be found out, it is not resolved.
    fn is_over(&self, root: &Root, state: &State) -> bool {
        match (&self.document_id, &self.object) {
            (Some(id), _) => match state.read(|r| r.document(id)) {
                Ok(Some(row)) => root
                    .look(&row.path)
                    .is_ok_and(|found| is_replaced(self.stamp.as_ref(), &row.stamp, found, !root.is_network())),
                Ok(None) => true,
                Err(_) => false,
            },
            (None, Some(hash)) => match state.read(|r| r.is_needed(hash)) {
                Ok(true) => self.object_came_back(root, hash),
                Ok(false) => true,
                Err(_) => false,
            },
            (None, None) => false,
        }
    }

    /// Whether the object was replaced by a sound one. The damaged file itself is not read again.
    fn object_came_back(&self, root: &Root, hash: &Sha256) -> bool {
        let (progress, bandwidth) = (Progress::default(), Bandwidth::new(None));
        let watch = Watch { progress: &progress, bandwidth: &bandwidth, stop: &|| false };
        matches!(root.look_at_object(hash), Ok(OnDisk::File(stamp)) if Some(stamp) != self.stamp)
            && hash_of(root, ContentLocation::Object(hash), &watch) == Some(*hash)
    }
}

/// Whether a document's file is as recorded, by a record that is newer than the damage.
fn is_replaced(damaged: Option<&Stamp>, recorded: &Stamp, found: OnDisk, inodes_count: bool) -> bool {
    let as_recorded = matches!(found, OnDisk::File(stamp) if stamp.is_same(recorded, inodes_count));
    as_recorded && damaged != Some(recorded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_replaced_only_as_recorded() {
        let stamp = |inode| Stamp { inode, size: 9, mtime: 5 };
        let (old, new) = (stamp(1), stamp(2));
        #[rustfmt::skip]
        let table = [
            // damaged file, record, current file
            (None,      old, OnDisk::Missing,          false),
            (None,      old, OnDisk::File(old),        true),  // a missing or an edited file is there as recorded
            (None,      old, OnDisk::File(new),        false), // what somebody put there is not the mirror's
            (None,      old, OnDisk::Other("a link"),  false),
            (Some(old), old, OnDisk::File(old),        false), // nobody touched it: its bytes are still damaged
            (Some(old), old, OnDisk::Missing,          false),
            (Some(old), old, OnDisk::File(new),        false),
            (Some(old), new, OnDisk::File(new),        true),
            (Some(old), new, OnDisk::File(old),        false),
        ];
        for (damaged, recorded, found, expected) in table {
            assert_eq!(
                is_replaced(damaged.as_ref(), &recorded, found, true),
                expected,
                "{damaged:?} {recorded:?} {found:?}"
            );
        }
        // On a network file system a file keeps its stamp except for the inode, and the record shows that it is another
        // file.
        assert!(is_replaced(Some(&old), &new, OnDisk::File(stamp(3)), false));
        assert!(!is_replaced(Some(&old), &old, OnDisk::File(stamp(3)), false));
    }
}
