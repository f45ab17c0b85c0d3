//! What can go wrong with the state database.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Whose problem an error is, by exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The disk (exit 8).
    Disk,
    /// The database is damaged (exit 1).
    Damaged,
    /// The state is not this configuration's, or is newer than this program (exit 2).
    Refused,
    /// Another command is at work on it (exit 5).
    Busy,
    /// A fault of this program (exit 1).
    Internal,
}

/// An error of the state.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `SQLite` refused a statement.
    #[error("the state database failed: {0}{advice}", advice = advice(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// The schema could not be brought up to date.
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
        /// Whose mirror it is.
        found: String,
        /// Whose was asked for.
        wanted: String,
    },
    /// The disk failed while the kind of journal was changed.
    #[error(
        "the state database could not change its journal, and kept the kind {0:?}; check the disk, then run again, nothing is lost"
    )]
    Journal(String),
    /// A stored value can't be what this program wrote.
    #[error("the state database holds a value that it can't hold: {0}{advice}", advice = WAY_BACK)]
    Odd(String),
    /// `SQLite` found damage.
    #[error("the state database is damaged: {0}{advice}", advice = WAY_BACK)]
    Unsound(String),
    /// Something else stands where a file of the database belongs.
    #[error("{0} in .ibinder-sync is not a file{advice}", advice = WAY_BACK)]
    NotAFile(String),
    /// A temporary copy could not be made, or not be used.
    #[error(
        "a temporary copy of the state could not be kept in {}: {}; free some space there, or set TMPDIR to a folder with room that you may write to",
        .0.display(), .1
    )]
    Scratch(PathBuf, io::Error),
    /// A file of the database can't be looked at.
    #[error("cannot look at {}: {}; check the disk, and whether this user may read it", .0.display(), .1)]
    Look(PathBuf, io::Error),
    /// Another command holds all of it.
    #[error("another command holds the state database; wait until it has ended, then try again")]
    Busy,
    /// A file that nobody was to change has changed.
    #[error("a run changed the state while it was read; try again when the run has ended")]
    Changed,
}

/// What to do about damage.
const WAY_BACK: &str = "; nothing was touched. `ibinder-sync recover --dest DIR` puts the last good copy of the state in place, and where there is none, `ibinder-sync adopt --dest DIR` makes a new state for the files that are there";

fn advice(error: &rusqlite::Error) -> &'static str {
    match sqlite_kind(error) {
        ErrorKind::Disk => disk_advice(error.sqlite_error_code()),
        ErrorKind::Damaged => WAY_BACK,
        ErrorKind::Busy => "; another command is at work on it: wait until it has ended, then try again",
        ErrorKind::Refused | ErrorKind::Internal => "",
    }
}

/// `SQLite` keeps the system's error to itself. It says FULL of a full disk alone; a file that may not be opened is
/// CANTOPEN, whatever the reason, and one that may not grow is IOERR, as is a disk that fails.
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

/// Whether another folder for temporary files is the way out, rather than more room.
fn is_of_the_setting(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}

impl Error {
    /// A temporary copy could not be made.
    pub fn scratch(copy: &Path, error: io::Error) -> Self {
        let folder = std::env::temp_dir();
        Self::Scratch(if copy.starts_with(&folder) { folder } else { copy.to_owned() }, error)
    }

    /// The same error, if it is of a temporary copy: then what is full is another disk.
    #[must_use]
    pub fn in_copy(self, copy: &Path) -> Self {
        match self {
            Self::Sqlite(error) if sqlite_kind(&error) == ErrorKind::Disk => {
                Self::scratch(copy, io::Error::other(error))
            }
            other => other,
        }
    }

    /// Whose problem it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Newer | Self::OtherOrganisation { .. } => ErrorKind::Refused,
            Self::Odd(_) | Self::Unsound(_) | Self::NotAFile(_) => ErrorKind::Damaged,
            Self::Scratch(_, error) if is_of_the_setting(error) => ErrorKind::Refused,
            Self::Scratch(..) | Self::Look(..) | Self::Journal(_) => ErrorKind::Disk,
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
    fn what_to_do_about_a_disk() {
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
