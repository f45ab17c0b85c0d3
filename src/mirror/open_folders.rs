//! Looks at many files, and keeps their folders open meanwhile.
//!
//! The pages of a binder name the same folders again and again, and opening one costs as much as looking at two files. A kept
//! folder may have been renamed or removed since it was opened. So only a regular file counts that is found in it; after
//! anything else its path is opened anew.

use foldhash::{HashMap, HashMapExt as _};
use rustix::{fd::OwnedFd, io::Errno};

use super::{
    Error, ErrorKind, OnDisk, Root,
    anonymous_files::spare_descriptors,
    root::is_missing,
    sys::{self, EntryKind},
};

/// The share of this process's spare descriptors that folders may take.
const SHARE: u64 = 8;

/// How many calls a folder is kept that isn't needed.
const KEPT_FOR: u64 = 32;

/// Folders that are kept open.
#[derive(Debug)]
pub struct OpenFolders {
    folders: HashMap<Box<str>, Kept>,
    most: usize,
    call: u64,
}

#[derive(Debug)]
struct Kept {
    dir: OwnedFd,
    /// The last call that needed it.
    used: u64,
}

impl OpenFolders {
    /// Keeps as many folders as the limit of open files allows.
    pub fn new() -> Self {
        Self::at_most(usize::try_from(spare_descriptors() / SHARE).unwrap_or(0))
    }

    fn at_most(most: usize) -> Self {
        Self { folders: HashMap::new(), most, call: 0 }
    }

    fn get(&mut self, path: &str) -> Option<&OwnedFd> {
        let kept = self.folders.get_mut(path)?;
        kept.used = self.call;
        Some(&kept.dir)
    }

    fn keep(&mut self, path: &str, dir: OwnedFd) {
        if self.folders.len() < self.most {
            self.folders.insert(path.into(), Kept { dir, used: self.call });
        }
    }

    /// Makes room for other folders.
    fn begin(&mut self) {
        self.call += 1;
        if self.folders.len() >= self.most / 2 {
            let oldest = self.call.saturating_sub(KEPT_FOR);
            self.folders.retain(|_, kept| kept.used >= oldest);
        }
    }
}

impl Default for OpenFolders {
    fn default() -> Self {
        Self::new()
    }
}

impl Root {
    /// Looks at many files. Opens a folder once for adjacent files in it.
    pub fn look_at_all<'p>(&self, paths: impl Iterator<Item = &'p str>) -> Result<Vec<OnDisk>, Error> {
        self.look_from(&mut OpenFolders::at_most(0), paths)
    }

    /// Looks at many files from folders that are kept open.
    pub fn look_from<'p>(
        &self,
        folders: &mut OpenFolders,
        paths: impl Iterator<Item = &'p str>,
    ) -> Result<Vec<OnDisk>, Error> {
        folders.begin();
        let mut found = Vec::with_capacity(paths.size_hint().0);
        let mut last: Option<(&str, rustix::io::Result<OwnedFd>)> = None;
        for path in paths {
            let (parent, leaf) = path.rsplit_once('/').unwrap_or((".", path));
            if last.as_ref().is_none_or(|(last, _)| *last != parent) {
                if let Some(dir) = folders.get(parent) {
                    if let Ok(EntryKind::File(stamp)) = sys::look(dir, leaf) {
                        found.push(OnDisk::File(stamp));
                        continue;
                    }
                    folders.folders.remove(parent);
                }
                if let Some((parent, Ok(dir))) = last.replace((parent, sys::open_folder(self.handle(), parent))) {
                    folders.keep(parent, dir);
                }
            }
            if let Some((_, dir)) = &last {
                found.push(look_in(dir.as_ref().map_err(|error| *error), leaf, path)?);
            }
        }
        if let Some((parent, Ok(dir))) = last {
            folders.keep(parent, dir);
        }
        Ok(found)
    }
}

/// What a name in a folder refers to.
fn look_in(dir: Result<&OwnedFd, Errno>, leaf: &str, path: &str) -> Result<OnDisk, Error> {
    match dir {
        Ok(dir) => match sys::look(dir, leaf).map_err(|e| Error::io("look at", path, e)) {
            Ok(EntryKind::Nothing) => Ok(OnDisk::Missing),
            Ok(EntryKind::File(stamp)) => Ok(OnDisk::File(stamp)),
            Ok(EntryKind::Other(what)) => Ok(OnDisk::Other(what)),
            // One file that can't be examined must not fail the others.
            Err(error) if error.kind() == ErrorKind::Document => Ok(OnDisk::Other("not readable")),
            Err(error) => Err(error),
        },
        Err(error) if is_missing(error) => Ok(OnDisk::Missing),
        Err(Errno::LOOP | Errno::NOTDIR) => Ok(OnDisk::Other("below a link or a file")),
        Err(Errno::ACCESS | Errno::PERM) => Ok(OnDisk::Other("in a folder that can't be read")),
        Err(error) => Err(Error::io("look at", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FILES: [&str; 4] = ["a/1", "b/1", "a/2", "b/2"];

    fn tree() -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().unwrap();
        for path in FILES {
            fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
            fs::write(folder.path().join(path), path).unwrap();
        }
        let root = Root::open(folder.path()).unwrap();
        (folder, root)
    }

    fn is_file(found: OnDisk) -> bool {
        matches!(found, OnDisk::File(_))
    }

    #[test]
    fn a_folder_is_opened_once() {
        let (folder, root) = tree();
        let mut folders = OpenFolders::at_most(2);
        assert!(root.look_from(&mut folders, FILES.into_iter()).unwrap().into_iter().all(is_file));
        assert_eq!(folders.folders.len(), 2);
        // Only an open folder still has its file here.
        fs::rename(folder.path().join("a"), folder.path().join("c")).unwrap();
        let found = root.look_from(&mut folders, ["a/1"].into_iter()).unwrap();
        assert!(is_file(found[0]));
    }

    #[test]
    fn a_folder_that_was_replaced_is_opened_again() {
        let (folder, root) = tree();
        let mut folders = OpenFolders::at_most(2);
        root.look_from(&mut folders, FILES.into_iter()).unwrap();
        fs::remove_dir_all(folder.path().join("a")).unwrap();
        assert_eq!(root.look_from(&mut folders, ["a/1"].into_iter()).unwrap(), [OnDisk::Missing]);
        fs::remove_dir_all(folder.path().join("b")).unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b/1"), "again").unwrap();
        assert!(is_file(root.look_from(&mut folders, ["b/1"].into_iter()).unwrap()[0]));
    }

    #[test]
    fn no_more_folders_are_kept_than_allowed_and_unused_ones_are_closed() {
        let (_folder, root) = tree();
        let mut folders = OpenFolders::at_most(1);
        assert!(root.look_from(&mut folders, FILES.into_iter()).unwrap().into_iter().all(is_file));
        assert_eq!(folders.folders.keys().map(|path| &**path).collect::<Vec<_>>(), ["a"]);
        for _ in 0..=KEPT_FOR {
            root.look_from(&mut folders, ["b/1"].into_iter()).unwrap();
        }
        assert_eq!(folders.folders.keys().map(|path| &**path).collect::<Vec<_>>(), ["b"]);
    }
}
