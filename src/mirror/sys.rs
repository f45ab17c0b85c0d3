//! System calls that differ between kernels and file systems, with their fallbacks.
//!
//! Nothing here knows documents. Every function takes an open folder and one name in it, so no path can lead through a
//! planted link.

use std::io;

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, FileType, Mode, OFlags, RenameFlags},
    io::Errno,
};

use crate::{
    failpoints::{self, Point},
    model::Stamp,
};

/// What a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// Nothing.
    Nothing,
    /// A regular file.
    File(Stamp),
    /// Something else, as text.
    Other(&'static str),
}

/// Looks up a name without following a link.
pub(super) fn look(dir: impl AsFd, name: &str) -> io::Result<EntryKind> {
    let stat = match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        // A name that the file system refuses doesn't exist.
        Err(Errno::NOENT | Errno::NAMETOOLONG) => return Ok(EntryKind::Nothing),
        Err(error) => return Err(error.into()),
    };
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => EntryKind::File(stamp(&stat)),
        FileType::Directory => EntryKind::Other("a folder"),
        FileType::Symlink => EntryKind::Other("a symbolic link"),
        _ => EntryKind::Other("a special file"),
    })
}

/// The stamp of an open file.
pub(super) fn stamp_of(file: impl AsFd) -> io::Result<Stamp> {
    Ok(stamp(&rustix::fs::fstat(file)?))
}

#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::unnecessary_cast,
    reason = "the types of these fields differ between architectures"
)]
fn stamp(stat: &rustix::fs::Stat) -> Stamp {
    let mtime = (stat.st_mtime as i64).saturating_mul(1_000_000_000).saturating_add(stat.st_mtime_nsec as i64);
    Stamp { inode: stat.st_ino, size: stat.st_size as u64, mtime }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// Opens the folder at a relative path below `root`, and refuses symbolic links on the way.
pub(super) fn open_folder(root: impl AsFd, path: &str) -> rustix::io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::ResolveFlags;
        let flags = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&root, path, FOLDER, Mode::empty(), flags) {
            // Kernels before 5.6 and some sandboxes lack the call, so walk instead.
            Err(Errno::NOSYS | Errno::PERM) => {}
            other => return other,
        }
    }
    walk(root, path)
}

fn walk(root: impl AsFd, path: &str) -> rustix::io::Result<OwnedFd> {
    let mut dir = rustix::fs::openat(root, ".", FOLDER, Mode::empty())?;
    for step in path.split('/') {
        dir = rustix::fs::openat(&dir, step, FOLDER, Mode::empty())?;
    }
    Ok(dir)
}

/// Renames to a name only if it is free; otherwise `Errno::EXIST`. Completes a rename by link and unlink that was
/// interrupted in between.
pub(super) fn rename_to_free(
    from: impl AsFd,
    old: &str,
    to: impl AsFd,
    new: &str,
    capable: bool,
) -> rustix::io::Result<()> {
    match rename_or_link(&from, old, &to, new, capable) {
        Err(Errno::EXIST) if is_linked_twice(&from, old, &to, new)? => {
            rustix::fs::unlinkat(from, old, AtFlags::empty())
        }
        other => other,
    }
}

/// Whether two names are hard links to one file. On a case-insensitive file system they may be the same name.
fn is_linked_twice(from: impl AsFd, old: &str, to: impl AsFd, new: &str) -> rustix::io::Result<bool> {
    let stat = |dir: &dyn AsFd, name: &str| rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
    let (one, other) = (stat(&from, old)?, stat(&to, new)?);
    if (one.st_dev, one.st_ino) != (other.st_dev, other.st_ino) || one.st_nlink < 2 {
        return Ok(false);
    }
    let (source, target) = (rustix::fs::fstat(&from)?, rustix::fs::fstat(&to)?);
    if (source.st_dev, source.st_ino) != (target.st_dev, target.st_ino) {
        return Ok(true);
    }
    let mut found = [false; 2];
    for entry in rustix::fs::Dir::read_from(&to)? {
        let entry = entry?;
        found[0] |= entry.file_name().to_bytes() == old.as_bytes();
        found[1] |= entry.file_name().to_bytes() == new.as_bytes();
    }
    Ok(found == [true; 2])
}

fn rename_or_link(from: impl AsFd, old: &str, to: impl AsFd, new: &str, capable: bool) -> rustix::io::Result<()> {
    if capable {
        match rustix::fs::renameat_with(&from, old, &to, new, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            other => return other,
        }
    }
    // A hard link is refused if the name exists, so link and unlink give the same guarantee.
    match rustix::fs::linkat(&from, old, &to, new, AtFlags::empty()) {
        Ok(()) => {
            failpoints::point(Point::Linked, new);
            rustix::fs::unlinkat(&from, old, AtFlags::empty())
        }
        // Some SMB servers have neither, so check first. Only the lock's holder writes here.
        Err(Errno::PERM | Errno::NOTSUP | Errno::NOSYS | Errno::MLINK) => match look(&to, new) {
            Ok(EntryKind::Nothing) => rustix::fs::renameat(from, old, to, new),
            Ok(_) => Err(Errno::EXIST),
            Err(error) => Err(error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)),
        },
        Err(error) => Err(error),
    }
}

/// Swaps two names atomically; `false` if the file system can't.
pub(super) fn exchange(a: impl AsFd, name: &str, b: impl AsFd, other: &str) -> rustix::io::Result<bool> {
    match rustix::fs::renameat_with(a, name, b, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the file system is a network file system, on which WAL and `syncfs` are unreliable.
pub(super) fn is_network(dir: impl AsFd) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    {
        const NETWORKED: [i64; 9] = [
            0x6969,      // NFS
            0x517B,      // SMB
            0xFF53_4D42, // CIFS
            0xFE53_4D42, // SMB2
            0x6573_5546, // FUSE: sshfs, rclone mount and the like
            0x0102_1997, // 9p
            0x5346_414F, // AFS
            0x00C3_6400, // Ceph
            0x0BD0_0BD0, // Lustre
        ];
        #[allow(clippy::unnecessary_cast, reason = "the type of this field differs between architectures")]
        let kind = rustix::fs::fstatfs(dir)?.f_type as i64;
        // Some architectures sign-extend the 32-bit magic numbers.
        Ok(NETWORKED.contains(&(kind & 0xFFFF_FFFF)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = dir;
        Ok(false)
    }
}

/// The space and inodes that an ordinary user may still use.
pub(super) struct FreeSpace {
    pub(super) bytes: u64,
    /// `None` if inodes are unlimited.
    pub(super) files: Option<u64>,
}

/// The free space.
pub(super) fn free_space(dir: impl AsFd) -> io::Result<FreeSpace> {
    let stat = rustix::fs::fstatvfs(dir)?;
    Ok(FreeSpace {
        bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        files: (stat.f_files > 0).then_some(stat.f_favail),
    })
}

/// Makes everything written to the file system so far durable; `false` if only `fsync` of each file can guarantee that.
pub(super) fn sync_all(root: impl AsFd) -> rustix::io::Result<bool> {
    #[cfg(target_os = "linux")]
    {
        rustix::fs::syncfs(root)?;
        Ok(true)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = root;
        Ok(false)
    }
}

/// Makes a folder's names durable. Some network file systems don't support this, and keep names in order by themselves.
pub(super) fn sync_folder(dir: impl AsFd) -> rustix::io::Result<()> {
    match rustix::fs::fsync(dir) {
        Err(Errno::INVAL) => Ok(()),
        other => other,
    }
}

/// Announces that a file will be read sequentially.
pub(super) fn read_ahead(file: impl AsFd) {
    #[cfg(target_os = "linux")]
    {
        // Only a hint: without it reading is slower.
        let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Sequential);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// Lets the disk begin to write this part of a file. Without it nothing is written until the next barrier, which then takes
/// as long as the disk needs for all of it.
pub(super) fn write_back(file: impl AsFd, from: u64, len: u64) {
    #[cfg(target_os = "linux")]
    {
        // A hint, too: pages that are dirty are not dropped by it, but written.
        let _ = rustix::fs::fadvise(file, from, std::num::NonZeroU64::new(len), rustix::fs::Advice::DontNeed);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, from, len);
}

/// Whether `syncfs` reports write errors on this kernel (Linux 5.8 and later).
pub(super) fn sync_all_reports_errors() -> bool {
    if cfg!(not(target_os = "linux")) {
        return false;
    }
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (5, 8)
}
