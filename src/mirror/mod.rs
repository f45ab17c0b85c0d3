//! The tree on disk: stage, publish, objects, `tmp/`, lock.
//!
//! The only module that knows that the tree is a local file system. Bytes enter through a [`Stage`] below `tmp/`, become
//! durable together at a [`Mirror::barrier`], and become visible with [`Mirror::apply`], which carries out an intent that
//! the caller has committed. [`Root`] only reads.

mod anonymous_files;
mod archive;
mod content_reader;
mod copies;
mod digests;
mod erase;
mod error;
mod files;
mod fingerprint;
mod io_counter;
mod lock;
mod name_limit;
mod objects;
mod open_folders;
mod probe;
mod process;
mod publish;
mod read;
mod root;
mod shelf;
mod stage;
mod state_dir;
mod sys;
mod target;
mod unfinished;
mod walk;

use std::{collections::HashSet, path::Path, sync::Arc};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::AtFlags,
};

use anonymous_files::AnonymousFiles;
use state_dir::StateDir;

pub use anonymous_files::{NEEDED_DESCRIPTORS, descriptors};
pub use archive::Archive;
pub use content_reader::{ContentReader, ReadFailure};
pub use copies::copies;
pub use error::{Error, ErrorKind, Shortage};
pub use fingerprint::Fingerprint;
pub use io_counter::bytes_moved;
pub use open_folders::OpenFolders;
pub use probe::{Abilities, Disk, Examination, ProbeFailure, examine, system};
pub use process::{ProcessIdentity, exists, identity, started};
pub use publish::Outcome;
pub use read::{ContentLocation, digest, digest_with, stamp_of};
pub use root::{DestinationKind, OnDisk, RECOVERY_MARK, Root, holds_files, survey};
pub use shelf::Shelf;
pub use stage::Stage;
pub use state_dir::database;
pub use target::{FileTarget, FileWriter, Target, WriteFile, WriteOutcome, is_inside};
pub use walk::WalkEntry;

use crate::{
    failpoints::{self, Point},
    model::{NameLimit, RelPath, Stamp},
};

/// A mirror opened for writing. Holds the lock until dropped.
#[derive(Debug)]
pub struct Mirror {
    root: Root,
    state_dir: StateDir,
    /// Whether one `syncfs` makes a batch durable; otherwise each file and folder is synced.
    syncs_groups: bool,
    /// Whether the file system can refuse to rename onto an existing name.
    names_exclusively: bool,
    /// Whether the file system can swap two names.
    exchanges: bool,
    /// Staged files without a name.
    anonymous: Arc<AnonymousFiles>,
    /// The longest name that the file system allows.
    name_limit: NameLimit,
}

impl Mirror {
    /// Opens a destination for writing, creates it if necessary, and takes its lock.
    pub fn open(path: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(|e| Error::destination("create the destination", path, e))?;
        let root = Root::open(path)?;
        let network = root.is_network();
        // The handle is opened before the first byte is written, so that it sees every write error.
        let syncs_groups = !network && sys::sync_all_reports_errors();
        let state_dir = StateDir::open(root.handle())?;
        // If each file must be synced separately, anonymous files have no advantage.
        let tried = state_dir.tmp.first().filter(|_| syncs_groups).map(AnonymousFiles::open).transpose();
        let anonymous =
            Arc::new(tried.map_err(|e| Error::io("try to create a file in", "tmp", e))?.unwrap_or_default());
        let longest = state_dir
            .tmp
            .first()
            .map_or_else(|| Ok(name_limit::probe_by_lookup(root.handle())), name_limit::probe_by_creating);
        let longest = longest.map_err(|e| Error::of_state("try to create a file in", "tmp".to_owned(), e.into()))?;
        let name_limit = name_limit::limit(longest)?;
        Ok(Self { root, state_dir, syncs_groups, names_exclusively: true, exchanges: true, anonymous, name_limit })
    }

    /// Behaves as on a file system that can neither swap names, nor sync as a whole, nor refuse to replace an existing
    /// name.
    #[must_use]
    pub fn with_fallbacks_only(mut self) -> Self {
        self.syncs_groups = false;
        self.names_exclusively = false;
        self.exchanges = false;
        self.anonymous = Arc::default();
        self
    }

    /// Behaves as on a file system with at most this many bytes per name.
    #[must_use]
    pub fn with_longest_name(mut self, bytes: usize) -> Self {
        self.name_limit = NameLimit::of(bytes).unwrap_or(NameLimit::LEAST);
        self
    }

    /// The longest name that the file system allowed when the mirror was opened.
    pub fn name_limit(&self) -> NameLimit {
        self.name_limit
    }

    /// The tree, for reading.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The stamp of a regular file in the tree.
    pub fn stamp(&self, path: &RelPath) -> Result<Option<Stamp>, Error> {
        Ok(match self.root.look(path)? {
            OnDisk::File(stamp) => Some(stamp),
            OnDisk::Missing | OnDisk::Other(_) => None,
        })
    }

    /// Whether the last command that changed the mirror was interrupted.
    pub fn was_interrupted(&self) -> bool {
        self.state_dir.lock.was_interrupted()
    }

    /// Called when the traces of an interrupted command have been dealt with.
    pub fn clear_interruption(&self) {
        self.state_dir.lock.clear_interruption();
    }

    /// Lets child processes hold the lock as long as they run, even if this process ends earlier.
    pub fn share_lock(&self) -> Result<(), Error> {
        self.state_dir.lock.share()
    }

    /// Makes everything staged and renamed so far durable.
    pub fn barrier(&self) -> Result<(), Error> {
        if self.syncs_groups {
            sys::sync_all(self.root.handle()).map_err(|e| Error::io("sync", ".", e))?;
            failpoints::point(Point::Synced, ".");
        }
        Ok(())
    }

    /// Removes a folder that a move or removal emptied, and the empty folders above it.
    pub fn prune(&self, folder: &RelPath) -> Result<(), Error> {
        self.root.prune(folder)
    }

    /// An unused name below `tmp/`.
    pub fn spare_name(&self) -> Result<String, Error> {
        let stage = Stage::create(self, false)?;
        Ok(stage.name().to_owned())
    }

    /// Deletes a staged file, or another one below `tmp/`, if it exists.
    pub fn discard(&self, name: &str) -> Result<(), Error> {
        if self.anonymous.discard(name) {
            return Ok(());
        }
        let (dir, leaf) = self.state_dir.tmp(name)?;
        match rustix::fs::unlinkat(dir, leaf, AtFlags::empty()) {
            Ok(()) => {
                failpoints::point(Point::Discarded, name);
                Ok(())
            }
            Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(Error::io("remove", format!("tmp/{name}"), error)),
        }
    }

    /// Size of a file below `tmp/`; `None` if it is missing.
    pub fn partial_size(&self, name: &str) -> Option<u64> {
        let (dir, leaf) = self.state_dir.tmp(name).ok()?;
        match sys::look(dir, leaf) {
            Ok(sys::EntryKind::File(stamp)) => Some(stamp.size),
            _ => None,
        }
    }

    /// Deletes everything below `tmp/` that isn't wanted.
    pub fn sweep(&self, wanted: &HashSet<String>) -> Result<(), Error> {
        for name in self.names_in_tmp()?.into_iter().filter(|name| !wanted.contains(name)) {
            match self.discard(&name) {
                // A folder that somebody made here stays.
                Err(error) if error.kind() != ErrorKind::Document => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Names of everything below `tmp/`.
    fn names_in_tmp(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for (number, dir) in self.state_dir.tmp.iter().enumerate() {
            let entries = rustix::fs::Dir::read_from(dir).map_err(|e| Error::io("list", "tmp", e))?;
            for entry in entries {
                let entry = entry.map_err(|e| Error::io("list", "tmp", e))?;
                let Ok(leaf) = entry.file_name().to_str() else { continue };
                if !matches!(leaf, "." | "..") {
                    names.push(format!("{number:x}/{leaf}"));
                }
            }
        }
        Ok(names)
    }

    /// Whether each file is synced by itself, because the file system has no barrier for batches.
    pub fn syncs_each(&self) -> bool {
        !self.syncs_groups
    }

    /// Opens the parent folder of a path, and creates missing folders.
    fn make_folder_of(&self, path: &RelPath) -> Result<OwnedFd, Error> {
        match path.parent() {
            Some(parent) if !self.name_limit.takes(parent.as_str()) && self.root.look(&parent)? == OnDisk::Missing => {
                Err(Error::io("create the folder", parent.as_str(), rustix::io::Errno::NAMETOOLONG))
            }
            _ => self.root.make_folder_of(path, self.syncs_each()),
        }
    }

    fn sync_folder(&self, dir: &OwnedFd, path: &str) -> Result<(), Error> {
        if self.syncs_groups {
            return Ok(());
        }
        sys::sync_folder(dir.as_fd()).map_err(|e| Error::io("sync the folder of", path, e))?;
        failpoints::point(Point::FolderSynced, path);
        Ok(())
    }
}
