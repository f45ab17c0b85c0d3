//! A folder outside of the mirror that restored files are written into.
//!
//! It begins empty, so whatever stands in the way of a file later was put there by somebody, and is
//! neither followed nor replaced. A file is a file of its own: a clone of the source's extents where
//! the file system can make one, else a copy, and never a link. What it holds is hashed on the way,
//! and one that holds anything else than what was wanted is taken away again.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Component, Path},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, Mode, OFlags, Timespec, Timestamps},
    io::Errno,
};
use sha2::{Digest as _, Sha256 as Hasher};

use super::{DestinationKind, Error, Root, survey, sys};
use crate::model::{RelPath, Sha256};

/// Bytes are copied in pieces of this size.
const PIECE: usize = 256 * 1024;

/// The folder, opened.
#[derive(Debug)]
pub struct Target {
    root: Root,
    /// Whether the file system can clone what is in the mirror, as far as is known.
    clones: AtomicBool,
    /// Whether each file and folder is synced by itself, and not all at the end.
    syncs_each: bool,
    /// Folders that were made, to be synced.
    made: Mutex<Vec<RelPath>>,
}

/// What came of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is there, with the wanted bytes, and so many of them.
    Whole(u64),
    /// The source holds other bytes.
    Other,
    /// The source can't be read to its end.
    Unreadable,
    /// The work was ended in the middle of it.
    Ended,
}

impl Target {
    /// Opens a folder, creating it where it is absent. One that holds something is refused, and so
    /// is one inside the mirror.
    pub fn open(path: &Path, mirror: &Root) -> Result<Self, Error> {
        let refused = |why: &str| Err(Error::Destination(format!("{} {why}; nothing was restored", path.display())));
        if is_inside(path, mirror)? {
            return refused("lies inside the mirror: give a folder elsewhere");
        }
        match survey(path)? {
            DestinationKind::Absent | DestinationKind::Empty => {}
            DestinationKind::Mirror | DestinationKind::StateLost | DestinationKind::Foreign => {
                return refused("is not empty: give an empty folder, or one that does not exist yet");
            }
        }
        std::fs::create_dir_all(path)
            .map_err(|e| Error::Destination(format!("cannot create the folder {}: {e}", path.display())))?;
        let root = Root::open(path)?;
        let syncs_each = root.is_network() || !sys::sync_all_reports_errors();
        Ok(Self { root, clones: AtomicBool::new(true), syncs_each, made: Mutex::default() })
    }

    /// Makes everything durable.
    pub fn finish(&self) -> Result<(), Error> {
        if !self.syncs_each {
            return sys::sync_all(self.root.handle()).map(drop).map_err(|e| Error::io("sync", ".", e));
        }
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        for folder in made {
            let dir = sys::open_folder(self.root.handle(), folder.as_str());
            dir.and_then(sys::sync_folder).map_err(|e| Error::io("sync", folder.as_str(), e))?;
        }
        sys::sync_folder(self.root.handle()).map_err(|e| Error::io("sync", ".", e))
    }
}

/// Writes files into a [`Target`], one after the other. The folder of the last one stays open,
/// since the next one often lies in it too.
#[derive(Debug)]
pub struct Giver<'t> {
    target: &'t Target,
    folder: Option<(Option<RelPath>, OwnedFd)>,
    buffer: Vec<u8>,
}

impl<'t> Giver<'t> {
    /// Begins.
    pub fn new(target: &'t Target) -> Self {
        Self { target, folder: None, buffer: vec![0; PIECE] }
    }

    /// Writes a file with the bytes of an open one, if they are those of `sha256`. `mtime` is in
    /// nanoseconds since the epoch; `ended` says whether to give up in between.
    pub fn give(
        &mut self,
        path: &RelPath,
        from: &mut File,
        sha256: &Sha256,
        mtime: i64,
        ended: &dyn Fn() -> bool,
    ) -> Result<WriteOutcome, Error> {
        let Self { target, buffer, folder } = self;
        let dir = target.folder_of(path, folder)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_bits_truncate(0o666);
        let mut file: File = match rustix::fs::openat(dir, path.leaf(), flags, mode) {
            Ok(file) => file.into(),
            Err(Errno::EXIST) => {
                return Err(Error::InTheWay { path: path.to_string(), what: "there already" });
            }
            Err(error) => return Err(Error::io("create", path.as_str(), error)),
        };
        let given = target.fill(from, &mut file, sha256, buffer, ended).and_then(|given| {
            if let WriteOutcome::Whole(_) = given {
                target.settle(&file, mtime)?;
            }
            Ok(given)
        });
        if !matches!(given, Ok(WriteOutcome::Whole(_))) {
            let _ = rustix::fs::unlinkat(dir, path.leaf(), AtFlags::empty());
        }
        given.map_err(|e| Error::io("write", path.as_str(), e))
    }
}

impl Target {
    /// Opens the folder of a path, unless it is the one that is open.
    fn folder_of<'f>(
        &self,
        path: &RelPath,
        open: &'f mut Option<(Option<RelPath>, OwnedFd)>,
    ) -> Result<&'f OwnedFd, Error> {
        let parent = path.parent();
        let dir = match open.take() {
            Some((last, dir)) if last == parent => dir,
            _ => {
                let dir = self.root.make_folder_of(path, false)?;
                if self.syncs_each {
                    self.note(parent.as_ref());
                }
                dir
            }
        };
        Ok(&open.insert((parent, dir)).1)
    }

    fn note(&self, folder: Option<&RelPath>) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = folder.cloned();
        while let Some(folder) = next.filter(|folder| !made.contains(folder)) {
            next = folder.parent();
            made.push(folder);
        }
    }

    /// Fills a new file, and says whether it holds what is wanted.
    fn fill(
        &self,
        from: &mut File,
        to: &mut File,
        sha256: &Sha256,
        buffer: &mut [u8],
        ended: &dyn Fn() -> bool,
    ) -> io::Result<WriteOutcome> {
        let able = self.clones.load(Relaxed);
        let cloned = able && clone(&*to, &*from);
        if able && !cloned {
            self.clones.store(false, Relaxed);
        }
        let (mut hasher, mut size) = (Hasher::new(), 0);
        loop {
            // A clone is read itself: nobody can change it any more.
            let Ok(read) = (if cloned { to.read(buffer) } else { from.read(buffer) }) else {
                return Ok(WriteOutcome::Unreadable);
            };
            let piece = &buffer[..read];
            if read == 0 {
                let whole = Sha256::new(hasher.finalize().into()) == *sha256;
                return Ok(if whole { WriteOutcome::Whole(size) } else { WriteOutcome::Other });
            }
            hasher.update(piece);
            size += read as u64;
            if !cloned {
                to.write_all(piece)?;
            }
            if ended() {
                return Ok(WriteOutcome::Ended);
            }
        }
    }

    fn settle(&self, file: &File, mtime: i64) -> io::Result<()> {
        let time = Timespec { tv_sec: mtime.div_euclid(1_000_000_000), tv_nsec: mtime.rem_euclid(1_000_000_000) };
        rustix::fs::futimens(file, &Timestamps { last_access: time, last_modification: time })?;
        if self.syncs_each { file.sync_all() } else { Ok(()) }
    }
}

/// Makes a new file share the extents of another, each with its own from the next write on.
fn clone(to: impl AsFd, from: impl AsFd) -> bool {
    #[cfg(target_os = "linux")]
    {
        rustix::fs::ioctl_ficlone(to, from).is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (to, from);
        false
    }
}

/// Whether a path, or where it would be created, is the mirror's folder or lies below it. Inodes
/// are compared and not names: links and mounts have many names for one folder.
pub fn is_inside(path: &Path, mirror: &Root) -> Result<bool, Error> {
    let cannot = |e: io::Error| Error::Destination(format!("cannot look at {}: {e}", path.display()));
    let absolute = std::path::absolute(path).map_err(cannot)?;
    let folder = |at: &Path| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(at, flags, Mode::empty())
    };
    let identity = |dir: &OwnedFd| rustix::fs::fstat(dir).map(|stat| (stat.st_dev, stat.st_ino));
    let wanted = identity(mirror.handle()).map_err(|e| cannot(e.into()))?;
    // Behind a folder that is not there yet, `..` can't be told.
    if absolute.components().any(|step| step == Component::ParentDir) && folder(&absolute).is_err() {
        return Err(Error::Destination(format!("{} leads through `..`; name the folder itself", path.display())));
    }
    let Some(mut dir) = absolute.ancestors().find_map(|at| folder(at).ok()) else { return Ok(false) };
    loop {
        let here = identity(&dir).map_err(|e| cannot(e.into()))?;
        if here == wanted {
            return Ok(true);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let above = rustix::fs::openat(&dir, "..", flags, Mode::empty()).map_err(|e| cannot(e.into()))?;
        if identity(&above).map_err(|e| cannot(e.into()))? == here {
            return Ok(false);
        }
        dir = above;
    }
}
