//! The state folder's own folders: the lock, `tmp/`, `objects/` and `runs/`.
//!
//! They are opened once, without following links, when a writing command starts.

use std::{io::Write as _, path::Path};

use rustix::{
    fd::OwnedFd,
    fs::{FlockOperation, Mode, OFlags},
    io::Errno,
};

use super::{Error, sys};
use crate::model::STATE_FOLDER;

/// Temporary files are spread over this many folders: one folder's lock would be waited for.
pub(super) const TMP_FOLDERS: usize = 16;

/// The opened state folder, holding the lock as long as it lives.
#[derive(Debug)]
pub(super) struct Area {
    pub(super) state: OwnedFd,
    pub(super) objects: OwnedFd,
    pub(super) tmp: Vec<OwnedFd>,
    _lock: OwnedFd,
}

impl Area {
    /// Creates what is missing, takes the lock, opens the folders.
    pub(super) fn open(root: &OwnedFd) -> Result<Self, Error> {
        let state = make(root, STATE_FOLDER, 0o700)?;
        let lock = take_lock(&state)?;
        let objects = make(&state, "objects", 0o700)?;
        make(&state, "runs", 0o700)?;
        let parent = make(&state, "tmp", 0o700)?;
        let tmp = (0..TMP_FOLDERS).map(|n| make(&parent, &format!("{n:x}"), 0o700)).collect::<Result<_, _>>()?;
        sys::sync_folder(&state).map_err(|e| Error::io("sync", STATE_FOLDER, e))?;
        sys::sync_folder(root).map_err(|e| Error::io("sync", ".", e))?;
        Ok(Self { state, objects, tmp, _lock: lock })
    }

    /// The folder below `tmp/` that a temporary name lies in, and its last step.
    pub(super) fn tmp<'n>(&self, name: &'n str) -> Result<(&OwnedFd, &'n str), Error> {
        let split = name
            .split_once('/')
            .and_then(|(folder, leaf)| Some((self.tmp.get(usize::from_str_radix(folder, 16).ok()?)?, leaf)));
        split
            .ok_or_else(|| Error::io("find", format!("tmp/{name}"), std::io::Error::from(std::io::ErrorKind::NotFound)))
    }
}

/// Opens a folder of the state, creating it first where it is missing.
pub(super) fn make(parent: &OwnedFd, name: &str, mode: u32) -> Result<OwnedFd, Error> {
    let made = match rustix::fs::mkdirat(parent, name, Mode::from_bits_truncate(mode)) {
        Err(Errno::EXIST) => Ok(()),
        other => other,
    };
    made.and_then(|()| sys::open_folder(parent, name)).map_err(|error| match error {
        Errno::LOOP | Errno::NOTDIR => {
            Error::Destination(format!("{name:?} of the state is not a folder; move it away and run again"))
        }
        Errno::ACCESS | Errno::PERM => Error::Destination(format!(
            "cannot write the state folder {name:?}: {error}; run as the user that owns the mirror"
        )),
        error => Error::io("create the folder", name, error),
    })
}

fn take_lock(state: &OwnedFd) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let lock = rustix::fs::openat(state, "lock", flags, Mode::from_bits_truncate(0o600)).map_err(|e| match e {
        Errno::ROFS | Errno::NOSPC | Errno::DQUOT | Errno::IO => Error::io("open", "lock", e),
        _ => Error::Destination(format!("cannot open the lock of the mirror: {e}; if it is not a file, move it away")),
    })?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Err(Error::Locked(holder(&lock))),
        Err(error) => return Err(Error::io("lock", "lock", error)),
    }
    // The process id is for people; the kernel's lock is what counts, so a failure here is none.
    let _ = rustix::fs::ftruncate(&lock, 0);
    if let Ok(copy) = lock.try_clone() {
        let _ = writeln!(std::fs::File::from(copy), "{}", std::process::id());
    }
    Ok(lock)
}

fn holder(lock: &OwnedFd) -> Option<u32> {
    let mut text = [0; 16];
    let read = rustix::io::pread(lock, &mut text, 0).ok()?;
    std::str::from_utf8(text.get(..read)?).ok()?.trim().parse().ok()
}

/// Where the state database of a destination lies.
pub fn database(destination: &Path) -> std::path::PathBuf {
    destination.join(STATE_FOLDER).join("state.db")
}
