//! The folders of the state: `tmp/`, `objects/` and `runs/`, and the lock.
//!
//! They are opened once, without following links, when a writing command starts.

use std::path::Path;

use rustix::{fd::OwnedFd, fs::Mode, io::Errno};

use crate::{
    mirror::{Error, lock::Lock, sys},
    model::STATE_FOLDER,
};

/// Temporary files are spread over this many folders, to avoid contention for one folder's lock.
pub(super) const TMP_FOLDERS: usize = 16;

/// The open state folder. Holds the lock until dropped.
#[derive(Debug)]
pub(super) struct StateDir {
    pub(super) state: OwnedFd,
    pub(super) objects: OwnedFd,
    pub(super) tmp: Vec<OwnedFd>,
    pub(super) lock: Lock,
}

impl StateDir {
    /// Creates missing folders, takes the lock, and opens the folders.
    pub(super) fn open(root: &OwnedFd) -> Result<Self, Error> {
        let state = make(root, STATE_FOLDER, 0o700)?;
        let lock = Lock::take(&state)?;
        let objects = make(&state, "objects", 0o700)?;
        make(&state, "runs", 0o700)?;
        let parent = make(&state, "tmp", 0o700)?;
        let tmp = (0..TMP_FOLDERS).map(|n| make(&parent, &format!("{n:x}"), 0o700)).collect::<Result<_, _>>()?;
        sys::sync_folder(&state).map_err(|e| Error::io("sync", STATE_FOLDER, e))?;
        sys::sync_folder(root).map_err(|e| Error::io("sync", ".", e))?;
        Ok(Self { state, objects, tmp, lock })
    }

    /// The folder below `tmp/` for a temporary name, and the name's last step.
    pub(super) fn tmp<'n>(&self, name: &'n str) -> Result<(&OwnedFd, &'n str), Error> {
        let split = name
            .split_once('/')
            .and_then(|(folder, leaf)| Some((self.tmp.get(usize::from_str_radix(folder, 16).ok()?)?, leaf)));
        split
            .ok_or_else(|| Error::io("find", format!("tmp/{name}"), std::io::Error::from(std::io::ErrorKind::NotFound)))
    }
}

/// Opens a folder of the state, and creates it if it is missing.
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

/// The path of a destination's state database.
pub fn database(destination: &Path) -> std::path::PathBuf {
    destination.join(STATE_FOLDER).join("state.db")
}
