//! Carries out one intent. The tree changes nowhere else.
//!
//! Invariants that hold even after a kill at any point:
//! - A path of the tree has its old file or its new one, complete: new bytes come by one rename, old bytes leave by being
//!   swapped with the new ones.
//! - A file that is not the document's is never replaced: adds and moves only take free names.
//! - Old bytes are in the tree, below `tmp/` under a name in an intent, or in `objects/`.
//!
//! Each step first checks which bytes are where. Carrying out an intent twice, or after it was half done, therefore ends
//! like carrying it out once.

use rustix::{fd::OwnedFd, fs::AtFlags, io::Errno};

use super::{
    Error, Mirror,
    read::{digest, open},
    sys::{self, EntryKind},
};
use crate::{
    failpoints::{self, Point},
    model::{Intent, Outgoing, RelPath, Staged, Stamp, Step},
};

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The tree is as the intent demands.
    Done {
        /// The stamp of the document's file; `None` after a removal.
        stamp: Option<Stamp>,
        /// The bytes that are now kept.
        held: Option<Outgoing>,
    },
    /// Something that is not the document's is at the path.
    Occupied,
    /// The file system doesn't allow names of that length.
    TooLong,
    /// The bytes to publish, or the file to move, are missing.
    Lost,
}

impl Mirror {
    /// Carries out an intent, or the remaining part of it.
    pub fn apply(&self, intent: &Intent) -> Result<Outcome, Error> {
        match &intent.step {
            Step::Add { staged } => self.add(&intent.path, staged),
            Step::Replace { staged, outgoing } => self.replace(&intent.path, staged, outgoing.as_ref()),
            Step::Move { from, stamp } => self.move_file(from, &intent.path, stamp),
            Step::Remove { parked, outgoing } => self.remove(&intent.path, parked, outgoing.as_ref()),
            Step::Adopt { stamp, .. } => self.published(&intent.path, stamp, None),
        }
    }

    /// Whether staged bytes are below `tmp/` and have changed, by a crash or a bad disk. They must not become visible.
    pub fn is_damaged(&self, staged: &Staged) -> Result<bool, Error> {
        let (tmp, name) = self.state_dir.tmp(&staged.name)?;
        match look(tmp, name)? {
            EntryKind::Nothing => Ok(false),
            EntryKind::Other(_) => Ok(true),
            // After a swap the old file has the name.
            EntryKind::File(found) if !self.is_file(&found, &staged.stamp) => Ok(false),
            EntryKind::File(_) => {
                let mut file = open(tmp, name).map_err(|e| Error::of_state("open", staged.name.clone(), e.into()))?;
                let found = digest(&mut file, |_| Ok(())).map_err(|e| Error::io("read", &staged.name, e))?;
                Ok(found != staged.sha256)
            }
        }
    }

    fn add(&self, path: &RelPath, staged: &Staged) -> Result<Outcome, Error> {
        let (tmp, name) = self.state_dir.tmp(&staged.name)?;
        let passing = if self.anonymous.holds(&staged.name) { EntryKind::File(staged.stamp) } else { look(tmp, name)? };
        if passing != EntryKind::Nothing
            && !matches!(passing, EntryKind::File(found) if self.is_file(&found, &staged.stamp))
        {
            return Ok(Outcome::Lost);
        }
        if passing == EntryKind::Nothing {
            return self.added_or_lost(path, staged);
        }
        if !self.name_limit.takes(path.leaf()) {
            return Ok(Outcome::TooLong);
        }
        let dir = self.make_folder_of(path)?;
        let rename = || sys::rename_to_free(tmp, name, &dir, path.leaf(), self.names_exclusively);
        match self.anonymous.link(&staged.name, &dir, path.leaf()).unwrap_or_else(rename) {
            Ok(()) => {
                failpoints::point(Point::Added, path);
                self.sync_folder(&dir, path.as_str())?;
                Ok(Outcome::Done { stamp: Some(staged.stamp), held: None })
            }
            // It may have been linked already, but not unlinked yet.
            Err(Errno::NOENT | Errno::EXIST) if self.has(&dir, path.leaf(), &staged.stamp)? => {
                self.discard(&staged.name)?;
                self.published(path, &staged.stamp, None)
            }
            Err(Errno::NOENT) => Ok(Outcome::Lost),
            Err(Errno::EXIST) => Ok(Outcome::Occupied),
            Err(Errno::NAMETOOLONG) => Ok(Outcome::TooLong),
            Err(error) => Err(Error::io("publish", path.as_str(), error)),
        }
    }

    /// The outcome of an add whose bytes are no longer staged: either they are at the path already, or they never had a
    /// name and were lost with the process. Removes a folder that was created for them.
    fn added_or_lost(&self, path: &RelPath, staged: &Staged) -> Result<Outcome, Error> {
        // The inode number of a lost file may have been reused, so size and time are compared, too.
        let outcome = match self.root.look(path)? {
            super::OnDisk::File(found) if found.is_same(&staged.stamp, !self.root.is_network()) => {
                Outcome::Done { stamp: Some(found), held: None }
            }
            _ => Outcome::Lost,
        };
        if let (Outcome::Lost, Some(folder)) = (&outcome, path.parent()) {
            self.root.prune(&folder)?;
        }
        Ok(outcome)
    }

    /// Discards staged bytes without a name that won't be published.
    pub fn discard_unnamed(&self, staged: &Staged) {
        self.anonymous.discard(&staged.name);
    }

    /// The path of staged bytes below `tmp/`; bytes without a name get one.
    pub(super) fn named<'n>(&self, staged: &'n Staged) -> Result<(&OwnedFd, &'n str), Error> {
        let (tmp, name) = self.state_dir.tmp(&staged.name)?;
        let named = self.anonymous.link(&staged.name, tmp, name).unwrap_or(Ok(()));
        named.map(|()| (tmp, name)).map_err(|e| Error::io("name", &staged.name, e))
    }

    fn replace(&self, path: &RelPath, staged: &Staged, outgoing: Option<&Outgoing>) -> Result<Outcome, Error> {
        let (tmp, name) = self.named(staged)?;
        if self.has(tmp, name, &staged.stamp)? {
            let dir = self.make_folder_of(path)?;
            match look(&dir, path.leaf())? {
                EntryKind::Nothing => return self.add(path, staged),
                EntryKind::Other(what) => return Err(Error::InTheWay { path: path.to_string(), what }),
                EntryKind::File(_) => {}
            }
            let swapped = self.exchanges
                && sys::exchange(tmp, name, &dir, path.leaf()).map_err(|e| Error::io("replace", path.as_str(), e))?;
            if !swapped {
                return self.replace_by_link(path, &dir, staged);
            }
            failpoints::point(Point::Exchanged, path);
            self.sync_folder(&dir, path.as_str()).map_err(|e| not_held(path, e))?;
        }
        let held = match look(tmp, name)? {
            EntryKind::File(_) => Some(self.hold_for(path, &staged.name, outgoing)?),
            _ => outgoing.cloned(),
        };
        self.published(path, &staged.stamp, held)
    }

    /// Without a swap: the old bytes get a second name first, then the new ones replace them at the path.
    fn replace_by_link(&self, path: &RelPath, dir: &OwnedFd, staged: &Staged) -> Result<Outcome, Error> {
        let (tmp, name) = self.state_dir.tmp(&staged.name)?;
        let parked = format!("{}.old", staged.name);
        let (_, spare) = self.state_dir.tmp(&parked)?;
        match rustix::fs::linkat(dir, path.leaf(), tmp, spare, AtFlags::empty()) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(Errno::PERM | Errno::NOTSUP | Errno::NOSYS) => self.copy_out(path, dir, &parked)?,
            Err(error) => return Err(Error::io("keep the old bytes of", path.as_str(), error)),
        }
        failpoints::point(Point::OldLinked, path);
        // Kept as a separate copy, since the link still shares the tree's file.
        let held = self.hold_for(path, &parked, None)?;
        // Without a swap, a power cut leaves no trace of which bytes are where, so the old ones must be safe first.
        self.barrier()?;
        // The old file stays until the rename, and somebody may just have written to it.
        let unchanged = |found: &Stamp| found.size == held.stamp.size && found.mtime == held.stamp.mtime;
        if !matches!(look(dir, path.leaf())?, EntryKind::File(found) if unchanged(&found)) {
            return Err(Error::InTheWay { path: path.to_string(), what: "being written to by somebody" });
        }
        rustix::fs::renameat(tmp, name, dir, path.leaf()).map_err(|e| Error::io("replace", path.as_str(), e))?;
        failpoints::point(Point::Replaced, path);
        self.sync_folder(dir, path.as_str())?;
        self.published(path, &staged.stamp, Some(held))
    }

    fn copy_out(&self, path: &RelPath, dir: &OwnedFd, parked: &str) -> Result<(), Error> {
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
        let file = rustix::fs::openat(dir, path.leaf(), flags, rustix::fs::Mode::empty())
            .map_err(|e| Error::io("open", path.as_str(), e))?;
        let copy = self.copy_to_tmp(&mut file.into())?;
        let (from, name) = self.state_dir.tmp(&copy.name)?;
        let (to, spare) = self.state_dir.tmp(parked)?;
        rustix::fs::renameat(from, name, to, spare).map_err(|e| Error::io("keep the old bytes of", path.as_str(), e))
    }

    fn move_file(&self, from: &RelPath, to: &RelPath, stamp: &Stamp) -> Result<Outcome, Error> {
        if self.root.is_network()
            && let done @ Outcome::Done { .. } = self.published(to, stamp, None)?
        {
            // Without inodes the file at the old path may be another one that looks the same.
            return Ok(done);
        }
        let source = match self.root.folder_of(from) {
            Ok(dir) => Some(dir),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // Another document may have the path already, so only the file itself is moved.
        let Some(source) = source.filter(|dir| self.has(dir, from.leaf(), stamp).unwrap_or(false)) else {
            return self.published(to, stamp, None);
        };
        if !self.name_limit.takes(to.leaf()) {
            return Ok(Outcome::TooLong);
        }
        let dir = self.make_folder_of(to)?;
        match sys::rename_to_free(&source, from.leaf(), &dir, to.leaf(), self.names_exclusively) {
            Ok(()) => {}
            // On a case-insensitive file system the file itself may have the new name.
            Err(Errno::EXIST) if differ_in_case(from, to) && self.has(&dir, to.leaf(), stamp)? => {
                rustix::fs::renameat(&source, from.leaf(), &dir, to.leaf())
                    .map_err(|e| Error::io("rename", to.as_str(), e))?;
            }
            Err(Errno::EXIST) => return Ok(Outcome::Occupied),
            Err(Errno::NAMETOOLONG) => return Ok(Outcome::TooLong),
            Err(error) => return Err(Error::io("move", to.as_str(), error)),
        }
        failpoints::point(Point::Moved, format_args!("{from}\t{to}"));
        self.sync_folder(&dir, to.as_str())?;
        self.sync_folder(&source, from.as_str())?;
        self.published(to, stamp, None)
    }

    fn remove(&self, path: &RelPath, parked: &str, outgoing: Option<&Outgoing>) -> Result<Outcome, Error> {
        let (tmp, name) = self.state_dir.tmp(parked)?;
        let passing = look(tmp, name)?;
        let dir = match self.root.folder_of(path) {
            Ok(dir) => Some(dir),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            // The file has left already, so whatever is at its old path doesn't matter.
            Err(_) if matches!(passing, EntryKind::File(_)) => None,
            Err(error) => return Err(error),
        };
        let there = dir.as_ref().map_or(Ok(EntryKind::Nothing), |dir| look(dir, path.leaf()))?;
        match (passing, there, &dir) {
            // It may have been linked to its new name already, but not unlinked.
            (EntryKind::File(passing), EntryKind::File(there), Some(dir)) if passing.inode == there.inode => {
                self.park(path, dir, tmp, name)?;
            }
            (EntryKind::Nothing, EntryKind::File(_), Some(dir)) => self.park(path, dir, tmp, name)?,
            (EntryKind::Nothing, EntryKind::Other(what), _) => {
                return Err(Error::InTheWay { path: path.to_string(), what });
            }
            (EntryKind::Nothing, ..) => return Ok(Outcome::Done { stamp: None, held: outgoing.cloned() }),
            // Whatever is at the path now came after the file had left.
            _ => {}
        }
        Ok(Outcome::Done { stamp: None, held: Some(self.hold_for(path, parked, outgoing)?) })
    }

    fn park(&self, path: &RelPath, dir: &OwnedFd, tmp: &OwnedFd, name: &str) -> Result<(), Error> {
        sys::rename_to_free(dir, path.leaf(), tmp, name, self.names_exclusively)
            .map_err(|e| Error::io("remove", path.as_str(), e))?;
        failpoints::point(Point::Parked, path);
        self.sync_folder(dir, path.as_str()).map_err(|e| not_held(path, e))
    }

    /// Moves bytes that left the tree into `objects/`. From here on an error ends the run.
    fn hold_for(&self, path: &RelPath, name: &str, outgoing: Option<&Outgoing>) -> Result<Outgoing, Error> {
        self.hold(name, outgoing).map_err(|e| not_held(path, e))
    }

    /// Ends a step: the file at the path must be the published one.
    fn published(&self, path: &RelPath, expected: &Stamp, held: Option<Outgoing>) -> Result<Outcome, Error> {
        match self.root.look(path)? {
            super::OnDisk::File(stamp) if self.is_file(&stamp, expected) => {
                Ok(Outcome::Done { stamp: Some(stamp), held })
            }
            _ => Ok(Outcome::Lost),
        }
    }

    /// Whether a name has the file with this stamp.
    fn has(&self, dir: &OwnedFd, name: &str, expected: &Stamp) -> Result<bool, Error> {
        Ok(matches!(look(dir, name)?, EntryKind::File(stamp) if self.is_file(&stamp, expected)))
    }

    /// The same file: by its inode or, on network file systems where inodes may change, by size and time.
    fn is_file(&self, found: &Stamp, expected: &Stamp) -> bool {
        if self.root.is_network() { found.is_same(expected, false) } else { found.inode == expected.inode }
    }
}

fn not_held(path: &RelPath, source: Error) -> Error {
    Error::NotHeld { path: path.to_string(), source: Box::new(source) }
}

fn look(dir: &OwnedFd, name: &str) -> Result<EntryKind, Error> {
    sys::look(dir, name).map_err(|e| Error::io("look at", name, e))
}

fn differ_in_case(a: &RelPath, b: &RelPath) -> bool {
    a.as_str().to_lowercase() == b.as_str().to_lowercase()
}
