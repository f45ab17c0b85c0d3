//! The tree on disk: stage, publish, objects, `tmp/`, lock.
//!
//! The only module that knows the tree to be a local file system. Bytes enter through a
//! [`Stage`] below `tmp/`, become durable together at a [`Mirror::barrier`], and become visible
//! by [`Mirror::apply`], which carries out an intent that the caller has committed before.
//! [`Root`] looks and never changes anything.

mod anonymous_files;
mod copies;
mod erase;
mod error;
mod files;
mod fingerprint;
mod io_counter;
mod lock;
mod name_limit;
mod objects;
mod probe;
mod process;
mod publish;
mod read;
mod root;
mod stage;
mod state_dir;
mod sys;
mod target;
mod walk;

use std::{collections::HashSet, path::Path, sync::Arc};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::AtFlags,
};

use anonymous_files::Nameless;
use state_dir::Area;

pub use anonymous_files::descriptors;
pub use copies::copies;
pub use error::{Error, ErrorKind, Lack};
pub use fingerprint::Fingerprint;
pub use io_counter::effort;
pub use probe::{Abilities, Disk, Examination, ProbeFailure, examine, system};
pub use process::{Here, began, exists, here};
pub use publish::Outcome;
pub use read::{ContentLocation, digest, digest_with, stamp_of};
pub use root::{DestinationKind, OnDisk, Root, holds_files, survey};
pub use stage::Stage;
pub use state_dir::database;
pub use target::{Giver, Target, WriteOutcome, is_inside};
pub use walk::WalkEntry;

use crate::{
    failpoints::{self, Point},
    model::{NameLimit, RelPath, Stamp},
};

/// A mirror opened for writing; the lock is held as long as it lives.
#[derive(Debug)]
pub struct Mirror {
    root: Root,
    area: Area,
    /// Whether one `syncfs` makes a group durable; otherwise each file and folder is synced.
    syncs_groups: bool,
    /// Whether the file system refuses a rename onto a taken name.
    names_exclusively: bool,
    /// Whether the file system can swap two names.
    exchanges: bool,
    /// Staged files that have no name yet.
    nameless: Arc<Nameless>,
    /// The longest name that the file system takes.
    name_limit: NameLimit,
}

impl Mirror {
    /// Opens a destination for writing, creating it where it is absent, and takes its lock.
    pub fn open(path: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(|e| Error::destination("create the destination", path, e))?;
        let root = Root::open(path)?;
        let network = root.is_network();
        // The handle is open before the first byte is written: it then sees every write error.
        let syncs_groups = !network && sys::sync_all_reports_errors();
        let area = Area::open(root.handle())?;
        // A file that only its own sync makes durable gains nothing from having no name.
        let tried = area.tmp.first().filter(|_| syncs_groups).map(Nameless::open).transpose();
        let nameless = Arc::new(tried.map_err(|e| Error::io("try to create a file in", "tmp", e))?.unwrap_or_default());
        let longest =
            area.tmp.first().map_or_else(|| Ok(name_limit::by_looking(root.handle())), name_limit::by_creating);
        let longest = longest.map_err(|e| Error::of_state("try to create a file in", "tmp".to_owned(), e.into()))?;
        let name_limit = name_limit::limit(longest)?;
        Ok(Self { root, area, syncs_groups, names_exclusively: true, exchanges: true, nameless, name_limit })
    }

    /// Behaves as on a file system that can neither swap names, nor sync as a whole, nor refuse
    /// a taken name by itself.
    #[must_use]
    pub fn with_fallbacks_only(mut self) -> Self {
        self.syncs_groups = false;
        self.names_exclusively = false;
        self.exchanges = false;
        self.nameless = Arc::default();
        self
    }

    /// Behaves as on a file system that takes no longer names than this many bytes.
    #[must_use]
    pub fn with_longest_name(mut self, bytes: usize) -> Self {
        self.name_limit = NameLimit::of(bytes).unwrap_or(NameLimit::LEAST);
        self
    }

    /// The longest name that the file system took when the mirror was opened.
    pub fn name_limit(&self) -> NameLimit {
        self.name_limit
    }

    /// The tree, to look at.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// What is at a path of the tree, if it is a regular file.
    pub fn stamp(&self, path: &RelPath) -> Result<Option<Stamp>, Error> {
        Ok(match self.root.look(path)? {
            OnDisk::File(stamp) => Some(stamp),
            OnDisk::Missing | OnDisk::Other(_) => None,
        })
    }

    /// Whether the command that changed the mirror last never came to its end.
    pub fn was_cut_off(&self) -> bool {
        self.area.lock.was_cut_off()
    }

    /// What such a command may have left is dealt with.
    pub fn settled(&self) {
        self.area.lock.settled();
    }

    /// Lets the programs that this one starts hold the lock as long as they run, whatever becomes
    /// of this one.
    pub fn share_lock(&self) -> Result<(), Error> {
        self.area.lock.share()
    }

    /// Makes everything staged and renamed so far durable.
    pub fn barrier(&self) -> Result<(), Error> {
        if self.syncs_groups {
            sys::sync_all(self.root.handle()).map_err(|e| Error::io("sync", ".", e))?;
            failpoints::point(Point::Synced, ".");
        }
        Ok(())
    }

    /// Removes folders that a move or removal left empty, and those above them.
    pub fn prune(&self, folder: &RelPath) -> Result<(), Error> {
        self.root.prune(folder)
    }

    /// A name below `tmp/` that nothing has.
    pub fn spare_name(&self) -> Result<String, Error> {
        let stage = Stage::create(self, false)?;
        Ok(stage.name().to_owned())
    }

    /// Deletes a staged file or one below `tmp/`, if it is there.
    pub fn discard(&self, name: &str) -> Result<(), Error> {
        if self.nameless.discard(name) {
            return Ok(());
        }
        let (dir, leaf) = self.area.tmp(name)?;
        match rustix::fs::unlinkat(dir, leaf, AtFlags::empty()) {
            Ok(()) => {
                failpoints::point(Point::Discarded, name);
                Ok(())
            }
            Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(Error::io("remove", format!("tmp/{name}"), error)),
        }
    }

    /// Size of a file below `tmp/`; none where it is missing.
    pub fn partial_size(&self, name: &str) -> Option<u64> {
        let (dir, leaf) = self.area.tmp(name).ok()?;
        match sys::look(dir, leaf) {
            Ok(sys::EntryKind::File(stamp)) => Some(stamp.size),
            _ => None,
        }
    }

    /// Deletes everything below `tmp/` that nobody wants any more.
    pub fn sweep(&self, wanted: &HashSet<String>) -> Result<(), Error> {
        for name in self.names_in_tmp()?.into_iter().filter(|name| !wanted.contains(name)) {
            match self.discard(&name) {
                // A folder that somebody made here stays: it is not ours.
                Err(error) if error.kind() != ErrorKind::Document => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Names of everything below `tmp/`.
    fn names_in_tmp(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for (number, dir) in self.area.tmp.iter().enumerate() {
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

    fn syncs_each(&self) -> bool {
        !self.syncs_groups
    }

    /// Opens the folder that a path lies in, creating what is missing of it.
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
