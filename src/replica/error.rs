//! Why a copy could not be written or read.

use std::path::PathBuf;

use super::store::{ErrorKind, StoreError};
use crate::{history::BadManifest, mirror, state};

/// Why work with a copy failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The mirror's disk.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The mirror's state, or a copy of one.
    #[error(transparent)]
    State(#[from] state::Error),
    /// A temporary file.
    #[error("{what} {}: {source}", path.display())]
    Scratch {
        /// What was done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// There is no copy.
    #[error("there is no copy at {0}: no commit is there; `ibinder-sync replicate --to {0}` makes one")]
    NoCopy(String),
    /// The copy is another organisation's.
    #[error(
        "the copy at {location} is that of organisation {theirs}, and this mirror has organisation {ours}; give each mirror its own prefix. Nothing was written"
    )]
    OtherOrganisation {
        /// Where the copy is.
        location: String,
        /// Its organisation.
        theirs: String,
        /// The mirror's.
        ours: String,
    },
    /// The commits that this mirror made are gone.
    #[error(
        "commit {number}, which this mirror made, is no longer at {location}; is the disk mounted, is it the right place? If the copy was deleted on purpose, `ibinder-sync replicate --accept` makes a new one. Nothing was written"
    )]
    Vanished {
        /// Where the copy was.
        location: String,
        /// The last commit.
        number: u64,
    },
    /// The copy was made by another mirror of the organisation.
    #[error(
        "the copy at {location} was made by another mirror of the organisation: its last run, {run}, is not one of this mirror's. If that mirror is lost, `ibinder-sync recover --from {location}` brings it back with its history; `ibinder-sync replicate --accept` goes on with this one. Nothing was written"
    )]
    OtherMirror {
        /// Where the copy is.
        location: String,
        /// The run in its highest commit.
        run: String,
    },
    /// A commit can't be read.
    #[error("commit {number} of the copy can't be used: {why}")]
    BadCommit {
        /// Its number.
        number: u64,
        /// What is wrong.
        why: String,
    },
    /// A newer program wrote the copy.
    #[error("the copy has format {0}, which this program can't read; use a newer ibinder-sync")]
    NewerCopy(u32),
    /// A file that a commit names is missing.
    #[error("{0} is missing in the copy although a commit names it")]
    MissingFile(String),
    /// A file that a commit names has other bytes.
    #[error("{key} in the copy is damaged: {why}")]
    DamagedFile {
        /// Its key.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// A manifest can't be read.
    #[error("{0}: {1}")]
    Manifest(String, BadManifest),
    /// The clocks differ too much to compare times.
    #[error(
        "the store's clock and this machine's differ by about {hours} hours, so nothing was deleted: ages can't be trusted; set this machine's clock"
    )]
    Clocks {
        /// By how much.
        hours: i64,
    },
    /// The commit with which a recovery was begun is gone.
    #[error(
        "this recovery was begun with commit {number} of the copy, which is no longer there or is another one; delete what was recovered so far, then begin again"
    )]
    CommitGone {
        /// Its number.
        number: u64,
    },
    /// A recovery was begun from elsewhere.
    #[error(
        "this recovery was begun from the copy at {begun}; go on with that one, or delete what was recovered so far"
    )]
    OtherCopy {
        /// Where that copy is.
        begun: String,
    },
    /// The mirror has no finished run.
    #[error("nothing is mirrored yet, so that there is nothing to copy; `ibinder-sync run` comes first")]
    NothingMirrored,
    /// A fault of the program.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A file of the copy that can't be unpacked: because the store failed, or else because it is damaged.
    pub(super) fn of_reading(key: &str, error: &std::io::Error) -> Self {
        let store = error.get_ref().and_then(|inner| inner.downcast_ref::<StoreError>());
        store.map_or_else(
            || Self::DamagedFile { key: key.to_owned(), why: error.to_string() },
            |store| Self::Store(store.clone()),
        )
    }

    /// Whether a file that a commit names is missing or damaged.
    pub(super) fn is_of_a_file(&self) -> bool {
        matches!(self, Self::MissingFile(_) | Self::DamagedFile { .. } | Self::Manifest(..))
    }

    /// Whether a commit, or a file that it names, can't be used, so that another commit may be.
    pub(super) fn is_of_a_commit(&self) -> bool {
        let damaged = |error: &state::Error| {
            matches!(error, state::Error::Import { .. }) || error.kind() == state::ErrorKind::Damaged
        };
        self.is_of_a_file() || matches!(self, Self::BadCommit { .. }) || matches!(self, Self::State(e) if damaged(e))
    }

    /// Whether the work was ended from outside.
    pub fn is_stopped(&self) -> bool {
        matches!(self, Self::Store(error) if error.kind == ErrorKind::Stopped)
    }
}
