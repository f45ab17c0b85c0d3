//! What a run changed, gathered by binder and folder for the page.
//!
//! Everything is counted; of a long list only the beginning is kept, so that the page of a first
//! mirror can be opened on a phone, and a million documents take no room.

use std::collections::BTreeMap;

/// Documents that a page names.
const MOST: usize = 1000;

/// Documents that are named in one folder.
const MOST_IN_FOLDER: usize = 50;

/// Folders that are named in one binder.
const MOST_FOLDERS: usize = 200;

/// What happened to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// New in the tree.
    Added,
    /// With another version.
    Updated,
    /// At another path.
    Moved,
    /// Taken out of the tree.
    Removed,
}

impl ChangeKind {
    /// All of them, in the order in which they are told.
    pub(crate) const ALL: [Self; 4] = [Self::Added, Self::Updated, Self::Moved, Self::Removed];

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Moved => "moved",
            Self::Removed => "removed",
        }
    }
}

/// A document that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedDocument {
    /// What happened.
    pub kind: ChangeKind,
    /// Its id.
    pub document: String,
    /// Where its file is; was, where it is gone.
    pub path: String,
    /// Where its file was before, where that is elsewhere.
    pub from: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

impl ChangedDocument {
    /// Its binder's folder, the folder below that, and its name.
    pub(crate) fn place(&self) -> (&str, &str, &str) {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let (binder, below) = folder.split_once('/').unwrap_or((folder, ""));
        (binder, below, name)
    }
}

/// How many of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts([u64; 4]);

impl Counts {
    fn add(&mut self, kind: ChangeKind) {
        self.0[kind as usize] += 1;
    }

    pub(crate) fn of(&self, kind: ChangeKind) -> u64 {
        self.0[kind as usize]
    }

    pub(crate) fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Whether something is there now.
    pub(crate) fn is_there(&self) -> bool {
        self.all() > self.of(ChangeKind::Removed)
    }
}

/// A folder in which something changed.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    pub(crate) counts: Counts,
    pub(crate) entries: Vec<ChangedDocument>,
}

/// A binder in which something changed.
#[derive(Debug, Default)]
pub(crate) struct Binder {
    pub(crate) counts: Counts,
    /// By their paths below the binder.
    pub(crate) folders: BTreeMap<String, Folder>,
    /// Changes in folders that are not named.
    pub(crate) elsewhere: u64,
}

/// What a run changed.
#[derive(Debug, Default)]
pub struct ChangeLog {
    pub(crate) counts: Counts,
    /// By the names of their folders.
    pub(crate) binders: BTreeMap<String, Binder>,
    named: usize,
}

impl ChangeLog {
    /// Takes one in; they come in the order of their paths.
    pub fn add(&mut self, entry: ChangedDocument) {
        let (binder, folder, _) = entry.place();
        let kind = entry.kind;
        self.counts.add(kind);
        let in_binder = self.binders.entry(binder.to_owned()).or_default();
        in_binder.counts.add(kind);
        if !in_binder.folders.contains_key(folder) && in_binder.folders.len() >= MOST_FOLDERS {
            in_binder.elsewhere += 1;
            return;
        }
        let in_folder = in_binder.folders.entry(folder.to_owned()).or_default();
        in_folder.counts.add(kind);
        if in_folder.entries.len() < MOST_IN_FOLDER && self.named < MOST {
            in_folder.entries.push(entry);
            self.named += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: ChangeKind, path: String) -> ChangedDocument {
        ChangedDocument { kind, document: "d".to_owned(), path, from: None, size: 1 }
    }

    #[test]
    fn changes_lie_in_their_folders() {
        let mut log = ChangeLog::default();
        for path in ["B/a", "B/T/S/b", "C/T/a", "alone"] {
            log.add(entry(ChangeKind::Added, path.to_owned()));
        }
        log.add(entry(ChangeKind::Removed, "C/U/a".to_owned()));
        let folders: Vec<(&str, &str)> =
            log.binders.iter().flat_map(|(b, i)| i.folders.keys().map(|f| (b.as_str(), f.as_str()))).collect();
        assert_eq!(folders, [("", ""), ("B", ""), ("B", "T/S"), ("C", "T"), ("C", "U")]);
        assert!(log.binders["C"].folders["T"].counts.is_there());
        assert!(!log.binders["C"].folders["U"].counts.is_there());
    }

    #[test]
    fn long_lists_are_counted_and_not_kept() {
        let mut log = ChangeLog::default();
        for n in 0..100_000 {
            log.add(entry(ChangeKind::Added, format!("B/{:04}/{n:06}", n / 100)));
        }
        let binder = &log.binders["B"];
        assert_eq!((log.counts.all(), binder.counts.of(ChangeKind::Added)), (100_000, 100_000));
        assert_eq!((binder.folders.len(), binder.elsewhere), (MOST_FOLDERS, 80_000));
        assert_eq!(binder.folders["0000"].entries.len(), MOST_IN_FOLDER);
        assert_eq!(binder.folders.values().map(|folder| folder.entries.len()).sum::<usize>(), MOST);
        assert_eq!(binder.folders["0199"].counts.all(), 100);
    }
}
