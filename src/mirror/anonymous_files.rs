//! Staged files that have no name yet.
//!
//! Most documents come whole before the first byte is written, and nothing of them could be resumed. Linux
//! writes such a file without a name (`O_TMPFILE`) and gives it one when it is published: one
//! change of one folder instead of three of two, and a crash leaves nothing behind. The file is held open until
//! then, so only so many are; where the system or the file system can't do it, files have names below `tmp/`.

use std::{
    collections::HashMap,
    fs::File,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

/// Most files that are held open, whatever the system allows.
const MOST: u64 = 4096;

/// How an open file is given a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkMethod {
    /// By its descriptor.
    Descriptor,
    /// By its place in `/proc`.
    Proc,
}

/// The files that wait for their names, by what they are called meanwhile.
#[derive(Debug, Default)]
pub(super) struct Nameless {
    way: Option<LinkMethod>,
    most: usize,
    /// Sets this mirror's names apart from those that older intents mention.
    tag: u64,
    next: AtomicU64,
    files: Mutex<HashMap<String, File>>,
}

impl Nameless {
    /// Tries in a folder below `tmp/` what the system can do.
    pub(super) fn open(dir: &OwnedFd) -> rustix::io::Result<Self> {
        let most = usize::try_from(descriptors() / 2).unwrap_or(0);
        let tag = RandomState::new().hash_one(std::process::id());
        let mut nameless = Self { most, tag, ..Self::default() };
        for way in [LinkMethod::Descriptor, LinkMethod::Proc] {
            if nameless.way.is_none() && works(way, dir, &format!("{tag:x}"))? {
                nameless.way = Some(way);
            }
        }
        Ok(nameless)
    }

    /// An empty file and what it is called; none where it has to have a name.
    pub(super) fn create(&self, folder: usize, dir: &OwnedFd) -> rustix::io::Result<Option<(String, File)>> {
        if self.way.is_none() || self.files().len() >= self.most {
            return Ok(None);
        }
        let name = || format!("{folder:x}/{:x}-{:x}", self.tag, self.next.fetch_add(1, Relaxed));
        Ok(capable(create(dir))?.map(|file| (name(), file)))
    }

    /// Holds a finished file until it is given a name.
    pub(super) fn keep(&self, name: String, file: File) {
        self.files().insert(name, file);
    }

    /// Gives a file its name, if that is free; none if it is not held here. One that was refused is held on.
    pub(super) fn link(&self, name: &str, dir: impl AsFd, leaf: &str) -> Option<rustix::io::Result<()>> {
        let file = self.files().remove(name)?;
        let linked = self.way.map(|way| link(way, &file, dir, leaf))?;
        if linked.is_err() {
            self.keep(name.to_owned(), file);
        }
        Some(linked)
    }

    /// Whether a file is held here.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.files().contains_key(name)
    }

    /// Lets a file go; false if it is not held here.
    pub(super) fn discard(&self, name: &str) -> bool {
        self.files().remove(name).is_some()
    }

    fn files(&self) -> MutexGuard<'_, HashMap<String, File>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many descriptors this process may have, raised as far as it may raise it.
pub fn descriptors() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(2 * MOST);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        let _ = setrlimit(Resource::Nofile, limit);
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).min(2 * MOST)
}

fn create(dir: &OwnedFd) -> rustix::io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        // The umask decides what the tree's files may do, as for any file the user creates.
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        rustix::fs::openat(dir, ".", flags, Mode::from_bits_truncate(0o666)).map(File::from)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (dir, Mode::empty(), OFlags::empty());
        Err(Errno::NOSYS)
    }
}

#[cfg(target_os = "linux")]
fn link(way: LinkMethod, file: &File, dir: impl AsFd, leaf: &str) -> rustix::io::Result<()> {
    use std::os::fd::AsRawFd as _;
    match way {
        LinkMethod::Descriptor => rustix::fs::linkat(file, "", dir, leaf, AtFlags::EMPTY_PATH),
        LinkMethod::Proc => {
            let place = format!("/proc/self/fd/{}", file.as_raw_fd());
            rustix::fs::linkat(rustix::fs::CWD, place, dir, leaf, AtFlags::SYMLINK_FOLLOW)
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn link(_: LinkMethod, _: &File, _: impl AsFd, _: &str) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

/// Whether a file can be written without a name and given one.
fn works(way: LinkMethod, dir: &OwnedFd, leaf: &str) -> rustix::io::Result<bool> {
    let Some(file) = capable(create(dir))? else { return Ok(false) };
    let linked = capable(link(way, &file, dir, leaf))?.is_some();
    if linked {
        rustix::fs::unlinkat(dir, leaf, AtFlags::empty())?;
    }
    Ok(linked && heeds_umask(&file, dir, leaf)?)
}

/// Whether a file without a name has the mode of any other: some older kernels forget the umask.
fn heeds_umask(file: &File, dir: &OwnedFd, leaf: &str) -> rustix::io::Result<bool> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let named = rustix::fs::openat(dir, leaf, flags, Mode::from_bits_truncate(0o666))?;
    rustix::fs::unlinkat(dir, leaf, AtFlags::empty())?;
    Ok(rustix::fs::fstat(&named)?.st_mode == rustix::fs::fstat(file)?.st_mode)
}

/// What a call brought; none where this system, file system or user can't do it. A disk that fails is an error.
fn capable<T>(result: rustix::io::Result<T>) -> rustix::io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(
            Errno::NOTSUP
            | Errno::ISDIR
            | Errno::INVAL
            | Errno::NOSYS
            | Errno::NOENT
            | Errno::PERM
            | Errno::ACCESS
            | Errno::MFILE
            | Errno::NFILE,
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "../../tests/support/skip.rs"]
mod skip;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{skip::skip, *};

    fn folder() -> (tempfile::TempDir, OwnedFd) {
        let folder = tempfile::tempdir().unwrap();
        let dir = rustix::fs::open(folder.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        (folder, dir)
    }

    #[test]
    fn each_way_gives_a_name_once_and_takes_none_away() {
        let (folder, dir) = folder();
        for way in [LinkMethod::Descriptor, LinkMethod::Proc] {
            if !works(way, &dir, "probe").unwrap() {
                skip(&format!("a file without a name can't get one by {way:?}"));
                continue;
            }
            let nameless = Nameless { way: Some(way), most: 1, ..Nameless::default() };
            let (name, mut file) = nameless.create(0, &dir).unwrap().unwrap();
            file.write_all(b"ours").unwrap();
            nameless.keep(name.clone(), file);
            assert!(nameless.create(0, &dir).unwrap().is_none(), "no more than that are held");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nobody sees it");
            std::fs::write(folder.path().join("taken"), "theirs").unwrap();
            assert_eq!(nameless.link(&name, &dir, "taken"), Some(Err(Errno::EXIST)));
            assert_eq!(nameless.link(&name, &dir, "free"), Some(Ok(())));
            assert_eq!(nameless.link(&name, &dir, "again"), None);
            assert_eq!(std::fs::read(folder.path().join("taken")).unwrap(), b"theirs");
            assert_eq!(std::fs::read(folder.path().join("free")).unwrap(), b"ours");
            std::fs::remove_file(folder.path().join("taken")).unwrap();
            std::fs::remove_file(folder.path().join("free")).unwrap();
        }
    }

    #[test]
    fn a_discarded_file_is_gone() {
        let (folder, dir) = folder();
        let nameless = Nameless::open(&dir).unwrap();
        let Some((name, file)) = nameless.create(0, &dir).unwrap() else {
            return skip("the file system knows no files without a name");
        };
        nameless.keep(name.clone(), file);
        assert!(nameless.discard(&name) && !nameless.discard(&name));
        assert_eq!(nameless.link(&name, &dir, "x"), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
