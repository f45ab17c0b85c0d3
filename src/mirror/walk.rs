//! Everything that lies in the tree and in `objects/`, whoever put it there; and the one file of
//! the state that is written without the lock.

use std::io::Write as _;

use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, Dir, Mode, OFlags},
    io::Errno,
};

use super::{
    Error, ErrorKind, OnDisk, Root,
    sys::{self, EntryKind},
};
use crate::{
    model::{STATE_FOLDER, Sha256},
    paths,
};

/// A note is never larger than this.
const LARGEST_NOTE: u64 = 64 << 20;

/// Something that was met on a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkEntry {
    /// A file, a link or a special file. Folders are only walked through.
    Found {
        /// Where, below the destination; bytes that are no text are shown as `\u{fffd}`.
        path: String,
        /// What.
        found: OnDisk,
    },
    /// Something that could not be looked at.
    Unreadable {
        /// Where, below the destination.
        path: String,
        /// Why.
        why: String,
    },
}

/// What lies under a name that is no folder's; none where it has left meanwhile.
fn met(dir: &OwnedFd, name: &str, path: String) -> Result<Option<WalkEntry>, Error> {
    let found = match sys::look(dir, name).map_err(|e| Error::io("look at", &path, e)) {
        Ok(EntryKind::Nothing) if name.contains('\u{fffd}') => OnDisk::Other("a name that is no text"),
        Ok(EntryKind::Nothing) => return Ok(None),
        Ok(EntryKind::File(stamp)) => OnDisk::File(stamp),
        Ok(EntryKind::Other(what)) => OnDisk::Other(what),
        Err(error) if error.kind() == ErrorKind::Disk => return Err(error),
        Err(error) => return Ok(Some(WalkEntry::Unreadable { path, why: error.to_string() })),
    };
    Ok(Some(WalkEntry::Found { path, found }))
}

impl Root {
    /// Walks through the tree, following no link, as long as `each` says true. The state folder is
    /// no part of it, nor is a fresh disk's `lost+found`.
    pub fn walk(&self, mut each: impl FnMut(WalkEntry) -> bool) -> Result<(), Error> {
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let names = match self.names_in(&folder) {
                Ok(names) => names,
                Err(error) if error.kind() == ErrorKind::Disk => return Err(error),
                Err(error) => {
                    if !each(WalkEntry::Unreadable { path: folder, why: error.to_string() }) {
                        return Ok(());
                    }
                    continue;
                }
            };
            let Some((dir, names)) = names else { continue };
            for name in names {
                if folder.is_empty() && (name == STATE_FOLDER || name == "lost+found") {
                    continue;
                }
                let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
                if sys::look(&dir, &name).is_ok_and(|entry| entry == EntryKind::Other("a folder")) {
                    folders.push(path);
                } else if !met(&dir, &name, path)?.is_none_or(&mut each) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The names in a folder, sorted; none where it is gone.
    fn names_in(&self, folder: &str) -> Result<Option<(OwnedFd, Vec<String>)>, Error> {
        let at = if folder.is_empty() { "." } else { folder };
        let dir = match sys::open_folder(self.handle(), at) {
            Ok(dir) => dir,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(Error::io("open the folder", folder, error)),
        };
        let mut names = Vec::new();
        for entry in Dir::read_from(&dir).map_err(|e| Error::io("list", folder, e))? {
            let entry = entry.map_err(|e| Error::io("list", folder, e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !matches!(name.as_str(), "." | "..") {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(Some((dir, names)))
    }

    /// Every entry of `objects/`: its path there, and its hash if it is named and placed like one.
    pub fn objects<E: From<Error>>(
        &self,
        mut each: impl FnMut(String, Option<Sha256>) -> Result<(), E>,
    ) -> Result<(), E> {
        let objects = format!("{STATE_FOLDER}/objects");
        let Some((_, shelves)) = self.names_in(&objects)? else { return Ok(()) };
        for shelf in shelves {
            let Some((_, names)) = self.names_in(&format!("{objects}/{shelf}"))? else {
                each(shelf, None)?;
                continue;
            };
            for name in names {
                let hash = Sha256::try_from(name.clone()).ok().filter(|h| h.hex() == name && name[..2] == shelf);
                each(format!("{shelf}/{name}"), hash)?;
            }
        }
        Ok(())
    }

    /// What lies where an object belongs.
    pub fn look_at_object(&self, sha256: &Sha256) -> Result<OnDisk, Error> {
        let hex = sha256.hex();
        let shelf = match sys::open_folder(self.handle(), &format!("{STATE_FOLDER}/objects/{}", &hex[..2])) {
            Ok(shelf) => shelf,
            Err(Errno::NOENT) => return Ok(OnDisk::Missing),
            Err(Errno::NOTDIR | Errno::LOOP) => return Ok(OnDisk::Other("below a link or a file")),
            Err(Errno::ACCESS | Errno::PERM) => return Ok(OnDisk::Other("in a folder that can't be read")),
            Err(error) => return Err(Error::io("look at the object", &hex, error)),
        };
        Ok(match sys::look(&shelf, &hex).map_err(|e| Error::io("look at the object", &hex, e))? {
            EntryKind::Nothing => OnDisk::Missing,
            EntryKind::File(stamp) => OnDisk::File(stamp),
            EntryKind::Other(what) => OnDisk::Other(what),
        })
    }

    /// Reads a file of the state folder; none where there is none.
    pub fn read_note(&self, name: &str) -> Option<Vec<u8>> {
        paths::read(&self.path().join(STATE_FOLDER).join(name), LARGEST_NOTE).ok()
    }

    /// Writes a file of the state folder without the lock, so that readers see the old one or the
    /// new one. Not through `tmp/`, which a run that begins sweeps.
    pub fn write_note(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::io("write", format!("{STATE_FOLDER}/{name}"), error);
        let state = sys::open_folder(self.handle(), STATE_FOLDER).map_err(|e| failed(e.into()))?;
        let spare = format!("{name}.{}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&state, &spare, flags, Mode::from_bits_truncate(0o666));
        let mut file = std::fs::File::from(file.map_err(|e| failed(e.into()))?);
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let renamed = written.and_then(|()| Ok(rustix::fs::renameat(&state, &spare, &state, name)?));
        renamed.map_err(|error| {
            let _ = rustix::fs::unlinkat(&state, &spare, AtFlags::empty());
            failed(error)
        })
    }
}
