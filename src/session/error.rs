//! The errors of commands, with their exit codes.

use std::path::PathBuf;

use crate::{
    catalogue::{self, Refused},
    config, find, handover,
    history::{self, NoSuchTime},
    mirror, remote,
    replica::{self, RecoveryMark},
    report::FailureCause,
    session::{Exit, MAX_PATH},
    state,
    sync::Fatal,
    verify,
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// A fatal error.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The destination contains files but no state.
    #[error(
        "{} contains files that are not a mirror; use an empty folder or one that does not exist yet, or if they came from a mirror, adopt them with `ibinder-sync adopt --dest {}`. Nothing was touched",
        .0.display(),
        .0.display()
    )]
    Foreign(PathBuf),
    /// The destination is inside a mirror.
    #[error(
        "{} is inside the mirror {}, which must contain nothing but iBinder's documents; give each mirror its own folder",
        .0.display(),
        .1.display()
    )]
    Nested(PathBuf, PathBuf),
    /// A mirror is inside the destination.
    #[error("{} contains the mirror {}; give each mirror its own folder", .0.display(), .1.display())]
    Above(PathBuf, PathBuf),
    /// The destination's path is too long for the state.
    #[error("the path of the destination has {0} bytes, but SQLite supports at most {MAX_PATH}; choose a shorter one")]
    LongPath(usize),
    /// The destination can't be read.
    #[error("cannot read {}: {}", .0.display(), .1)]
    Look(PathBuf, std::io::Error),
    /// The state folder exists, but not its database.
    #[error(
        "{}/.ibinder-sync has no state.db, or an empty one, but there are files beside it: the state was lost. `ibinder-sync recover --dest {}` restores its last copy; if there is none, `ibinder-sync adopt --dest {}` creates a new state for the files. Nothing was changed",
        .0.display(),
        .0.display(),
        .0.display()
    )]
    StateLost(PathBuf),
    /// A recovery from a copy was begun.
    #[error(
        "the recovery of {} from a copy was begun and is not complete; go on with `ibinder-sync recover --from {from} --dest {}`, or empty the folder. Nothing was changed",
        dest.display(),
        dest.display()
    )]
    Recovering {
        /// The destination.
        dest: PathBuf,
        /// Where the copy is, as far as that is known.
        from: String,
    },
    /// A mirror can't be recovered into this folder.
    #[error(
        "a mirror is recovered into an empty folder or one that does not exist yet, and {} {why}. Nothing was changed",
        dest.display()
    )]
    NotEmpty {
        /// The destination.
        dest: PathBuf,
        /// What it has, and what else would help.
        why: String,
    },
    /// `--existing` is set, but there is no mirror.
    #[error(
        "{} contains no mirror, but `existing` is set; is the disk mounted? For the first run: `ibinder-sync run --first`",
        .0.display()
    )]
    NotExisting(PathBuf),
    /// `--first` is given, but there is a mirror.
    #[error("{} already contains a mirror; --first and --sample are for the first run. Nothing was changed", .0.display())]
    NotFirst(PathBuf),
    /// A command needs a mirror, but there is none.
    #[error("{} contains no mirror; `ibinder-sync run --dest {}` creates one", .0.display(), .0.display())]
    NoMirror(PathBuf),
    /// The state needs no recovery.
    #[error(
        "the state of {} is sound, nothing was changed; use --force to restore its last copy anyway",
        .0.display()
    )]
    Sound(PathBuf),
    /// No copy of the state is usable.
    #[error(
        "{}/.ibinder-sync/copies has no undamaged copy of the state; `ibinder-sync adopt --dest {}` creates a new state for the existing files. Nothing was changed",
        .0.display(),
        .0.display()
    )]
    NoCopy(PathBuf),
    /// A copy of the state can't be restored.
    #[error("cannot copy {}: {}; the state was not changed", .0.display(), .1)]
    Copy(PathBuf, std::io::Error),
    /// A binder can't be forgotten.
    #[error("{0}")]
    Binder(String),
    /// No document of the mirror has this id, path or name.
    #[error("the mirror has no document {0:?}; {1}")]
    NoDocument(String, String),
    /// Several things have this name.
    #[error("{0:?} is not unique, so nothing was done; give the path or id of one of these:{1}")]
    Ambiguous(String, String),
    /// No run failed on a document.
    #[error("document {0:?} is not missing: the last runs did not fail on it; `last-run.json` has the ids of failures")]
    NothingMissing(String),
    /// No removal can be confirmed.
    #[error("no removal waits for a confirmation, so nothing was confirmed; see `ibinder-sync withheld --dest {}`", dest.display())]
    NothingWithheld {
        /// The mirror.
        dest: PathBuf,
    },
    /// The hash is not that of the withheld documents.
    #[error(
        "{hash:?} is not the hash of the documents that are withheld now, so nothing was confirmed: the set has changed, or `withheld` was given another --binder. Look again: `ibinder-sync withheld --dest {}{}`",
        dest.display(),
        binder.as_deref().map(|binder| format!(" --binder {binder:?}")).unwrap_or_default()
    )]
    OtherRemovals {
        /// What was given.
        hash: String,
        /// The mirror.
        dest: PathBuf,
        /// The binder that was given.
        binder: Option<String>,
    },
    /// Another file is at the document's path.
    #[error(
        "the file at {0:?} was not written by the mirror; delete or move it yourself, then purge again. Nothing was purged"
    )]
    NotItsFile(String),
    /// There is no terminal to ask at.
    #[error("nothing was removed: without a terminal, `{0}` needs --yes")]
    NotConfirmed(&'static str),
    /// A question has no answer.
    #[error("the questions were not answered to the end; nothing was written")]
    Unanswered,
    /// The tree is newer than the state.
    #[error(
        "the state of {} was recovered and is older than the files; nothing was changed. First run `ibinder-sync run --dest {}`",
        .0.display(), .0.display()
    )]
    RunFirst(PathBuf),
    /// A command can't be run under the lock.
    #[error("{0}; write it after two dashes: `ibinder-sync with-lock --dest DIR -- rsync -a …`")]
    Command(String),
    /// A time matches no run.
    #[error(transparent)]
    NoSuchTime(#[from] NoSuchTime),
    /// The requested document was never mirrored, or not at that time.
    #[error("{0}")]
    Unknown(String),
    /// A requested file can't be written.
    #[error("cannot write {}: {}", .0.display(), .1)]
    Output(PathBuf, std::io::Error),
    /// A catalogue can't be written.
    #[error(transparent)]
    Catalogue(catalogue::Error),
    /// Something else has the name of a file of the catalogue.
    #[error(transparent)]
    Obstacle(history::Error),
    /// A bag can't be made.
    #[error(transparent)]
    Handover(handover::Error),
    /// A copy can't be written or read.
    #[error(transparent)]
    Copying(replica::Error),
    /// A folder can't be served.
    #[error("cannot serve the folder {}: {}", .0.display(), .1)]
    Folder(PathBuf, std::io::Error),
    /// A manual page can't be written.
    #[error("cannot write {}: {}; give --to a folder that you may write to", .0.display(), .1)]
    Pages(PathBuf, std::io::Error),
    /// The sandbox can't serve.
    #[error("the sandbox can't serve: {0}")]
    Sandbox(std::io::Error),
    /// The end of a run could not be recorded.
    #[error("the end of the run could not be recorded: {0}")]
    Unwritten(Box<Error>),
    /// The limit of open files is too low.
    #[error(
        "this process may open {0} files at once, but needs at least {1}; raise the limit (`ulimit -n {1}`, `LimitNOFILE=` in a unit)"
    )]
    FewFiles(u64, u64),
    /// The runtime can't start.
    #[error("the program can't start: {0}")]
    Runtime(std::io::Error),
}

impl From<mirror::Error> for Error {
    fn from(error: mirror::Error) -> Self {
        Self::Fatal(error.into())
    }
}

impl From<state::Error> for Error {
    fn from(error: state::Error) -> Self {
        Self::Fatal(error.into())
    }
}

impl From<verify::Error> for Error {
    fn from(error: verify::Error) -> Self {
        Self::Fatal(error.into())
    }
}

impl From<remote::Error> for Error {
    fn from(error: remote::Error) -> Self {
        Self::Fatal(error.into())
    }
}

impl From<catalogue::Error> for Error {
    fn from(error: catalogue::Error) -> Self {
        match error {
            catalogue::Error::State(error) => error.into(),
            other => Self::Catalogue(other),
        }
    }
}

impl From<find::Error> for Error {
    fn from(error: find::Error) -> Self {
        match error {
            find::Error::Mirror(error) => error.into(),
            find::Error::State(error) => error.into(),
        }
    }
}

impl From<history::Error> for Error {
    fn from(error: history::Error) -> Self {
        match error {
            history::Error::Mirror(error) => error.into(),
            history::Error::State(error) => error.into(),
            history::Error::NotItsFile(path) => Self::NotItsFile(path),
            history::Error::CatalogueObstacle(_) => Self::Obstacle(error),
            history::Error::Compress(_) => Self::Fatal(Fatal::Internal(error.to_string())),
        }
    }
}

impl From<handover::Error> for Error {
    fn from(error: handover::Error) -> Self {
        match error {
            handover::Error::Mirror(error) => error.into(),
            handover::Error::State(error) => error.into(),
            handover::Error::Catalogue(error) => error.into(),
            other => Self::Handover(other),
        }
    }
}

impl From<replica::Error> for Error {
    fn from(error: replica::Error) -> Self {
        match error {
            replica::Error::Mirror(error) => error.into(),
            replica::Error::State(error) => error.into(),
            other => Self::Copying(other),
        }
    }
}

impl Error {
    /// The refusal of a destination whose recovery was begun.
    pub fn recovering(dest: &std::path::Path) -> Self {
        let from = RecoveryMark::at(dest).map_or_else(|| "URL".to_owned(), |mark| mark.from);
        Self::Recovering { dest: dest.to_owned(), from }
    }

    /// The same error; if the disk of `dest` is full, with the reason.
    #[must_use]
    pub fn with_shortage(self, dest: &std::path::Path) -> Self {
        match self {
            Self::Fatal(fatal) => Self::Fatal(fatal.with_shortage(dest)),
            other => other,
        }
    }

    /// Whether the state is damaged or lost, so that nothing is known about the files.
    pub fn is_of_the_state(&self) -> bool {
        match self {
            Self::StateLost(_) => true,
            Self::Fatal(Fatal::State(error)) => error.kind() == state::ErrorKind::Damaged,
            _ => false,
        }
    }

    /// The word for it in reports.
    pub fn cause(&self) -> FailureCause {
        if let Self::Fatal(fatal) = self { fatal.cause() } else { FailureCause::Run }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_)
            | Self::FewFiles(..)
            | Self::Foreign(_)
            | Self::Recovering { .. }
            | Self::NotEmpty { .. }
            | Self::NotExisting(_)
            | Self::NotFirst(_)
            | Self::NoMirror(_)
            | Self::Sound(_)
            | Self::Binder(_)
            | Self::NoSuchTime(_)
            | Self::Unknown(_)
            | Self::Command(_)
            | Self::RunFirst(_)
            | Self::NoDocument(..)
            | Self::Ambiguous(..)
            | Self::NotConfirmed(_)
            | Self::Unanswered
            | Self::Nested(..)
            | Self::Above(..)
            | Self::LongPath(_)
            | Self::Look(..)
            | Self::NothingMissing(_)
            | Self::NothingWithheld { .. }
            | Self::OtherRemovals { .. }
            | Self::NotItsFile(_)
            | Self::Obstacle(_)
            | Self::Catalogue(catalogue::Error::Sidecars(Refused::NotEmpty(_)))
            | Self::Handover(handover::Error::Strays(_))
            | Self::Folder(..) => Exit::Usage,
            Self::Fatal(fatal) => Exit::of(fatal),
            Self::Copying(error) => Exit::of_copy(error),
            Self::Pages(_, error) if error.kind() == std::io::ErrorKind::PermissionDenied => Exit::Usage,
            Self::Pages(_, error) if error.kind() == std::io::ErrorKind::NotADirectory => Exit::Usage,
            Self::Copy(..) | Self::Pages(..) | Self::Unwritten(_) => Exit::Disk,
            Self::Output(_, error)
            | Self::Handover(handover::Error::Scratch(_, error))
            | Self::Catalogue(
                catalogue::Error::Write(error)
                | catalogue::Error::Temporary(_, error)
                | catalogue::Error::Sidecars(Refused::Disk(.., error)),
            ) => written(error),
            Self::Catalogue(catalogue::Error::Workbook(_) | catalogue::Error::State(_))
            | Self::Handover(handover::Error::Mirror(_) | handover::Error::State(_) | handover::Error::Catalogue(_))
            | Self::StateLost(_)
            | Self::NoCopy(_)
            | Self::Sandbox(_)
            | Self::Runtime(_) => Exit::Unexpected,
        }
    }
}

/// The code if a file of the user can't be written: a usage error if another path would help.
fn written(error: &std::io::Error) -> Exit {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound | Kind::PermissionDenied | Kind::InvalidInput | Kind::NotADirectory | Kind::IsADirectory => {
            Exit::Usage
        }
        Kind::CrossesDevices | Kind::ResourceBusy | Kind::InvalidFilename => Exit::Usage,
        _ => Exit::Disk,
    }
}
