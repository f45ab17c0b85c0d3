//! What a run changed, by binder and folder.
//!
//! Everything is counted, but only the beginning of a long list is kept, so that the report on a first mirror of a
//! million documents stays small.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Most listed documents.
const MOST: usize = 1000;

/// Most listed documents of a folder.
const MOST_IN_FOLDER: usize = 50;

/// Most listed folders of a binder.
const MOST_FOLDERS: usize = 200;

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// New in the tree.
    Added,
    /// Has a new version.
    Updated,
    /// Moved or renamed.
    Moved,
    /// Removed from the tree.
    Removed,
}

impl ChangeKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Moved => "moved",
            Self::Removed => "removed",
        }
    }
}

/// A changed document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedDocument {
    /// The kind of change.
    pub kind: ChangeKind,
    /// Its id.
    pub document_id: String,
    /// Its path; the last one if it was removed.
    pub path: String,
    /// The previous path, if it was another.
    pub from: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

impl ChangedDocument {
    /// Its binder's folder, the folder below that, and its name.
    pub fn place(&self) -> (&str, &str, &str) {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let (binder, below) = folder.split_once('/').unwrap_or((folder, ""));
        (binder, below, name)
    }
}

/// The number of changes by kind.
pub type ChangeCounts = BTreeMap<ChangeKind, u64>;

/// A folder with changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderChanges {
    /// The counts.
    pub counts: ChangeCounts,
    /// The first of them.
    pub documents: Vec<ChangedDocument>,
}

/// A binder with changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinderChanges {
    /// The counts.
    pub counts: ChangeCounts,
    /// By their paths below the binder.
    pub folders: BTreeMap<String, FolderChanges>,
    /// Changes in folders that are not listed.
    pub elsewhere: u64,
}

/// What a run changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLog {
    /// The counts.
    pub counts: ChangeCounts,
    /// By the names of their folders.
    pub binders: BTreeMap<String, BinderChanges>,
    #[serde(skip)]
    listed: usize,
}

impl ChangeLog {
    /// Adds a document; calls are in the order of paths.
    pub fn add(&mut self, document: ChangedDocument) {
        let (binder, folder, _) = document.place();
        let kind = document.kind;
        let count = |counts: &mut ChangeCounts| *counts.entry(kind).or_default() += 1;
        count(&mut self.counts);
        let in_binder = self.binders.entry(binder.to_owned()).or_default();
        count(&mut in_binder.counts);
        if !in_binder.folders.contains_key(folder) && in_binder.folders.len() >= MOST_FOLDERS {
            in_binder.elsewhere += 1;
            return;
        }
        let in_folder = in_binder.folders.entry(folder.to_owned()).or_default();
        count(&mut in_folder.counts);
        if in_folder.documents.len() < MOST_IN_FOLDER && self.listed < MOST {
            in_folder.documents.push(document);
            self.listed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: ChangeKind, path: String) -> ChangedDocument {
        ChangedDocument { kind, document_id: "d".to_owned(), path, from: None, size: 1 }
    }

    #[test]
    fn changes_are_listed_in_their_folders() {
        let mut log = ChangeLog::default();
        for path in ["B/a", "B/T/S/b", "C/T/a", "alone"] {
            log.add(entry(ChangeKind::Added, path.to_owned()));
        }
        log.add(entry(ChangeKind::Removed, "C/U/a".to_owned()));
        let folders: Vec<(&str, &str)> =
            log.binders.iter().flat_map(|(b, i)| i.folders.keys().map(|f| (b.as_str(), f.as_str()))).collect();
        assert_eq!(folders, [("", ""), ("B", ""), ("B", "T/S"), ("C", "T"), ("C", "U")]);
        assert_eq!(log.counts, [(ChangeKind::Added, 4), (ChangeKind::Removed, 1)].into());
        assert_eq!(log.binders["C"].folders["U"].counts, [(ChangeKind::Removed, 1)].into());
    }

    #[test]
    fn long_lists_are_cut_and_counted() {
        let mut log = ChangeLog::default();
        for n in 0..100_000 {
            log.add(entry(ChangeKind::Added, format!("B/{:04}/{n:06}", n / 100)));
        }
        let binder = &log.binders["B"];
        assert_eq!((log.counts[&ChangeKind::Added], binder.counts[&ChangeKind::Added]), (100_000, 100_000));
        assert_eq!((binder.folders.len(), binder.elsewhere), (MOST_FOLDERS, 80_000));
        assert_eq!(binder.folders["0000"].documents.len(), MOST_IN_FOLDER);
        assert_eq!(binder.folders.values().map(|folder| folder.documents.len()).sum::<usize>(), MOST);
        assert_eq!(binder.folders["0199"].counts[&ChangeKind::Added], 100);
    }
}
