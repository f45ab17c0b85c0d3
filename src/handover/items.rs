//! What a bag has of each version, and under which name.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, tz::TimeZone};

use super::names::{Names, is_plain};
use crate::{
    model::{DocumentId, RelPath, Sha256, Stamp},
    state::{self, PastDocument, State, VersionRow},
};

/// The folder of the documents as they are now.
pub(super) const TREE: &str = "data/tree";

/// The folder of the old versions.
pub(super) const VERSIONS: &str = "data/versions";

/// A version, and its file in the bag.
#[derive(Debug)]
pub(super) struct Item {
    /// What is known about it.
    pub(super) row: VersionRow,
    /// Its file; `None` if its bytes are not kept.
    pub(super) file: Option<RelPath>,
    /// Whether the item before has the same file.
    pub(super) again: bool,
}

impl Item {
    /// The hash and size of its file, unless the item before has the same one.
    pub(super) fn own_file(&self) -> Option<(&RelPath, Sha256, u64)> {
        let (sha256, size) = self.row.held?;
        self.file.as_ref().filter(|_| !self.again).map(|file| (file, sha256, size))
    }

    /// What is to be written, and where it should be found.
    pub(super) fn wanted(&self) -> Option<PastDocument> {
        let (file, sha256, size) = self.own_file()?;
        let stamp = |inode| Stamp { inode, size: self.row.size, mtime: self.row.mtime };
        Some(PastDocument {
            document: self.row.document.clone(),
            version: self.row.version.clone(),
            path: file.clone(),
            size,
            sha256,
            mtime: self.row.mtime,
            file: self.row.inode.map(|inode| (self.row.path.clone(), stamp(inode))),
            object: self.row.ended.is_some(),
            edited: None,
            freed: false,
        })
    }
}

/// All versions of a record, which must not change.
pub(super) struct Items<'s> {
    record: &'s State,
    /// Documents in the tree whose path changes, by their paths in the mirror.
    changed: HashMap<String, String>,
    /// The folders of old versions.
    versions: Names,
    /// The number of files.
    pub(super) files: u64,
}

impl<'s> Items<'s> {
    /// Gives out the names.
    pub(super) fn new(record: &'s State) -> Result<Self, state::Error> {
        let (mut odd, mut odd_folders, mut versions, mut files) = (Vec::new(), HashSet::new(), Names::default(), 0);
        record.read(|r| {
            r.versions(|row| {
                files += u64::from(row.held.is_some());
                let above = row.path.parent();
                let is_odd = !is_plain(row.path.as_str());
                if row.ended.is_none() {
                    odd.extend(is_odd.then(|| (row.path.to_string(), Some(row.document))));
                } else if let Some(above) = above {
                    versions.take(above.as_str());
                    odd_folders.extend((!is_plain(above.as_str())).then(|| above.to_string()));
                }
                Ok::<_, state::Error>(true)
            })
        })?;
        versions.assign(odd_folders.into_iter().map(|folder| (folder, None)));
        Ok(Self { record, changed: changed(record, odd)?, versions, files })
    }

    /// Calls `each` for every version until it returns `false`, always in the same order and with the same names: first the
    /// documents in the tree, in path order, then the old versions.
    pub(super) fn each<E: From<state::Error>>(&self, mut each: impl FnMut(Item) -> Result<bool, E>) -> Result<(), E> {
        let mut names = self.versions.clone();
        let mut last: Option<(DocumentId, RelPath, Sha256, Option<RelPath>)> = None;
        self.record.read(|r| {
            r.versions(|row| {
                let (mut again, mut file) = (false, None);
                if row.ended.is_none() {
                    let path = self.changed.get(row.path.as_str()).map_or(row.path.as_str(), String::as_str);
                    file = Some(in_folder(TREE, path)?);
                } else if let Some((held, _)) = row.held {
                    let same = last.as_ref().filter(|(document, path, sha256, _)| {
                        (document, path, sha256) == (&row.document, &row.path, &held)
                    });
                    again = same.is_some();
                    file = if let Some((.., file)) = same {
                        file.clone()
                    } else {
                        let path = names.version(row.path.as_str(), &day(row.mtime), row.version.as_str());
                        Some(in_folder(VERSIONS, &path)?)
                    };
                    last = Some((row.document.clone(), row.path.clone(), held, file.clone()));
                }
                each(Item { row, file, again })
            })
        })
    }
}

/// The paths in the bag of these documents in the tree, whose paths change.
fn changed(record: &State, odd: Vec<(String, Option<DocumentId>)>) -> Result<HashMap<String, String>, state::Error> {
    if odd.is_empty() {
        return Ok(HashMap::new());
    }
    let mut names = Names::default();
    record.read(|r| {
        r.versions(|row| {
            names.take(row.path.as_str());
            Ok::<_, state::Error>(row.ended.is_none())
        })
    })?;
    Ok(names.assign(odd))
}

fn in_folder(folder: &str, path: &str) -> Result<RelPath, state::Error> {
    RelPath::new(&format!("{folder}/{path}")).map_err(|e| state::Error::InvalidValue(e.to_string()))
}

/// The day of a time in nanoseconds, such as `20261103`.
fn day(mtime: i64) -> String {
    let time = Timestamp::from_nanosecond(mtime.into()).unwrap_or_default();
    time.to_zoned_datetime(TimeZone::UTC).strftime("%Y%m%d").to_string()
}
