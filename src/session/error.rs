//! Why a command ended, and with which exit code.

use std::path::PathBuf;

use crate::{
    catalogue::{self, Refused},
    config,
    history::{self, NoSuchTime},
    mirror, remote,
    report::FailureCause,
    session::{Exit, MOST_PATH},
    state,
    sync::Fatal,
    verify,
};

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// Nothing can go on.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The destination holds files and no state.
    #[error(
        "{} holds files that are not a mirror; give an empty folder or one that does not exist yet, or if they came from a mirror, take them over with `ibinder-sync adopt --dest {}`. Nothing was touched",
        .0.display(),
        .0.display()
    )]
    Foreign(PathBuf),
    /// The destination lies inside a mirror.
    #[error(
        "{} lies inside the mirror {}, which holds what the service has and nothing else; give each mirror a folder of its own",
        .0.display(),
        .1.display()
    )]
    Nested(PathBuf, PathBuf),
    /// A mirror lies inside the destination.
    #[error("{} has the mirror {} inside it; give each mirror a folder of its own", .0.display(), .1.display())]
    Above(PathBuf, PathBuf),
    /// The destination's path leaves no room for the state.
    #[error(
        "the path of the destination has {0} bytes, and SQLite opens no state below more than {MOST_PATH}; choose a shorter one"
    )]
    LongPath(usize),
    /// The destination can't be looked at.
    #[error("cannot look at {}: {}", .0.display(), .1)]
    Look(PathBuf, std::io::Error),
    /// The state folder is there, the database is not.
    #[error(
        "{}/.ibinder-sync has no state.db, or an empty one, but files lie beside it: the state was lost. `ibinder-sync recover --dest {}` puts its last copy in place; where there is none, `ibinder-sync adopt --dest {}` makes a new one for the files. Nothing was touched",
        .0.display(),
        .0.display(),
        .0.display()
    )]
    StateLost(PathBuf),
    /// `--existing`, and no mirror.
    #[error(
        "{} holds no mirror, and `existing` is set; is the disk mounted? If this is the first run: `ibinder-sync run --existing=false`",
        .0.display()
    )]
    NotExisting(PathBuf),
    /// A command needs a mirror, and there is none.
    #[error("{} holds no mirror; `ibinder-sync run --dest {}` makes one", .0.display(), .0.display())]
    NoMirror(PathBuf),
    /// There is nothing to recover from.
    #[error(
        "the state of {} is sound, and nothing was touched; --force puts its last copy in place all the same",
        .0.display()
    )]
    Sound(PathBuf),
    /// No copy of the state can be used.
    #[error(
        "{}/.ibinder-sync/copies has no copy of the state that is whole; `ibinder-sync adopt --dest {}` makes a new state for the files that are there. Nothing was touched",
        .0.display(),
        .0.display()
    )]
    NoCopy(PathBuf),
    /// A copy of the state can't be brought over.
    #[error("cannot copy {}: {}; the state was not touched", .0.display(), .1)]
    Copy(PathBuf, std::io::Error),
    /// A binder can't be let go.
    #[error("{0}")]
    Binder(String),
    /// No document of the mirror has this id.
    #[error("the mirror knows no document {0:?}; `ibinder-sync history PATH` shows the id of a path's document")]
    NoDocument(String),
    /// No run has failed on a document.
    #[error(
        "nothing is missing of document {0:?}: the last runs did not fail on it; `last-run.json` has the ids of failures"
    )]
    NothingMissing(String),
    /// A file that is not the document's has its path.
    #[error(
        "the file at {0:?} is not what the mirror put there; delete it or move it away yourself, then purge again: nothing was erased"
    )]
    NotItsFile(String),
    /// Nobody is there to ask.
    #[error("nothing was removed: without a terminal to ask at, `{0}` needs --yes")]
    NotConfirmed(&'static str),
    /// The tree is newer than the state.
    #[error(
        "the state of {} was recovered and is older than the files: `ibinder-sync run --dest {}` comes first, nothing was touched",
        .0.display(), .0.display()
    )]
    RunFirst(PathBuf),
    /// A command can't be run under the lock.
    #[error("{0}; give it behind two dashes: `ibinder-sync with-lock --dest DIR -- rsync -a …`")]
    Command(String),
    /// A time means no run.
    #[error(transparent)]
    NoSuchTime(#[from] NoSuchTime),
    /// What was asked for was never mirrored, or not then.
    #[error("{0}")]
    Unknown(String),
    /// A file that somebody asked for can't be written.
    #[error("cannot write {}: {}", .0.display(), .1)]
    Output(PathBuf, std::io::Error),
    /// A catalogue can't be made.
    #[error(transparent)]
    Catalogue(catalogue::Error),
    /// A folder can't be served.
    #[error("cannot serve the folder {}: {}", .0.display(), .1)]
    Folder(PathBuf, std::io::Error),
    /// A manual page can't be written.
    #[error("cannot write {}: {}; give --to a folder that you may write to", .0.display(), .1)]
    Pages(PathBuf, std::io::Error),
    /// The sandbox can't serve.
    #[error("the sandbox can't serve: {0}")]
    Sandbox(std::io::Error),
    /// A run is over, and how it ended could not be written down.
    #[error("the end of the run could not be written down: {0}")]
    Unwritten(Box<Error>),
    /// The process may open too few files.
    #[error(
        "this process may open {0} files at once, and at least {1} are needed; raise the limit (`ulimit -n {1}`, `LimitNOFILE=` in a unit)"
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

impl From<history::Error> for Error {
    fn from(error: history::Error) -> Self {
        match error {
            history::Error::Mirror(error) => error.into(),
            history::Error::State(error) => error.into(),
            history::Error::NotItsFile(path) => Self::NotItsFile(path),
            history::Error::Compress(_) => Self::Fatal(Fatal::Internal(error.to_string())),
        }
    }
}

impl Error {
    /// The same error; if the disk of `dest` is full, it says of what.
    #[must_use]
    pub fn with_shortage(self, dest: &std::path::Path) -> Self {
        match self {
            Self::Fatal(fatal) => Self::Fatal(fatal.with_shortage(dest)),
            other => other,
        }
    }

    /// Whether the state is damaged or lost, so that nothing can be told of the files.
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
            | Self::NotExisting(_)
            | Self::NoMirror(_)
            | Self::Sound(_)
            | Self::Binder(_)
            | Self::NoSuchTime(_)
            | Self::Unknown(_)
            | Self::Command(_)
            | Self::RunFirst(_)
            | Self::NoDocument(_)
            | Self::NotConfirmed(_)
            | Self::Nested(..)
            | Self::Above(..)
            | Self::LongPath(_)
            | Self::Look(..)
            | Self::NothingMissing(_)
            | Self::NotItsFile(_)
            | Self::Catalogue(catalogue::Error::Sidecars(Refused::NotEmpty(_)))
            | Self::Folder(..) => Exit::Usage,
            Self::Fatal(fatal) => Exit::of(fatal),
            Self::Pages(_, error) if error.kind() == std::io::ErrorKind::PermissionDenied => Exit::Usage,
            Self::Pages(_, error) if error.kind() == std::io::ErrorKind::NotADirectory => Exit::Usage,
            Self::Copy(..) | Self::Pages(..) | Self::Unwritten(_) => Exit::Disk,
            Self::Output(_, error)
            | Self::Catalogue(
                catalogue::Error::Write(error)
                | catalogue::Error::Temporary(_, error)
                | catalogue::Error::Sidecars(Refused::Disk(.., error)),
            ) => written(error),
            Self::Catalogue(catalogue::Error::Workbook(_) | catalogue::Error::State(_))
            | Self::StateLost(_)
            | Self::NoCopy(_)
            | Self::Sandbox(_)
            | Self::Runtime(_) => Exit::Unexpected,
        }
    }
}

/// The code where a file of the user's own can't be written: what another path would mend is usage.
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
