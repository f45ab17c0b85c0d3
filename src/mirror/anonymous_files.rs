//! Staged files without a name.
//!
//! Most documents arrive completely before the first byte is written, so there is nothing to resume. Linux can write such a
//! file without a name (`O_TMPFILE`) and link it when it is published: one folder changes once instead of two folders three
//! times, and a crash leaves nothing behind. Files stay open until then, so their number is limited. Where the system or
//! the file system doesn't support this, files have names below `tmp/`.

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

/// Limit of open files, even if the system allows more.
const MAX_OPEN: u64 = 4096;

/// The descriptors that a command may need at once: the mirror's folders, connections, and downloads.
pub const NEEDED_DESCRIPTORS: u64 = 128;

/// How an open file gets a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkMethod {
    /// By its descriptor.
    Descriptor,
    /// By its path in `/proc`.
    Proc,
}

/// The open files that have no name yet, by their temporary ids.
#[derive(Debug, Default)]
pub(super) struct AnonymousFiles {
    way: Option<LinkMethod>,
    most: usize,
    /// Distinguishes this process's ids from those in older intents.
    tag: u64,
    next: AtomicU64,
    files: Mutex<HashMap<String, File>>,
}

impl AnonymousFiles {
    /// Tests in a folder below `tmp/` what the system supports.
    pub(super) fn open(dir: &OwnedFd) -> rustix::io::Result<Self> {
        let most = usize::try_from(spare_descriptors() / 2).unwrap_or(0);
        let tag = RandomState::new().hash_one(std::process::id());
        let mut anonymous = Self { most, tag, ..Self::default() };
        for way in [LinkMethod::Descriptor, LinkMethod::Proc] {
            if anonymous.way.is_none() && works(way, dir, &format!("{tag:x}"))? {
                anonymous.way = Some(way);
            }
        }
        Ok(anonymous)
    }

    /// Creates an empty file and its id; `None` if it must have a name.
    pub(super) fn create(&self, folder: usize, dir: &OwnedFd) -> rustix::io::Result<Option<(String, File)>> {
        if self.way.is_none() || self.files().len() >= self.most {
            return Ok(None);
        }
        let name = || format!("{folder:x}/{:x}-{:x}", self.tag, self.next.fetch_add(1, Relaxed));
        Ok(if_supported(create(dir))?.map(|file| (name(), file)))
    }

    /// Keeps a finished file open until it is linked.
    pub(super) fn keep(&self, name: String, file: File) {
        self.files().insert(name, file);
    }

    /// Links a file to a name if that is free; `None` if the file is not open here. If linking fails, the file stays open.
    pub(super) fn link(&self, name: &str, dir: impl AsFd, leaf: &str) -> Option<rustix::io::Result<()>> {
        let file = self.files().remove(name)?;
        let linked = self.way.map(|way| link(way, &file, dir, leaf))?;
        if linked.is_err() {
            self.keep(name.to_owned(), file);
        }
        Some(linked)
    }

    /// Whether a file is open here.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.files().contains_key(name)
    }

    /// Closes a file; `false` if it is not open here.
    pub(super) fn discard(&self, name: &str) -> bool {
        self.files().remove(name).is_some()
    }

    fn files(&self) -> MutexGuard<'_, HashMap<String, File>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many descriptors this process may have; raises the limit as far as allowed.
pub fn descriptors() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(2 * MAX_OPEN);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        let _ = setrlimit(Resource::Nofile, limit);
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).min(2 * MAX_OPEN)
}

/// How many descriptors are left for files and folders that stay open for later.
pub(super) fn spare_descriptors() -> u64 {
    descriptors().saturating_sub(NEEDED_DESCRIPTORS)
}

fn create(dir: &OwnedFd) -> rustix::io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        // The umask decides the modes of files in the tree, as for all files that the user creates.
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

/// Whether a file can be created without a name and linked.
fn works(way: LinkMethod, dir: &OwnedFd, leaf: &str) -> rustix::io::Result<bool> {
    let Some(file) = if_supported(create(dir))? else { return Ok(false) };
    let linked = if_supported(link(way, &file, dir, leaf))?.is_some();
    if linked {
        rustix::fs::unlinkat(dir, leaf, AtFlags::empty())?;
    }
    Ok(linked && applies_umask(&file, dir, leaf)?)
}

/// Whether an anonymous file gets the same mode as any other; some older kernels ignore the umask.
fn applies_umask(file: &File, dir: &OwnedFd, leaf: &str) -> rustix::io::Result<bool> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let named = rustix::fs::openat(dir, leaf, flags, Mode::from_bits_truncate(0o666))?;
    rustix::fs::unlinkat(dir, leaf, AtFlags::empty())?;
    Ok(rustix::fs::fstat(&named)?.st_mode == rustix::fs::fstat(file)?.st_mode)
}

/// The result of a call; `None` if the system, the file system or the user can't do it. A failing disk is an error.
fn if_supported<T>(result: rustix::io::Result<T>) -> rustix::io::Result<Option<T>> {
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
    fn each_method_links_once_and_replaces_nothing() {
        let (folder, dir) = folder();
        for way in [LinkMethod::Descriptor, LinkMethod::Proc] {
            if !works(way, &dir, "probe").unwrap() {
                skip(&format!("a file without a name can't get one by {way:?}"));
                continue;
            }
            let anonymous = AnonymousFiles { way: Some(way), most: 1, ..AnonymousFiles::default() };
            let (name, mut file) = anonymous.create(0, &dir).unwrap().unwrap();
            file.write_all(b"ours").unwrap();
            anonymous.keep(name.clone(), file);
            assert!(anonymous.create(0, &dir).unwrap().is_none(), "no further file is opened");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nobody sees it");
            std::fs::write(folder.path().join("taken"), "theirs").unwrap();
            assert_eq!(anonymous.link(&name, &dir, "taken"), Some(Err(Errno::EXIST)));
            assert_eq!(anonymous.link(&name, &dir, "free"), Some(Ok(())));
            assert_eq!(anonymous.link(&name, &dir, "again"), None);
            assert_eq!(std::fs::read(folder.path().join("taken")).unwrap(), b"theirs");
            assert_eq!(std::fs::read(folder.path().join("free")).unwrap(), b"ours");
            std::fs::remove_file(folder.path().join("taken")).unwrap();
            std::fs::remove_file(folder.path().join("free")).unwrap();
        }
    }

    #[test]
    fn a_discarded_file_is_gone() {
        let (folder, dir) = folder();
        let anonymous = AnonymousFiles::open(&dir).unwrap();
        let Some((name, file)) = anonymous.create(0, &dir).unwrap() else {
            return skip("the file system knows no files without a name");
        };
        anonymous.keep(name.clone(), file);
        assert!(anonymous.discard(&name) && !anonymous.discard(&name));
        assert_eq!(anonymous.link(&name, &dir, "x"), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
