//! What the mirror has of a page's documents.
//!
//! On most nights nearly every row agrees with its listing. Such a row is compared while it is read, and only what shows
//! whether its file is still the same is kept of it.

use std::ops::Range;

use crate::{
    mirror::{OnDisk, OpenFolders, Root},
    model::{Listed, RelPath, Stamp},
    plan::{FileState, KnownFacts},
    state::{DocumentRow, Error, Known, Numbers, State},
    sync::Fatal,
};

/// The row of a listed document.
#[derive(Debug)]
pub(super) enum Row {
    /// It agrees with the listing.
    AsListed {
        number: i64,
        metadata_hash: Option<[u8; 8]>,
    },
    Other(Known),
}

/// The row of a listed document, and its file.
#[derive(Debug)]
pub(super) struct Mirrored {
    pub(super) row: Row,
    pub(super) file: FileState,
    path: Range<usize>,
    stamp: Stamp,
}

impl Mirrored {
    pub(super) fn number(&self) -> i64 {
        match &self.row {
            Row::AsListed { number, .. } => *number,
            Row::Other(known) => known.number,
        }
    }
}

/// Reads the rows of documents whose files belong into these folders; `None` for those that aren't mirrored.
pub(super) fn read(
    state: &State,
    numbers: &Numbers,
    items: &[&Listed],
    dirs: &[&RelPath],
) -> Result<(Vec<Option<Mirrored>>, String), Fatal> {
    let mut found: Vec<Option<Mirrored>> = items.iter().map(|_| None).collect();
    let mut paths = String::new();
    let each = |at: usize, row: &DocumentRow<'_>| {
        let (path, start) = (row.path()?, paths.len());
        paths.push_str(path);
        let as_listed = lies_in(path, dirs[at]) && row.is_as_listed(items[at])?;
        let stamp = row.stamp()?;
        let row = if as_listed {
            Row::AsListed { number: row.number()?, metadata_hash: row.metadata_hash()? }
        } else {
            Row::Other(row.known()?)
        };
        found[at] = Some(Mirrored { row, file: FileState::AsPublished, path: start..paths.len(), stamp });
        Ok::<(), Error>(())
    };
    state.read(|r| r.rows_of(numbers, items, each))?;
    Ok((found, paths))
}

/// Looks at the documents' files. Adds to `unproved` the row numbers of those that look as recorded but have other inodes.
pub(super) fn look_at_files(
    root: &Root,
    folders: &mut OpenFolders,
    rows: &mut [Option<Mirrored>],
    paths: &str,
    unproved: &mut Vec<i64>,
) -> Result<(), Fatal> {
    let inodes_count = !root.is_network();
    let found = root.look_from(folders, rows.iter().flatten().map(|row| &paths[row.path.clone()]))?;
    for (row, found) in rows.iter_mut().flatten().zip(found) {
        row.file = match found {
            OnDisk::Missing => FileState::Missing,
            OnDisk::File(stamp) if stamp.is_same(&row.stamp, inodes_count) => FileState::AsPublished,
            // Trusted for now: an edit changes the time, a copy of the mirror doesn't.
            OnDisk::File(stamp) if stamp.is_same(&row.stamp, false) => {
                unproved.push(row.number());
                FileState::AsPublished
            }
            OnDisk::File(_) | OnDisk::Other(_) => FileState::Changed,
        };
    }
    Ok(())
}

/// The facts about a document whose row and file are as listed.
pub(super) const UNCHANGED: KnownFacts =
    KnownFacts { same_version: true, same_place: true, file: FileState::AsPublished };

/// The facts about a document, its row and its file.
pub(super) fn facts(item: &Listed, known: &Known, dir: &RelPath, file: FileState) -> KnownFacts {
    KnownFacts {
        same_version: item.version.as_ref().is_none_or(|v| *v == known.version),
        same_place: same_place(item, known, dir),
        file,
    }
}

/// Whether a document is listed in the folder and under the name that its file has.
pub(crate) fn same_place(item: &Listed, known: &Known, dir: &RelPath) -> bool {
    item.binder == known.binder
        && item.folder == known.folder
        && item.file_name == known.file_name
        && lies_in(known.path.as_str(), dir)
}

/// Whether a path is directly in a folder.
fn lies_in(path: &str, dir: &RelPath) -> bool {
    path.strip_prefix(dir.as_str()).is_some_and(|rest| rest.rfind('/') == Some(0))
}
