//! Errors of the state database.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Who has to act on an error, by exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The disk (exit 8).
    Disk,
    /// The database is damaged (exit 1).
    Damaged,
    /// The state belongs to another configuration, or is newer than this program (exit 2).
    Refused,
    /// Another command is using it (exit 5).
    Busy,
    /// A fault of this program (exit 1).
    Internal,
}

/// An error of the state.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `SQLite` rejected a statement.
    #[error("the state database failed: {0}{advice}", advice = advice(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// A migration failed.
    #[error("the state database could not be brought up to date: {0}")]
    Migration(rusqlite_migration::Error),
    /// The state was written by a newer version.
    #[error("the state was written by a newer ibinder-sync; install that version or a later one, nothing was touched")]
    Newer,
    /// The destination mirrors another organisation.
    #[error(
        "the destination mirrors organisation {found}, not {wanted}; choose another --dest, or set IBINDER_ORG_ID to it"
    )]
    OtherOrganisation {
        /// The organisation of the state.
        found: String,
        /// The organisation of the configuration.
        wanted: String,
    },
    /// The disk failed while the journal mode was changed.
    #[error(
        "the state database could not change its journal mode, which is still {0:?}; check the disk and run again, nothing is lost"
    )]
    Journal(String),
    /// A stored value is one that this program never writes.
    #[error("the state database contains an invalid value: {0}{advice}", advice = RECOVERY_HINT)]
    InvalidValue(String),
    /// `SQLite` found damage.
    #[error("the state database is damaged: {0}{advice}", advice = RECOVERY_HINT)]
    Damaged(String),
    /// A file of the database is not a file.
    #[error("{0} in .ibinder-sync is not a file{advice}", advice = RECOVERY_HINT)]
    NotAFile(String),
    /// A temporary copy could not be written or read.
    #[error(
        "cannot write a temporary copy of the state in {}: {}; free some space there, or set TMPDIR to a writable folder with more space",
        .0.display(), .1
    )]
    Scratch(PathBuf, io::Error),
    /// A file of the database can't be examined.
    #[error("cannot look at {}: {}; check the disk, and whether this user may read it", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    /// Another command has locked the database.
    #[error("another command has locked the state database; wait until it ends, then try again")]
    Busy,
    /// A state from a copy is damaged, or has something that no state has.
    #[error("the state from the copy can't be used: {}{why}; nothing was taken over. Try an earlier one, or another copy", place(*.at))]
    Import {
        /// The table, and the row: its number, or how many it is from the first one.
        at: Option<(&'static str, i64)>,
        /// What is wrong.
        why: String,
    },
    /// A file changed while it was read without locks.
    #[error("a run changed the state while it was read; try again when the run has ended")]
    Changed,
}

fn place(at: Option<(&str, i64)>) -> String {
    at.map(|(table, row)| format!("row {row} of {table}: ")).unwrap_or_default()
}

/// What to do about damage.
const RECOVERY_HINT: &str = "; nothing was changed. `ibinder-sync recover --dest DIR` restores the last good copy of the state; without one, `ibinder-sync adopt --dest DIR` builds a new state from the files";

fn advice(error: &rusqlite::Error) -> &'static str {
    match sqlite_kind(error) {
        ErrorKind::Disk => disk_advice(error.sqlite_error_code()),
        ErrorKind::Damaged => RECOVERY_HINT,
        ErrorKind::Busy => "; another command is using it: wait until it ends, then try again",
        ErrorKind::Refused | ErrorKind::Internal => "",
    }
}

/// `SQLite` doesn't pass on the system's error. FULL only means a full disk. CANTOPEN covers every reason why a file can't
/// be opened, and IOERR both failing disks and limits on file sizes.
fn disk_advice(code: Option<ErrorCode>) -> &'static str {
    match code {
        Some(ErrorCode::DiskFull) => "; free some space and run again, nothing is lost",
        Some(ErrorCode::CannotOpen) => {
            "; check that this user may write there, that the disk has inodes left (`df -i`), and that this process may open enough files (`ulimit -n`, `LimitNOFILE=` in a unit), then run again, nothing is lost"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "; check the disk, and whether a limit on the size of files is set (`ulimit -f`, `LimitFSIZE=` in a unit), then run again, nothing is lost"
        }
        _ => "; mount the disk writable, or give this user access to it, and run again, nothing is lost",
    }
}

impl From<rusqlite_migration::Error> for Error {
    fn from(error: rusqlite_migration::Error) -> Self {
        match error {
            rusqlite_migration::Error::MigrationDefinition(
                rusqlite_migration::MigrationDefinitionError::DatabaseTooFarAhead,
            ) => Self::Newer,
            rusqlite_migration::Error::RusqliteError { err, .. } => Self::Sqlite(err),
            other => Self::Migration(other),
        }
    }
}

/// Whether another folder for temporary files helps, rather than more space.
fn is_about_the_folder(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}

impl Error {
    /// Makes the error for a temporary copy that could not be written.
    pub fn scratch(copy: &Path, error: io::Error) -> Self {
        let folder = std::env::temp_dir();
        Self::Scratch(if copy.starts_with(&folder) { folder } else { copy.to_owned() }, error)
    }

    /// Attributes this error to a temporary copy if it is about disk space, since the copy may be on another disk.
    #[must_use]
    pub fn in_copy(self, copy: &Path) -> Self {
        match self {
            Self::Sqlite(error) if sqlite_kind(&error) == ErrorKind::Disk => {
                Self::scratch(copy, io::Error::other(error))
            }
            other => other,
        }
    }

    /// Who has to act on it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Newer | Self::OtherOrganisation { .. } => ErrorKind::Refused,
            Self::InvalidValue(_) | Self::Damaged(_) | Self::NotAFile(_) | Self::Import { .. } => ErrorKind::Damaged,
            Self::Scratch(_, error) if is_about_the_folder(error) => ErrorKind::Refused,
            Self::Scratch(..) | Self::Unreadable(..) | Self::Journal(_) => ErrorKind::Disk,
            Self::Busy | Self::Changed => ErrorKind::Busy,
            Self::Migration(_) => ErrorKind::Internal,
            Self::Sqlite(error) => sqlite_kind(error),
        }
    }
}

fn sqlite_kind(error: &rusqlite::Error) -> ErrorKind {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied,
        ) => ErrorKind::Disk,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Damaged,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::Busy,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disk_errors_say_what_to_do() {
        #[rustfmt::skip]
        let table = [
            (rusqlite::ffi::SQLITE_FULL,        "free some space"),
            (rusqlite::ffi::SQLITE_CANTOPEN,    "`ulimit -n`"),
            (rusqlite::ffi::SQLITE_IOERR_WRITE, "`ulimit -f`"),
            (rusqlite::ffi::SQLITE_READONLY,    "mount the disk writable"),
        ];
        for (code, words) in table {
            let error = Error::Sqlite(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None));
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Disk, "{code}");
            assert!(text.contains(words), "{code}: {text}");
            assert_eq!(text.contains("free some space"), code == rusqlite::ffi::SQLITE_FULL, "{text}");
        }
    }
}
