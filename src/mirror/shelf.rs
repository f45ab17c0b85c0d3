//! A folder with the files of a catalogue: at the top of the tree, in a binder's folder, or outside of the mirror.
//!
//! A file is replaced or deleted only if its name and its first bytes are a catalogue's. Readers see the old file or the new
//! one, never a mixture.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::Path,
};

use rustix::{
    fd::{AsFd as _, OwnedFd},
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

use super::{Error, Mirror, Stage, read::open, sys};
use crate::{
    failpoints::{self, Point},
    model::{CATALOGUE_DATA, CATALOGUE_HEAD, CATALOGUE_PAGE, RelPath, catalogue_head},
};

/// Largest file that is read whole.
const LARGEST: u64 = 64 << 20;

/// The open folder.
#[derive(Debug)]
pub struct Shelf<'m> {
    folder: OwnedFd,
    /// Its path below the destination with a `/`, or empty; for messages.
    shown: String,
    /// `None` outside of a mirror.
    mirror: Option<&'m Mirror>,
}

impl<'m> Shelf<'m> {
    /// The top of the tree, or a binder's folder; `None` if there is no such folder.
    pub fn of_mirror(mirror: &'m Mirror, binder: Option<&RelPath>) -> Result<Option<Self>, Error> {
        let at = binder.map_or(".", RelPath::as_str);
        match sys::open_folder(mirror.root().handle(), at) {
            Ok(folder) => {
                let shown = binder.map(|path| format!("{path}/")).unwrap_or_default();
                Ok(Some(Self { folder, shown, mirror: Some(mirror) }))
            }
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(Error::io("open the folder", at, error)),
        }
    }

    /// A folder outside of a mirror, which is created if it is missing.
    pub fn elsewhere(path: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(|e| Error::destination("create the folder", path, e))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|e| Error::destination("open the folder", path, e.into()))?;
        Ok(Self { folder, shown: format!("{}/", path.display()), mirror: None })
    }

    /// The same folder, opened again.
    pub fn again(&self) -> Result<Self, Error> {
        let folder = self.folder.try_clone().map_err(|e| self.failed("open the folder", "", e))?;
        Ok(Self { folder, shown: self.shown.clone(), mirror: self.mirror })
    }

    /// What is in the way of a catalogue here: something of the same name that is not one's.
    pub fn obstacle(&self) -> Result<Option<String>, Error> {
        match sys::look(&self.folder, CATALOGUE_PAGE).map_err(|e| self.failed("look at", CATALOGUE_PAGE, e))? {
            sys::EntryKind::Nothing => {}
            sys::EntryKind::File(_) if self.is_ours(CATALOGUE_PAGE)? => {}
            _ => return Ok(Some(format!("{}{CATALOGUE_PAGE}", self.shown))),
        }
        let names =
            match sys::look(&self.folder, CATALOGUE_DATA).map_err(|e| self.failed("look at", CATALOGUE_DATA, e))? {
                sys::EntryKind::Nothing => return Ok(None),
                sys::EntryKind::Other("a folder") => self.data_names()?,
                _ => return Ok(Some(format!("{}{CATALOGUE_DATA}", self.shown))),
            };
        for name in &names {
            if self.is_ours(&format!("{CATALOGUE_DATA}/{name}"))? {
                return Ok(None);
            }
        }
        Ok((!names.is_empty()).then(|| format!("{}{CATALOGUE_DATA}", self.shown)))
    }

    /// The names in the folder of the data, whoever put them there.
    pub fn data_names(&self) -> Result<Vec<String>, Error> {
        let failed = |e: Errno| self.failed("list", CATALOGUE_DATA, e.into());
        let dir = match sys::open_folder(&self.folder, CATALOGUE_DATA) {
            Ok(dir) => dir,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&dir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if !matches!(name.as_str(), "." | "..") {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Reads a file of the catalogue; `None` if it is missing, or isn't one.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.head(name, LARGEST).map(|bytes| bytes.filter(|bytes| begins_right(name, bytes)))
    }

    /// Whether a file is the catalogue's.
    fn is_ours(&self, name: &str) -> Result<bool, Error> {
        let head = self.head(name, CATALOGUE_HEAD as u64)?;
        Ok(head.is_some_and(|bytes| begins_right(name, &bytes)))
    }

    fn head(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some((dir, leaf)) = self.folder_of(name)? else { return Ok(None) };
        let found = sys::look(&dir, leaf).map_err(|e| self.failed("look at", name, e))?;
        if !matches!(found, sys::EntryKind::File(_)) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let file = match open(&dir, leaf) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.failed("open", name, error.into())),
        };
        file.take(most).read_to_end(&mut bytes).map_err(|e| self.failed("read", name, e))?;
        Ok(Some(bytes))
    }

    /// Writes a file of the catalogue, replacing its own only. With `durable`, its bytes are on the disk before it has its
    /// name; else the next [`Shelf::barrier`] puts them there.
    pub fn write(&self, name: &str, bytes: &[u8], durable: bool) -> Result<(), Error> {
        if name != CATALOGUE_PAGE {
            self.make_data_folder()?;
        }
        let (dir, leaf) = self.folder_of(name)?.ok_or_else(|| self.failed("open the folder of", name, gone()))?;
        let replaces = match sys::look(&dir, leaf).map_err(|e| self.failed("look at", name, e))? {
            sys::EntryKind::Nothing => false,
            sys::EntryKind::File(_) if self.is_ours(name)? => true,
            _ => return Err(Error::InTheWay { path: format!("{}{name}", self.shown), what: "not of the catalogue" }),
        };
        match self.mirror {
            Some(mirror) => self.publish(mirror, (&dir, leaf), name, bytes, durable, replaces)?,
            None => Self::put(&dir, leaf, bytes, durable).map_err(|e| self.failed("write", name, e))?,
        }
        failpoints::point(Point::CatalogueWritten, name);
        Ok(())
    }

    fn publish(
        &self,
        mirror: &Mirror,
        (dir, leaf): (&OwnedFd, &str),
        name: &str,
        bytes: &[u8],
        durable: bool,
        replaces: bool,
    ) -> Result<(), Error> {
        let mut stage = Stage::create(mirror, false)?;
        if durable {
            stage = stage.synced();
        }
        stage.write(bytes)?;
        let staged = stage.finish(None)?;
        let (tmp, from) = mirror.state_dir.tmp(&staged.name)?;
        let renamed = if replaces {
            rustix::fs::renameat(tmp, from, dir, leaf)
        } else {
            sys::rename_to_free(tmp, from, dir, leaf, mirror.names_exclusively)
        };
        renamed.map_err(|e| self.failed("write", name, e.into()))?;
        if mirror.syncs_each() {
            sys::sync_folder(dir.as_fd()).map_err(|e| self.failed("sync the folder of", name, e.into()))?;
        }
        Ok(())
    }

    /// Writes where there is no folder for temporary files.
    fn put(dir: &OwnedFd, leaf: &str, bytes: &[u8], durable: bool) -> std::io::Result<()> {
        let spare = format!(".{leaf}.{}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file: File = rustix::fs::openat(dir, &spare, flags, Mode::from_bits_truncate(0o666))?.into();
        let written = file.write_all(bytes).and_then(|()| if durable { file.sync_all() } else { Ok(()) });
        let renamed = written.and_then(|()| Ok(rustix::fs::renameat(dir, &spare, dir, leaf)?));
        if renamed.is_err() {
            let _ = rustix::fs::unlinkat(dir, &spare, AtFlags::empty());
        }
        renamed
    }

    /// Makes what was written durable.
    pub fn barrier(&self) -> Result<(), Error> {
        match self.mirror {
            Some(mirror) => mirror.barrier(),
            None => sys::sync_all(&self.folder).map(drop).map_err(|e| self.failed("sync", "", e.into())),
        }
    }

    /// Deletes a file of the catalogue; anything else under its name stays.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let Some((dir, leaf)) = self.folder_of(name)?.filter(|_| catalogue_head(name).is_some()) else { return Ok(()) };
        if !self.is_ours(name)? {
            return Ok(());
        }
        match rustix::fs::unlinkat(&dir, leaf, AtFlags::empty()) {
            Ok(()) => failpoints::point(Point::CatalogueRemoved, name),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(self.failed("remove", name, error.into())),
        }
        Ok(())
    }

    /// Deletes the whole catalogue, and nothing else: the page first, so that nobody opens one without its data.
    pub fn remove_all(&self) -> Result<(), Error> {
        self.remove(CATALOGUE_PAGE)?;
        for name in self.data_names()? {
            self.remove(&format!("{CATALOGUE_DATA}/{name}"))?;
        }
        match rustix::fs::unlinkat(&self.folder, CATALOGUE_DATA, AtFlags::REMOVEDIR) {
            // What somebody else put there stays.
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(()),
            Err(error) => Err(self.failed("remove", CATALOGUE_DATA, error.into())),
        }
    }

    fn make_data_folder(&self) -> Result<(), Error> {
        match rustix::fs::mkdirat(&self.folder, CATALOGUE_DATA, Mode::from_bits_truncate(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(self.failed("create the folder", CATALOGUE_DATA, error.into())),
        }
    }

    /// The folder of a file, and the file's name; `None` if the folder is missing.
    fn folder_of<'n>(&self, name: &'n str) -> Result<Option<(OwnedFd, &'n str)>, Error> {
        let (folder, leaf) = name.rsplit_once('/').unwrap_or((".", name));
        match sys::open_folder(&self.folder, folder) {
            Ok(dir) => Ok(Some((dir, leaf))),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(self.failed("open the folder of", name, error.into())),
        }
    }

    fn failed(&self, what: &'static str, name: &str, error: std::io::Error) -> Error {
        Error::io(what, format!("{}{name}", self.shown), error)
    }
}

fn begins_right(name: &str, bytes: &[u8]) -> bool {
    catalogue_head(name).is_some_and(|head| bytes.starts_with(head.as_bytes()))
}

fn gone() -> std::io::Error {
    std::io::ErrorKind::NotFound.into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PAGE: &[u8] = b"<!doctype html>\n<!-- A catalogue by ibinder-sync -->";

    #[test]
    fn only_files_of_a_catalogue_are_replaced_or_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::elsewhere(folder.path()).unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(shelf.obstacle().unwrap(), None);
        shelf.write(CATALOGUE_PAGE, PAGE, true).unwrap();
        shelf.write("index-data/start.js", b"ibinder.start({});\n", true).unwrap();
        shelf.write("index-data/start.js", b"ibinder.start(1);\n", false).unwrap();
        assert_eq!(fs::read(at("index-data/start.js")).unwrap(), b"ibinder.start(1);\n");
        fs::write(at("index-data/notes.txt"), "mine").unwrap();
        fs::write(at("index-data/changes-0123456789ab.js"), "mine").unwrap();
        assert_eq!(shelf.obstacle().unwrap(), None);
        assert!(shelf.write("index-data/changes-0123456789ab.js", b"ibinder.changes([]);\n", false).is_err());
        assert_eq!(shelf.read("index-data/changes-0123456789ab.js").unwrap(), None);
        shelf.remove_all().unwrap();
        let mut left = shelf.data_names().unwrap();
        left.sort();
        assert_eq!(left, ["changes-0123456789ab.js", "notes.txt"]);
        assert!(!at(CATALOGUE_PAGE).exists());
    }

    #[test]
    fn what_is_not_of_a_catalogue_is_in_the_way() {
        let page = |folder: &Path| fs::write(folder.join(CATALOGUE_PAGE), "<!doctype html>\nmine").unwrap();
        let link = |folder: &Path| std::os::unix::fs::symlink("elsewhere", folder.join(CATALOGUE_PAGE)).unwrap();
        let data = |folder: &Path| {
            fs::create_dir(folder.join(CATALOGUE_DATA)).unwrap();
            fs::write(folder.join("index-data/a.txt"), "mine").unwrap();
        };
        let file = |folder: &Path| fs::write(folder.join(CATALOGUE_DATA), "mine").unwrap();
        let makes: [fn(&Path); 4] = [page, link, data, file];
        for (make, name) in makes.into_iter().zip([CATALOGUE_PAGE, CATALOGUE_PAGE, CATALOGUE_DATA, CATALOGUE_DATA]) {
            let folder = tempfile::tempdir().unwrap();
            make(folder.path());
            let shelf = Shelf::elsewhere(folder.path()).unwrap();
            let found = shelf.obstacle().unwrap().unwrap();
            assert!(found.ends_with(name), "{found}");
        }
        // An empty folder is nobody's, and so is one in which a run was killed.
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(CATALOGUE_DATA)).unwrap();
        assert_eq!(Shelf::elsewhere(folder.path()).unwrap().obstacle().unwrap(), None);
    }
}
