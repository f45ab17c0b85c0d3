//! The destination as an open folder, and read access to everything below it.
//!
//! Everything below the destination is opened from this handle, step by step and without following links. A link planted in
//! the tree is an error and never leads outside.

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

use super::{
    Error, ErrorKind, name_limit,
    sys::{self, EntryKind},
};
use crate::{
    failpoints::{self, Point},
    model::{NameLimit, RelPath, STATE_FOLDER, Stamp},
};

/// What is at the path of a recorded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDisk {
    /// A regular file with this stamp.
    File(Stamp),
    /// Nothing.
    Missing,
    /// A link, a folder or a special file, as text.
    Other(&'static str),
}

/// What kind of destination a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DestinationKind {
    /// Nothing: it can be created.
    Absent,
    /// An empty folder, except for the `lost+found` of a new disk.
    Empty,
    /// A mirror with its state.
    Mirror,
    /// A recovery from a copy elsewhere was begun and is not complete: there is its mark, and no database.
    Recovery,
    /// A state folder without a database, beside files.
    StateLost,
    /// Files, but no state.
    Foreign,
}

/// The state file that marks a recovery from a copy elsewhere. Once there is a database, it means nothing.
pub const RECOVERY_MARK: &str = "recovery.json";

/// A database of this size has one page and no tables, because they were lost.
const EMPTY_DATABASE: u64 = 4096;

/// Finds out what a destination contains, without changing anything.
pub fn survey(path: &Path) -> Result<DestinationKind, Error> {
    let Some((state, files)) = contents(path)? else { return Ok(DestinationKind::Absent) };
    Ok(match (state && has_database(path)?, state, files) {
        (true, ..) => DestinationKind::Mirror,
        (false, true, _) if path.join(STATE_FOLDER).join(RECOVERY_MARK).exists() => DestinationKind::Recovery,
        (false, true, true) => DestinationKind::StateLost,
        (false, _, false) => DestinationKind::Empty,
        (false, false, true) => DestinationKind::Foreign,
    })
}

/// Whether a destination contains anything but a state.
pub fn holds_files(path: &Path) -> Result<bool, Error> {
    Ok(contents(path)?.is_some_and(|(_, files)| files))
}

/// Whether there is a state folder, and anything else; `None` if the folder is missing.
fn contents(path: &Path) -> Result<Option<(bool, bool)>, Error> {
    let unreadable = |source| Error::destination("read the destination", path, source);
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let (mut state, mut files) = (false, false);
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        if name == STATE_FOLDER {
            state = true;
        } else if name != "lost+found" {
            files = true;
        }
    }
    Ok(Some((state, files)))
}

/// Whether there is a database that may have tables, in the file itself or in its journal.
fn has_database(path: &Path) -> Result<bool, Error> {
    let look = |name: &str| path.join(STATE_FOLDER).join(name).symlink_metadata();
    let journal = ["state.db-wal", "state.db-journal"].into_iter().any(|name| look(name).is_ok_and(|m| m.len() > 0));
    match look("state.db") {
        Ok(found) => Ok(!found.is_file() || journal || found.len() > EMPTY_DATABASE),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        // Not being able to see it doesn't mean that it was lost.
        Err(error) => Err(Error::destination("look at the state in", path, error)),
    }
}

/// Whether an error means that a folder doesn't exist. A name that is too long for the file system can't exist.
pub(super) fn is_missing(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NAMETOOLONG)
}

/// The open destination.
#[derive(Debug)]
pub struct Root {
    handle: OwnedFd,
    path: PathBuf,
    network: bool,
    /// Overrides the file system whose name limit counts.
    names_fit: Option<OwnedFd>,
}

impl Root {
    /// Opens an existing destination.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let cannot = |source: io::Error| Error::destination("open the destination", path, source);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| cannot(e.into()))?;
        let absolute = std::path::absolute(path).map_err(cannot)?;
        let network = sys::is_network(&handle).unwrap_or(false);
        Ok(Self { handle, path: absolute, network, names_fit: None })
    }

    /// Opens an empty folder instead of a destination that has no mirror yet. The name limit is the destination's.
    pub fn placeholder(destination: &Path, empty: &Path) -> Result<Self, Error> {
        let absolute = std::path::absolute(destination).map_err(|e| Error::destination("find", destination, e))?;
        let names_fit = absolute.ancestors().find_map(|above| Some(Self::open(above).ok()?.handle));
        Ok(Self { names_fit, ..Self::open(empty)? })
    }

    /// The longest name that the file system allows, as far as that can be seen without changes.
    pub fn name_limit(&self) -> Result<NameLimit, Error> {
        name_limit::limit(name_limit::probe_by_lookup(self.names_fit.as_ref().unwrap_or(&self.handle)))
    }

    /// The destination's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Free bytes.
    pub fn free_bytes(&self) -> Result<u64, Error> {
        sys::free_space(&self.handle).map(|free| free.bytes).map_err(|e| Error::io("read the free space of", ".", e))
    }

    /// Whether the destination is on a network file system.
    pub fn is_network(&self) -> bool {
        self.network
    }

    /// What is at a path. If a parent folder is missing or blocked, nothing is.
    pub fn look(&self, path: &RelPath) -> Result<OnDisk, Error> {
        let dir = match path.parent() {
            None => None,
            Some(parent) => match sys::open_folder(&self.handle, parent.as_str()) {
                Ok(dir) => Some(dir),
                Err(error) if is_missing(error) => return Ok(OnDisk::Missing),
                Err(Errno::LOOP) => return Ok(OnDisk::Other("below a symbolic link")),
                Err(Errno::NOTDIR) => return Ok(OnDisk::Other("below something that is not a folder")),
                Err(error) => return Err(Error::io("look at", path.as_str(), error)),
            },
        };
        let dir = dir.as_ref().map_or_else(|| self.handle.as_fd(), AsFd::as_fd);
        match sys::look(dir, path.leaf()).map_err(|e| Error::io("look at", path.as_str(), e))? {
            EntryKind::Nothing => Ok(OnDisk::Missing),
            EntryKind::File(stamp) => Ok(OnDisk::File(stamp)),
            EntryKind::Other(what) => Ok(OnDisk::Other(what)),
        }
    }

    pub(super) fn handle(&self) -> &OwnedFd {
        &self.handle
    }

    /// Opens the parent folder of a path.
    pub(super) fn folder_of(&self, path: &RelPath) -> Result<OwnedFd, Error> {
        let parent = path.parent();
        let parent = parent.as_ref().map_or(".", RelPath::as_str);
        sys::open_folder(&self.handle, parent).map_err(|error| match error {
            Errno::LOOP => Error::InTheWay { path: parent.to_owned(), what: "or lies below a symbolic link" },
            Errno::NOTDIR => Error::InTheWay { path: parent.to_owned(), what: "not a folder" },
            error if is_missing(error) => Error::io("open the folder", parent, Errno::NOENT),
            error => Error::io("open the folder", parent, error),
        })
    }

    /// Opens the parent folder of a path, and creates missing folders. With `durable`, new folders are synced into their
    /// parents at once.
    pub(super) fn make_folder_of(&self, path: &RelPath, durable: bool) -> Result<OwnedFd, Error> {
        match self.folder_of(path) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let Some(parent) = path.parent() else { return self.folder_of(path) };
        let mut dir = sys::open_folder(&self.handle, ".").map_err(|e| Error::io("open", ".", e))?;
        for step in parent.as_str().split('/') {
            match rustix::fs::mkdirat(&dir, step, Mode::from_bits_truncate(0o777)) {
                Ok(()) => {
                    failpoints::point(Point::FolderMade, &parent);
                    if durable {
                        sys::sync_folder(&dir).map_err(|e| Error::io("sync the parent of", parent.as_str(), e))?;
                        failpoints::point(Point::FolderSynced, &parent);
                    }
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(Error::io("create the folder", parent.as_str(), error)),
            }
            dir = sys::open_folder(&dir, step).map_err(|error| match error {
                Errno::LOOP => Error::InTheWay { path: parent.to_string(), what: "or lies below a symbolic link" },
                Errno::NOTDIR => Error::InTheWay { path: parent.to_string(), what: "or lies below a file" },
                error => Error::io("open the folder", parent.as_str(), error),
            })?;
        }
        Ok(dir)
    }

    /// Removes a folder and those above it while they are empty.
    pub(super) fn prune(&self, folder: &RelPath) -> Result<(), Error> {
        let mut next = Some(folder.clone());
        while let Some(folder) = next {
            // If it is missing, a crash came before the folders above it were removed.
            let removed = match self.folder_of(&folder) {
                Ok(parent) => rustix::fs::unlinkat(&parent, folder.leaf(), AtFlags::REMOVEDIR),
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Err(Errno::NOENT),
                Err(_) => return Ok(()),
            };
            match removed {
                Ok(()) => failpoints::point(Point::Pruned, &folder),
                Err(Errno::NOENT) => {}
                Err(error) => {
                    let error = Error::io("remove the empty folder", folder.as_str(), error);
                    // A folder that isn't empty, or that we may not remove, stays.
                    return if error.kind() == ErrorKind::Document { Ok(()) } else { Err(error) };
                }
            }
            next = folder.parent();
        }
        Ok(())
    }
}
