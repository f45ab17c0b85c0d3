//! What a run changed, by binder and folder.
//!
//! Everything is counted, and only the beginning of a long list is kept: the first mirror of a million documents
//! must fit on a phone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Documents that are listed.
const MOST: usize = 1000;

/// Documents that are listed in one folder.
const MOST_IN_FOLDER: usize = 50;

/// Folders that are listed in one binder.
const MOST_FOLDERS: usize = 200;

/// What happened to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// New in the tree.
    Added,
    /// With another version.
    Updated,
    /// At another path.
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

/// A document that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedDocument {
    /// What happened.
    pub kind: ChangeKind,
    /// Its id.
    pub document_id: String,
    /// The path of its file; the last one, if it was removed.
    pub path: String,
    /// The path before, if another one.
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

/// How many of each kind.
pub type ChangeCounts = BTreeMap<ChangeKind, u64>;

/// A folder in which something changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderChanges {
    /// How many.
    pub counts: ChangeCounts,
    /// The first of them.
    pub documents: Vec<ChangedDocument>,
}

/// A binder in which something changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinderChanges {
    /// How many.
    pub counts: ChangeCounts,
    /// By their paths below the binder.
    pub folders: BTreeMap<String, FolderChanges>,
    /// Changes in folders that are not listed.
    pub elsewhere: u64,
}

/// What a run changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLog {
    /// How many.
    pub counts: ChangeCounts,
    /// By the names of their folders.
    pub binders: BTreeMap<String, BinderChanges>,
    #[serde(skip)]
    listed: usize,
}

impl ChangeLog {
    /// Adds a document; they come in the order of their paths.
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
    fn long_lists_are_counted_and_not_kept() {
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
