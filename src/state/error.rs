//! What can go wrong with the state database.

use rusqlite::ErrorCode;

/// Whose problem an error is, by exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The disk (exit 8).
    Disk,
    /// The database is damaged (exit 1).
    Damaged,
    /// The state is not this configuration's, or is newer than this program (exit 2).
    Refused,
    /// A fault of this program (exit 1).
    Internal,
}

/// An error of the state.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `SQLite` refused a statement.
    #[error("the state database failed: {0}{advice}", advice = advice(sqlite_kind(.0)))]
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
    /// A database with a journal is looked at in a copy, which could not be made.
    #[error(
        "the state database could not be copied to look at it: {0}; free some space for temporary files, or give this user access to the state"
    )]
    Scratch(std::io::Error),
}

/// What to do about damage.
const WAY_BACK: &str = "; nothing was touched. `ibinder-sync recover --dest DIR` puts the last good copy of the state in place, and where there is none, `ibinder-sync adopt --dest DIR` makes a new state for the files that are there";

fn advice(kind: Kind) -> &'static str {
    match kind {
        Kind::Disk => "; free some space or check the disk, then run again, nothing is lost",
        Kind::Damaged => WAY_BACK,
        Kind::Refused | Kind::Internal => "",
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

impl Error {
    /// Whose problem it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Newer | Self::OtherOrganisation { .. } => Kind::Refused,
            Self::Odd(_) | Self::Unsound(_) | Self::NotAFile(_) => Kind::Damaged,
            Self::Scratch(_) | Self::Journal(_) => Kind::Disk,
            Self::Migration(_) => Kind::Internal,
            Self::Sqlite(error) => sqlite_kind(error),
        }
    }
}

fn sqlite_kind(error: &rusqlite::Error) -> Kind {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied,
        ) => Kind::Disk,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Kind::Damaged,
        _ => Kind::Internal,
    }
}
