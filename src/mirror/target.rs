//! A folder outside of the mirror for restored files.
//!
//! It is empty at first, so anything that is later in the way of a file was put there by somebody and is neither followed
//! nor replaced. Only unfinished work of this program is continued: then a file that is there already is compared, and
//! written again if it differs. Each file is a clone of the source's extents if the file system supports that, otherwise a copy, and never
//! a link. Its content is hashed while it is written, and a file with other content than expected is deleted.

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

use super::{ContentReader, DestinationKind, Error, Root, survey, sys};
use crate::model::{RelPath, Sha256};

/// Bytes are copied in pieces of this size.
const PIECE: usize = 256 * 1024;

/// The open folder.
#[derive(Debug)]
pub struct Target {
    root: Root,
    /// Whether the file system can clone files of the mirror, as far as known.
    clones: AtomicBool,
    /// Whether each file and folder is synced separately, instead of all at the end.
    syncs_each: bool,
    /// New folders, which must be synced.
    made: Mutex<Vec<RelPath>>,
    /// Whether files may be there from an earlier attempt.
    continues: bool,
}

/// Where verified files are written.
pub trait FileTarget: Sync {
    /// A writer; each thread has its own.
    fn writer(&self) -> Box<dyn WriteFile + '_>;

    /// Makes everything durable.
    fn finish(&self) -> Result<(), Error>;
}

/// Writes verified files.
pub trait WriteFile {
    /// Writes a file with the bytes that are read, if their hash is `sha256`. `mtime` is in nanoseconds since the epoch;
    /// `ended` returns whether to cancel.
    fn write_file(
        &mut self,
        path: &RelPath,
        from: &mut dyn ContentReader,
        sha256: &Sha256,
        mtime: i64,
        ended: &dyn Fn() -> bool,
    ) -> Result<WriteOutcome, Error>;
}

/// The result of writing a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The file has the expected bytes, and this many of them.
    Written(u64),
    /// The source has other bytes.
    Different,
    /// The source can't be read to its end.
    Unreadable,
    /// It was cancelled.
    Cancelled,
}

impl Target {
    /// Opens a folder, and creates it if it is missing. Refuses a folder that is not empty or is inside the mirror.
    pub fn open(path: &Path, mirror: &Root) -> Result<Self, Error> {
        refuse_inside(path, mirror)?;
        Self::open_empty(path)
    }

    /// Opens an empty folder, and creates it if it is missing.
    pub(super) fn open_empty(path: &Path) -> Result<Self, Error> {
        match survey(path)? {
            DestinationKind::Absent | DestinationKind::Empty => Self::begin(path, false),
            DestinationKind::Mirror
            | DestinationKind::Recovery
            | DestinationKind::StateLost
            | DestinationKind::Foreign => {
                Err(refused(path, "is not empty: give an empty folder, or one that does not exist yet"))
            }
        }
    }

    /// The same, and also opens a folder with unfinished work: it has a folder `mark`, and otherwise only these names.
    pub fn open_or_continue(path: &Path, mirror: &Root, mark: &str, names: &[&str]) -> Result<Self, Error> {
        if !path.join(mark).symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Self::open(path, mirror);
        }
        refuse_inside(path, mirror)?;
        let entries = std::fs::read_dir(path).map_err(|e| Error::destination("read the folder", path, e))?;
        for entry in entries {
            let name = entry.map_err(|e| Error::destination("read the folder", path, e))?.file_name();
            if name != mark && !names.iter().any(|known| name == *known) {
                let why = format!("has unfinished work and also {}: move it away", name.display());
                return Err(refused(path, &why));
            }
        }
        Self::begin(path, true)
    }

    pub(super) fn begin(path: &Path, continues: bool) -> Result<Self, Error> {
        std::fs::create_dir_all(path)
            .map_err(|e| Error::Destination(format!("cannot create the folder {}: {e}", path.display())))?;
        let root = Root::open(path)?;
        let syncs_each = root.is_network() || !sys::sync_all_reports_errors();
        Ok(Self { root, clones: AtomicBool::new(true), syncs_each, made: Mutex::default(), continues })
    }

    /// The folder, for reading.
    pub fn root(&self) -> &Root {
        &self.root
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

pub(super) fn refused(path: &Path, why: &str) -> Error {
    Error::Destination(format!("{} {why}; nothing was written", path.display()))
}

/// Refuses a path inside the mirror.
pub(super) fn refuse_inside(path: &Path, mirror: &Root) -> Result<(), Error> {
    if is_inside(path, mirror)? {
        return Err(refused(path, "lies inside the mirror: give a place elsewhere"));
    }
    Ok(())
}

impl FileTarget for Target {
    fn writer(&self) -> Box<dyn WriteFile + '_> {
        Box::new(FileWriter::new(self))
    }

    fn finish(&self) -> Result<(), Error> {
        Self::finish(self)
    }
}

/// Writes files into a [`Target`]. Keeps the last file's folder open, since the next file is often in the same one.
#[derive(Debug)]
pub struct FileWriter<'t> {
    target: &'t Target,
    folder: Option<(Option<RelPath>, OwnedFd)>,
    buffer: Vec<u8>,
}

impl<'t> FileWriter<'t> {
    /// Begins.
    pub fn new(target: &'t Target) -> Self {
        Self { target, folder: None, buffer: vec![0; PIECE] }
    }
}

impl WriteFile for FileWriter<'_> {
    fn write_file(
        &mut self,
        path: &RelPath,
        from: &mut dyn ContentReader,
        sha256: &Sha256,
        mtime: i64,
        ended: &dyn Fn() -> bool,
    ) -> Result<WriteOutcome, Error> {
        let Self { target, buffer, folder } = self;
        let dir = target.folder_of(path, folder)?;
        if target.continues {
            let same = target.compare(dir, path, sha256, mtime, buffer, ended)?;
            if let Some(outcome) = same {
                return Ok(outcome);
            }
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_bits_truncate(0o666);
        let mut file: File = match rustix::fs::openat(dir, path.leaf(), flags, mode) {
            Ok(file) => file.into(),
            Err(Errno::EXIST) => {
                return Err(Error::InTheWay { path: path.to_string(), what: "there already" });
            }
            Err(error) => return Err(Error::io("create", path.as_str(), error)),
        };
        let outcome = target.fill(from, &mut file, sha256, buffer, ended).and_then(|outcome| {
            if let WriteOutcome::Written(_) = outcome {
                target.set_attributes(&file, mtime)?;
            }
            Ok(outcome)
        });
        if !matches!(outcome, Ok(WriteOutcome::Written(_))) {
            let _ = rustix::fs::unlinkat(dir, path.leaf(), AtFlags::empty());
        }
        outcome.map_err(|e| Error::io("write", path.as_str(), e))
    }
}

impl Target {
    /// Opens the parent folder of a path, unless it is already open.
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

    /// Compares a file of an earlier attempt, and deletes it if it has other bytes. `None` if it must be written.
    fn compare(
        &self,
        dir: &OwnedFd,
        path: &RelPath,
        sha256: &Sha256,
        mtime: i64,
        buffer: &mut [u8],
        ended: &dyn Fn() -> bool,
    ) -> Result<Option<WriteOutcome>, Error> {
        let failed = |e: io::Error| Error::io("look at", path.as_str(), e);
        match sys::look(dir, path.leaf()).map_err(failed)? {
            sys::EntryKind::Nothing => return Ok(None),
            sys::EntryKind::File(_) => {}
            sys::EntryKind::Other(what) => return Err(Error::InTheWay { path: path.to_string(), what }),
        }
        let mut file = super::read::open(dir, path.leaf()).map_err(|e| failed(e.into()))?;
        let mut size = 0;
        let found = super::read::digest_with(buffer, &mut file, |piece| {
            size += piece.len() as u64;
            if ended() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        });
        match found {
            Ok(found) if found == *sha256 => {
                self.set_attributes(&file, mtime).map_err(failed)?;
                Ok(Some(WriteOutcome::Written(size)))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted && ended() => Ok(Some(WriteOutcome::Cancelled)),
            Ok(_) | Err(_) => {
                rustix::fs::unlinkat(dir, path.leaf(), AtFlags::empty()).map_err(|e| failed(e.into()))?;
                Ok(None)
            }
        }
    }

    /// Fills a new file, and checks its content.
    fn fill(
        &self,
        from: &mut dyn ContentReader,
        to: &mut File,
        sha256: &Sha256,
        buffer: &mut [u8],
        ended: &dyn Fn() -> bool,
    ) -> io::Result<WriteOutcome> {
        let source = from.as_file().filter(|_| self.clones.load(Relaxed));
        let cloned = source.is_some_and(|source| clone(&*to, source));
        if source.is_some() && !cloned {
            self.clones.store(false, Relaxed);
        }
        let (mut hasher, mut size) = (Hasher::new(), 0);
        loop {
            // The clone is read, since nobody can change it any more.
            let Ok(read) = (if cloned { to.read(buffer) } else { from.read(buffer) }) else {
                return Ok(WriteOutcome::Unreadable);
            };
            let piece = &buffer[..read];
            if read == 0 {
                let whole = Sha256::new(hasher.finalize().into()) == *sha256;
                return Ok(if whole { WriteOutcome::Written(size) } else { WriteOutcome::Different });
            }
            hasher.update(piece);
            size += read as u64;
            if !cloned {
                to.write_all(piece)?;
            }
            if ended() {
                return Ok(WriteOutcome::Cancelled);
            }
        }
    }

    fn set_attributes(&self, file: &File, mtime: i64) -> io::Result<()> {
        let time = Timespec { tv_sec: mtime.div_euclid(1_000_000_000), tv_nsec: mtime.rem_euclid(1_000_000_000) };
        rustix::fs::futimens(file, &Timestamps { last_access: time, last_modification: time })?;
        if self.syncs_each { file.sync_all() } else { Ok(()) }
    }
}

/// Makes a new file share the extents of another one, copy on write.
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

/// Whether a path, or the place where it would be created, is in the mirror. Compares inodes instead of names, because
/// links and mounts give one folder many names.
pub fn is_inside(path: &Path, mirror: &Root) -> Result<bool, Error> {
    let cannot = |e: io::Error| Error::Destination(format!("cannot look at {}: {e}", path.display()));
    let absolute = std::path::absolute(path).map_err(cannot)?;
    let folder = |at: &Path| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(at, flags, Mode::empty())
    };
    let identity = |dir: &OwnedFd| rustix::fs::fstat(dir).map(|stat| (stat.st_dev, stat.st_ino));
    let wanted = identity(mirror.handle()).map_err(|e| cannot(e.into()))?;
    // Below a missing folder, `..` can't be resolved.
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
