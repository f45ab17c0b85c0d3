//! The longest name that a file system allows.
//!
//! File systems announce it (`statvfs`), but some announce too much, such as those that store longer forms of names on
//! another file system. So the longest name is tried once, and shorter ones if it is refused.

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

use super::Error;
use crate::model::{NameLimit, SEGMENT_LIMIT};

/// Bytes of the longest name, found without changing anything; some file systems already refuse to look up a longer one.
pub(super) fn probe_by_lookup(dir: &OwnedFd) -> usize {
    let takes = |name: &str| {
        let looked = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
        Ok::<_, Errno>(!matches!(looked, Err(Errno::NAMETOOLONG)))
    };
    longest(announced(dir), takes).unwrap_or(SEGMENT_LIMIT)
}

/// Bytes of the longest name, found by creating files in a folder below `tmp/`.
pub(super) fn probe_by_creating(dir: &OwnedFd) -> rustix::io::Result<usize> {
    longest(announced(dir), |name| {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(dir, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(_) => rustix::fs::unlinkat(dir, name, AtFlags::empty()).map(|()| true),
            // A killed run left it; the sweep of `tmp/` will remove it.
            Err(Errno::EXIST) => Ok(true),
            Err(Errno::NAMETOOLONG) => Ok(false),
            Err(error) => Err(error),
        }
    })
}

/// The limit, if it is sufficient for a mirror.
pub(super) fn limit(bytes: usize) -> Result<NameLimit, Error> {
    NameLimit::of(bytes).ok_or_else(|| {
        Error::Destination(format!(
            "the file system of the destination takes names of at most {bytes} bytes, and a mirror needs {}; choose a destination on another file system",
            NameLimit::LEAST.bytes()
        ))
    })
}

/// The limit that the file system announces.
fn announced(dir: impl AsFd) -> usize {
    let said = rustix::fs::fstatvfs(dir).ok().and_then(|stat| usize::try_from(stat.f_namemax).ok());
    said.filter(|bytes| *bytes > 0).map_or(SEGMENT_LIMIT, |bytes| bytes.min(SEGMENT_LIMIT))
}

/// The length of the longest accepted name, up to `most`.
fn longest<E>(most: usize, takes: impl Fn(&str) -> Result<bool, E>) -> Result<usize, E> {
    let is_taken = |bytes: usize| takes(&"x".repeat(bytes));
    if is_taken(most)? {
        return Ok(most);
    }
    let (mut taken, mut refused) = (0, most);
    while refused - taken > 1 {
        let middle = usize::midpoint(taken, refused);
        if is_taken(middle)? {
            taken = middle;
        } else {
            refused = middle;
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_longest_name_is_found() {
        for limit in [0, 1, 14, 143, 189, 254, 255, 1000] {
            let tries = Cell::new(0);
            let takes = |name: &str| {
                tries.set(tries.get() + 1);
                Ok::<_, ()>(name.len() <= limit)
            };
            assert_eq!(longest(255, takes), Ok(limit.min(255)));
            assert!(tries.get() <= if limit < 255 { 9 } else { 1 }, "{limit}: {} tries", tries.get());
        }
    }

    #[test]
    fn probing_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let dir = rustix::fs::open(folder.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let found = probe_by_creating(&dir).unwrap();
        assert_eq!(probe_by_lookup(&dir), found);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        std::fs::write(folder.path().join("x".repeat(found)), "").unwrap();
        assert_eq!(probe_by_creating(&dir).unwrap(), found, "a file from a killed run does no harm");
    }

    #[test]
    fn a_file_system_with_short_names_is_refused() {
        assert_eq!(limit(143).unwrap().bytes(), 143);
        let refused = limit(60).unwrap_err().to_string();
        assert!(refused.contains("at most 60 bytes") && refused.contains("choose a destination"), "{refused}");
    }
}
