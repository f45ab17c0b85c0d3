//! Examines a destination, to find out why a run doesn't work and what the file system supports.
//!
//! Each feature is tried in a folder that is deleted at once: in the mirror's `tmp/` if there is a mirror, otherwise where
//! the mirror would be.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::fs::{CWD, RenameFlags};

use crate::{
    mirror::{
        DestinationKind, Error,
        root::survey,
        sys::{self, EntryKind},
    },
    model::STATE_FOLDER,
};

/// An examined destination.
#[derive(Debug)]
pub struct Examination {
    /// What it contains.
    pub survey: DestinationKind,
    /// The destination, or the nearest existing folder above it.
    pub folder: PathBuf,
    /// The file system of that folder.
    pub disk: Disk,
    /// What the file system supports.
    pub abilities: Result<Abilities, ProbeFailure>,
}

/// A file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// Its type, such as `ext4`; empty if unknown.
    pub kind: String,
    /// Its mount point; empty if unknown.
    pub mount: PathBuf,
    /// Whether it is reached over a network.
    pub network: bool,
    /// Free bytes.
    pub free: u64,
    /// Free inodes; `None` if there is no limit.
    pub free_files: Option<u64>,
}

/// What a file system supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an ability of its own")]
pub struct Abilities {
    /// How long it takes to make a small file durable.
    pub sync: Duration,
    /// Whether `a` and `A` are the same name.
    pub ignores_case: bool,
    /// Whether two names can be swapped.
    pub swaps: bool,
    /// Whether a rename onto an existing name can be refused.
    pub refuses_taken: bool,
    /// Whether one call makes everything durable.
    pub syncs_groups: bool,
}

/// An operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}", folder.display())]
pub struct ProbeFailure {
    doing: &'static str,
    folder: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

/// Examines a destination.
pub fn examine(destination: &Path) -> Result<Examination, Error> {
    let survey = survey(destination)?;
    let absolute =
        std::path::absolute(destination).map_err(|e| Error::destination("find the destination", destination, e))?;
    let folder = absolute.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned();
    let handle = File::open(&folder).map_err(|e| Error::destination("open the destination", &folder, e))?;
    let looked = sys::free_space(&handle).map_err(|e| Error::destination("look at the file system of", &folder, e))?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let (mount, kind) = mount_of(&mounts, &real).unwrap_or_default();
    let network = sys::is_network(&handle).unwrap_or(false);
    let disk = Disk { kind, mount, network, free: looked.bytes, free_files: looked.files };
    let abilities = match survey {
        DestinationKind::Mirror => try_in(&folder.join(STATE_FOLDER).join("tmp"), network),
        _ => try_in(&folder, network),
    };
    Ok(Examination { survey, folder, disk, abilities })
}

/// Tries each feature in a folder.
fn try_in(folder: &Path, network: bool) -> Result<Abilities, ProbeFailure> {
    let doing = |doing| move |source: io::Error| ProbeFailure { doing, folder: folder.to_owned(), source };
    let place = tempfile::Builder::new().prefix(".ibinder-sync-doctor-").tempdir_in(folder);
    let place = place.map_err(doing("create a folder in"))?;
    let path = |name: &str| place.path().join(name);
    let began = Instant::now();
    let write = |name: &str| -> io::Result<()> {
        let mut file = File::create_new(path(name))?;
        file.write_all(b"ibinder-sync")?;
        file.sync_all()
    };
    write("a").map_err(doing("write and flush a file in"))?;
    let sync = began.elapsed();
    write("b").map_err(doing("write and flush a file in"))?;
    let handle = File::open(place.path()).map_err(doing("open a folder in"))?;
    sys::sync_folder(&handle).map_err(|e| doing("flush a folder in")(e.into()))?;
    let ignores_case = matches!(sys::look(&handle, "A"), Ok(EntryKind::File(_)));
    let swaps = sys::exchange(&handle, "a", &handle, "b").unwrap_or(false);
    let rename = |flags| rustix::fs::renameat_with(CWD, path("a"), CWD, path("b"), flags);
    let refuses_taken = rename(RenameFlags::NOREPLACE) == Err(rustix::io::Errno::EXIST);
    rename(RenameFlags::empty()).map_err(|e| doing("rename a file in")(e.into()))?;
    place.close().map_err(doing("delete a folder in"))?;
    let syncs_groups = !network && sys::sync_all_reports_errors();
    Ok(Abilities { sync, ignores_case, swaps, refuses_taken, syncs_groups })
}

/// The mount point and file system type of a folder, from `/proc/self/mountinfo`. Of several mounts at one point the last
/// counts.
fn mount_of(mounts: &str, folder: &Path) -> Option<(PathBuf, String)> {
    let mounts = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        Some((PathBuf::from(unescape(place.split(' ').nth(4)?)), kind.split(' ').next()?.to_owned()))
    });
    mounts.filter(|(place, _)| folder.starts_with(place)).max_by_key(|(place, _)| place.components().count())
}

/// Decodes blanks and similar characters, which are written as `\040`.
fn unescape(text: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .into_iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}

/// The kernel and the architecture.
pub fn system() -> String {
    let name = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    format!("{} {} {}", text(name.sysname()), text(name.release()), text(name.machine()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_on_the_nearest_mount() {
        let mounts = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
            40 21 0:33 / /srv/my\\040disk rw - xfs /dev/sdb1 rw\n\
            41 21 0:34 / /srv/nas rw shared:7 - nfs4 nas:/x rw\n\
            42 21 0:35 / /srv/nas rw - cifs //nas/y rw\n\
            odd line\n";
        let table = [
            ("/srv/my disk/mirror", "/srv/my disk", "xfs"),
            ("/srv/nas", "/srv/nas", "cifs"),
            ("/srv/nasty", "/", "ext4"),
            ("/", "/", "ext4"),
        ];
        for (folder, mount, kind) in table {
            assert_eq!(mount_of(mounts, Path::new(folder)), Some((mount.into(), kind.to_owned())), "{folder}");
        }
        assert_eq!(mount_of("", Path::new("/")), None);
    }

    #[test]
    fn a_missing_folder_is_examined_at_its_parent_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let seen = examine(&folder.path().join("not/yet")).unwrap();
        assert_eq!((seen.survey, seen.folder.as_path()), (DestinationKind::Absent, folder.path()));
        let abilities = seen.abilities.unwrap();
        assert!(!abilities.ignores_case && abilities.refuses_taken, "{abilities:?}");
        assert!(seen.disk.free > 0 && !seen.disk.kind.is_empty(), "{:?}", seen.disk);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
