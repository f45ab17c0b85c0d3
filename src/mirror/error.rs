//! Errors of the disk, and what they affect.

use std::{io, path::Path};

use rustix::io::Errno;

use super::sys;

/// What an error affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The disk, and therefore every document: the run ends (exit 8).
    Disk,
    /// One document: it fails and the others continue.
    Document,
    /// The destination can't be used as it is (exit 2).
    Destination,
    /// Another command holds the lock (exit 5).
    Locked,
}

/// An error of the tree.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused an operation.
    #[error("cannot {action} {path:?}: {source}{}", advice(source, *shortage))]
    Io {
        /// The attempted action, as a verb.
        action: &'static str,
        /// The path, relative to the destination.
        path: String,
        /// The system's error.
        source: io::Error,
        /// What a full disk has run out of, if known.
        shortage: Option<Shortage>,
    },
    /// Something that isn't the mirror's is where a file or folder of the mirror belongs.
    #[error("{path:?} is {what}, which the mirror neither follows nor replaces; move it away and run again")]
    InTheWay {
        /// The path, relative to the destination.
        path: String,
        /// What is there.
        what: &'static str,
    },
    /// Old bytes left the tree and did not reach `objects/`; they stay below `tmp/` until the replay.
    #[error("the old bytes of {path:?} could not be put into objects/: {source}")]
    NotHeld {
        /// The path, relative to the destination.
        path: String,
        /// The system's error.
        source: Box<Error>,
    },
    /// The destination can't be used for a mirror.
    #[error("{0}")]
    Destination(String),
    /// Another command has locked this mirror.
    #[error("another command is at work on this mirror{}; wait for it to end, or stop it", holder(*.0))]
    Locked(Option<u32>),
}

fn holder(process: Option<u32>) -> String {
    process.map(|id| format!(" (process {id})")).unwrap_or_default()
}

/// What a full disk has run out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// Space.
    Bytes,
    /// Inodes: each file needs one, however small it is.
    Inodes,
}

impl Shortage {
    /// Which of the two runs out first if each file needs a block. A failed run has freed a little of both.
    fn of(bytes: u64, inodes: Option<u64>) -> Self {
        const BLOCK: u64 = 4096;
        if inodes.is_some_and(|inodes| inodes.saturating_mul(BLOCK) < bytes) { Self::Inodes } else { Self::Bytes }
    }
}

fn advice(source: &io::Error, shortage: Option<Shortage>) -> &'static str {
    match errno(source) {
        Some(Errno::NOSPC) if shortage == Some(Shortage::Bytes) => "; free some space and run again, nothing is lost",
        Some(Errno::NOSPC) if shortage == Some(Shortage::Inodes) => {
            "; the disk has room for bytes but no inodes left for more files: delete or pack small files, or use a file system with more inodes, and run again, nothing is lost"
        }
        Some(Errno::NOSPC | Errno::DQUOT) => {
            "; free some space (or inodes, where `df -i` shows that none are left) and run again, nothing is lost"
        }
        Some(Errno::MFILE | Errno::NFILE) => {
            "; this process may not open more files: raise the limit (`ulimit -n`, `LimitNOFILE=` in a unit) and run again"
        }
        Some(Errno::FBIG) => {
            "; a limit on the size of files is reached: raise it (`ulimit -f`, `LimitFSIZE=` in a unit), or use a file system that allows larger files"
        }
        Some(Errno::ROFS) => "; mount the disk writable and run again",
        Some(Errno::NOENT | Errno::STALE | Errno::NOTCONN | Errno::NODEV | Errno::NXIO) => {
            "; is the disk still mounted? Run again when it is"
        }
        Some(Errno::IO) => "; check the disk, then run again",
        Some(Errno::ACCESS | Errno::PERM) => "; give this user access to it and run again",
        _ => "",
    }
}

fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

impl Error {
    pub(super) fn io(action: &'static str, path: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.into(), source: source.into(), shortage: None }
    }

    /// An error of the state folder, which doesn't depend on the document that was being handled.
    pub(super) fn of_state(action: &'static str, path: String, source: io::Error) -> Self {
        match Self::io(action, path, source) {
            error if error.kind() == ErrorKind::Document => Self::Destination(error.to_string()),
            error => error,
        }
    }

    /// The destination can't be reached, because of its disk or because of what it is.
    pub(super) fn destination(action: &'static str, path: &Path, source: io::Error) -> Self {
        match errno(&source) {
            Some(
                Errno::IO
                | Errno::NOSPC
                | Errno::DQUOT
                | Errno::ROFS
                | Errno::STALE
                | Errno::NOTCONN
                | Errno::NODEV
                | Errno::NXIO
                | Errno::MFILE
                | Errno::NFILE,
            ) => Self::Io { action, path: path.display().to_string(), source, shortage: None },
            _ => Self::Destination(format!("cannot {action} {}: {source}", path.display())),
        }
    }

    /// The same error; if the disk of `dest` is full, with what it has run out of.
    #[must_use]
    pub fn with_shortage(self, dest: &Path) -> Self {
        match self {
            Self::Io { action, path, source, .. } if errno(&source) == Some(Errno::NOSPC) => {
                let free = std::fs::File::open(dest).and_then(sys::free_space).ok();
                let shortage = free.map(|free| Shortage::of(free.bytes, free.files));
                Self::Io { action, path, source, shortage }
            }
            Self::NotHeld { path, source } => Self::NotHeld { path, source: Box::new(source.with_shortage(dest)) },
            other => other,
        }
    }

    /// Whether the disk, or the user's quota, is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if matches!(errno(source), Some(Errno::NOSPC | Errno::DQUOT)))
    }

    /// What the error affects.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InTheWay { .. } => ErrorKind::Document,
            // Continuing would lose the intent that knows where the bytes are.
            Self::NotHeld { .. } => ErrorKind::Disk,
            Self::Destination(_) => ErrorKind::Destination,
            Self::Locked(_) => ErrorKind::Locked,
            Self::Io { source, .. } => match errno(source) {
                Some(
                    Errno::LOOP
                    | Errno::NOTDIR
                    | Errno::ISDIR
                    | Errno::ACCESS
                    | Errno::PERM
                    | Errno::NAMETOOLONG
                    | Errno::EXIST
                    // Somebody has the file open on a file system that locks open files.
                    | Errno::BUSY
                    | Errno::TXTBSY
                    // Another file system is mounted inside the tree.
                    | Errno::XDEV
                    | Errno::NOTEMPTY
                    | Errno::INVAL
                    | Errno::ILSEQ,
                ) => ErrorKind::Document,
                _ => ErrorKind::Disk,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_full_disk_has_run_out_of() {
        #[rustfmt::skip]
        let table = [
            // bytes,    inodes,          what is missing
            (0,          None,            Shortage::Bytes),
            (60_000_000, None,            Shortage::Bytes), // a quota, or a large file
            (0,          Some(1_000_000), Shortage::Bytes),
            (900_000,    Some(10_000),    Shortage::Bytes),
            (60_000_000, Some(0),         Shortage::Inodes),
            (60_000_000, Some(12),        Shortage::Inodes),
            (0,          Some(0),         Shortage::Bytes),
        ];
        for (bytes, inodes, expected) in table {
            assert_eq!(Shortage::of(bytes, inodes), expected, "{bytes} bytes, {inodes:?} inodes");
        }
    }
}
