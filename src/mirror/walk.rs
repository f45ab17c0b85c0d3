//! Lists everything in the tree and in `objects/`, whoever created it; reads and writes the one state file that needs no
//! lock.

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

/// Size limit of a note.
const LARGEST_NOTE: u64 = 64 << 20;

/// An entry found on a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkEntry {
    /// A file, a link or a special file. Folders are only traversed.
    Found {
        /// The path below the destination; bytes that aren't text are shown as `\u{fffd}`.
        path: String,
        /// What it is.
        found: OnDisk,
    },
    /// Something that could not be examined.
    Unreadable {
        /// The path below the destination.
        path: String,
        /// The system's error.
        why: String,
    },
}

/// What a name refers to, unless it is a folder; `None` if it was removed in the meantime.
fn entry_at(dir: &OwnedFd, name: &str, path: String) -> Result<Option<WalkEntry>, Error> {
    let found = match sys::look(dir, name).map_err(|e| Error::io("look at", &path, e)) {
        Ok(EntryKind::Nothing) if name.contains('\u{fffd}') => OnDisk::Other("a name that is not text"),
        Ok(EntryKind::Nothing) => return Ok(None),
        Ok(EntryKind::File(stamp)) => OnDisk::File(stamp),
        Ok(EntryKind::Other(what)) => OnDisk::Other(what),
        Err(error) if error.kind() == ErrorKind::Disk => return Err(error),
        Err(error) => return Ok(Some(WalkEntry::Unreadable { path, why: error.to_string() })),
    };
    Ok(Some(WalkEntry::Found { path, found }))
}

impl Root {
    /// Walks the tree without following links, until `each` returns `false`. Skips the state folder and the `lost+found` of
    /// a new disk.
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
                } else if !entry_at(&dir, &name, path)?.is_none_or(&mut each) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The sorted names in a folder; `None` if it was removed.
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

    /// Every entry of `objects/`: its path there, and its hash if its name and folder match one.
    pub fn objects<E: From<Error>>(
        &self,
        mut each: impl FnMut(String, Option<Sha256>) -> Result<(), E>,
    ) -> Result<(), E> {
        let objects = format!("{STATE_FOLDER}/objects");
        let Some((_, object_dirs)) = self.names_in(&objects)? else { return Ok(()) };
        for object_dir in object_dirs {
            let Some((_, names)) = self.names_in(&format!("{objects}/{object_dir}"))? else {
                each(object_dir, None)?;
                continue;
            };
            for name in names {
                let hash = Sha256::try_from(name.clone()).ok().filter(|h| h.hex() == name && name[..2] == object_dir);
                each(format!("{object_dir}/{name}"), hash)?;
            }
        }
        Ok(())
    }

    /// What is at the path of an object.
    pub fn look_at_object(&self, sha256: &Sha256) -> Result<OnDisk, Error> {
        let hex = sha256.hex();
        let object_dir = match sys::open_folder(self.handle(), &format!("{STATE_FOLDER}/objects/{}", &hex[..2])) {
            Ok(object_dir) => object_dir,
            Err(Errno::NOENT) => return Ok(OnDisk::Missing),
            Err(Errno::NOTDIR | Errno::LOOP) => return Ok(OnDisk::Other("below a link or a file")),
            Err(Errno::ACCESS | Errno::PERM) => return Ok(OnDisk::Other("in a folder that can't be read")),
            Err(error) => return Err(Error::io("look at the object", &hex, error)),
        };
        Ok(match sys::look(&object_dir, &hex).map_err(|e| Error::io("look at the object", &hex, e))? {
            EntryKind::Nothing => OnDisk::Missing,
            EntryKind::File(stamp) => OnDisk::File(stamp),
            EntryKind::Other(what) => OnDisk::Other(what),
        })
    }

    /// Reads a file of the state folder; `None` if there is none.
    pub fn read_note(&self, name: &str) -> Option<Vec<u8>> {
        paths::read(&self.path().join(STATE_FOLDER).join(name), LARGEST_NOTE).ok()
    }

    /// The sizes of files in a folder of the state whose names end like this.
    pub fn note_sizes(&self, folder: &str, suffix: &str) -> Result<Vec<u64>, Error> {
        let failed = |error: std::io::Error| Error::io("list", format!("{STATE_FOLDER}/{folder}"), error);
        let mut sizes = Vec::new();
        for entry in std::fs::read_dir(self.path().join(STATE_FOLDER).join(folder)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().as_encoded_bytes().ends_with(suffix.as_bytes()) {
                sizes.push(entry.metadata().map_err(failed)?.len());
            }
        }
        Ok(sizes)
    }

    /// Writes a file of the state folder without the lock, so that readers see the old file or the new one. Doesn't use
    /// `tmp/`, which a starting run sweeps.
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
