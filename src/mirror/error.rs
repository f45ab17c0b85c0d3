//! What can go wrong on the disk, and whose problem it is.

use std::{io, path::Path};

use rustix::io::Errno;

use super::sys;

/// Whom an error concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The disk, and so every document: the run ends (exit 8).
    Disk,
    /// One document: it fails, the others go on.
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
    #[error("cannot {action} {path:?}: {source}{}", advice(source, *lack))]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what, relative to the destination.
        path: String,
        /// What the system said.
        source: io::Error,
        /// What a full disk has none left of, where somebody has looked.
        lack: Option<Lack>,
    },
    /// Something of the user's stands where a file or folder of the mirror belongs.
    #[error("{path:?} is {what}, which the mirror neither follows nor replaces; move it away and run again")]
    InTheWay {
        /// Where, relative to the destination.
        path: String,
        /// What stands there.
        what: &'static str,
    },
    /// Old bytes left the tree and did not reach `objects/`; they wait below `tmp/` for the replay.
    #[error("the old bytes of {path:?} could not be put into objects/: {source}")]
    NotHeld {
        /// Whose, relative to the destination.
        path: String,
        /// Why.
        source: Box<Error>,
    },
    /// The destination is not one that can be mirrored into.
    #[error("{0}")]
    Destination(String),
    /// Another command is at work on this mirror.
    #[error("another command is at work on this mirror{}; wait for it to end, or stop it", holder(*.0))]
    Locked(Option<u32>),
}

fn holder(process: Option<u32>) -> String {
    process.map(|id| format!(" (process {id})")).unwrap_or_default()
}

/// What a full disk has none left of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// Room for bytes.
    Bytes,
    /// Inodes: each file takes one, however small it is.
    Inodes,
}

impl Lack {
    /// Which of the two ends first where each file takes a block. A run that failed has freed a little of both.
    fn of(bytes: u64, inodes: Option<u64>) -> Self {
        const BLOCK: u64 = 4096;
        if inodes.is_some_and(|inodes| inodes.saturating_mul(BLOCK) < bytes) { Self::Inodes } else { Self::Bytes }
    }
}

fn advice(source: &io::Error, lack: Option<Lack>) -> &'static str {
    match errno(source) {
        Some(Errno::NOSPC) if lack == Some(Lack::Bytes) => "; free some space and run again, nothing is lost",
        Some(Errno::NOSPC) if lack == Some(Lack::Inodes) => {
            "; the disk has room for bytes but no inodes left for more files: delete or pack small files, or use a file system with more inodes, and run again, nothing is lost"
        }
        Some(Errno::NOSPC | Errno::DQUOT) => {
            "; free some space (or inodes, where `df -i` shows that none are left) and run again, nothing is lost"
        }
        Some(Errno::MFILE | Errno::NFILE) => {
            "; this process may not open more files: raise the limit (`ulimit -n`, `LimitNOFILE=` in a unit) and run again"
        }
        Some(Errno::FBIG) => {
            "; a limit on the size of files is reached: raise it (`ulimit -f`, `LimitFSIZE=` in a unit), or use a file system that takes larger files"
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
        Self::Io { action, path: path.into(), source: source.into(), lack: None }
    }

    /// A folder of the state can't be used: that is no matter of the document that it was used for.
    pub(super) fn of_state(action: &'static str, path: String, source: io::Error) -> Self {
        match Self::io(action, path, source) {
            error if error.kind() == ErrorKind::Document => Self::Destination(error.to_string()),
            error => error,
        }
    }

    /// The destination can't be reached: because of its disk, or because of what it is.
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
            ) => Self::Io { action, path: path.display().to_string(), source, lack: None },
            _ => Self::Destination(format!("cannot {action} {}: {source}", path.display())),
        }
    }

    /// The same error; if the disk of `dest` is full, it says of what.
    #[must_use]
    pub fn measured(self, dest: &Path) -> Self {
        match self {
            Self::Io { action, path, source, .. } if errno(&source) == Some(Errno::NOSPC) => {
                let room = std::fs::File::open(dest).and_then(sys::room).ok();
                let lack = room.map(|room| Lack::of(room.bytes, room.files));
                Self::Io { action, path, source, lack }
            }
            Self::NotHeld { path, source } => Self::NotHeld { path, source: Box::new(source.measured(dest)) },
            other => other,
        }
    }

    /// Whether the disk, or the user's part of it, is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if matches!(errno(source), Some(Errno::NOSPC | Errno::DQUOT)))
    }

    /// Whom the error concerns.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InTheWay { .. } => ErrorKind::Document,
            // Going on would forget the intent that knows where the bytes are.
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
                    // Somebody has the file open, on a file system that minds.
                    | Errno::BUSY
                    | Errno::TXTBSY
                    // Something else is mounted below the tree.
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
    fn what_a_full_disk_lacks() {
        #[rustfmt::skip]
        let table = [
            // bytes,    inodes,          what is missing
            (0,          None,            Lack::Bytes),
            (60_000_000, None,            Lack::Bytes), // a quota, or a large file
            (0,          Some(1_000_000), Lack::Bytes),
            (900_000,    Some(10_000),    Lack::Bytes),
            (60_000_000, Some(0),         Lack::Inodes),
            (60_000_000, Some(12),        Lack::Inodes),
            (0,          Some(0),         Lack::Bytes),
        ];
        for (bytes, inodes, expected) in table {
            assert_eq!(Lack::of(bytes, inodes), expected, "{bytes} bytes, {inodes:?} inodes");
        }
    }
}
