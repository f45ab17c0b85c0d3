//! Where a command reads that changes nothing: a mirror, or a copy of one in an object store.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use crate::{
    config::{CopySettings, Location},
    mirror::Root,
    replica::{Commit, OpenCopy, Store},
    session::{
        Error, Exit, Reading,
        copy::open_store,
        open::{retry_on_change, temporary_folder},
        output::ended,
        signals::Signals,
    },
    state::State,
    sync::{Stop, StopCause},
};

/// Where a command reads.
pub enum Source {
    /// The folder of a mirror.
    Mirror(PathBuf),
    /// A copy.
    Copy(Box<CopySource>),
}

/// The highest commit of a copy, and its state, which was read once.
pub struct CopySource {
    pub(crate) state: State,
    pub(crate) commit: Commit,
    pub(crate) store: Store,
    pub(crate) stop: Arc<Stop>,
    signals: Signals,
    // Must outlive the state inside of it.
    _scratch: TempDir,
}

/// What a state belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'o> {
    /// The folder of a mirror.
    Mirror(&'o Path),
    /// The place of a copy.
    Copy(&'o Location),
}

/// What is read.
#[derive(Clone, Copy)]
pub(crate) struct View<'v> {
    pub(crate) state: &'v State,
    /// The files; a copy has none.
    pub(crate) root: Option<&'v Root>,
}

impl<'v> From<&'v Reading> for View<'v> {
    fn from(reading: &'v Reading) -> Self {
        Self { state: &reading.state, root: Some(&reading.root) }
    }
}

/// The exit code of work that a signal has ended.
pub(crate) fn stopped(stop: &Stop) -> Option<Exit> {
    match stop.cause()? {
        StopCause::Terminate => Some(Exit::Terminated),
        _ => Some(Exit::Interrupted),
    }
}

impl Source {
    /// Opens a copy, and reads the state of its highest commit, or of another one by its number.
    pub fn of_copy(place: (&Location, Option<u64>), settings: &CopySettings) -> Result<Self, Exit> {
        let stop = Arc::<Stop>::default();
        let signals = Signals::watch(&stop);
        Self::open_copy(place, settings, &stop, signals)
            .map_err(|error| stopped(&stop).unwrap_or_else(|| ended(Err(error))))
    }

    fn open_copy(
        (location, commit): (&Location, Option<u64>),
        settings: &CopySettings,
        stop: &Arc<Stop>,
        signals: Signals,
    ) -> Result<Self, Error> {
        let store = open_store(location, settings, Arc::clone(stop))?;
        let scratch = temporary_folder()?;
        let OpenCopy { commit, state, .. } = OpenCopy::open(&store, commit, scratch.path())?;
        tracing::debug!("read commit {} of {location}", commit.file.number);
        let stop = Arc::clone(stop);
        Ok(Self::Copy(Box::new(CopySource { state, commit, store, stop, signals, _scratch: scratch })))
    }

    /// The same for a command that only shows something: from now on a signal ends the program at once.
    #[must_use]
    pub fn only_shown(self) -> Self {
        if let Self::Copy(copy) = &self {
            copy.signals.finished(Exit::Interrupted);
        }
        self
    }

    /// Reads; repeats that if a run disturbed it.
    pub(crate) fn read<T>(&self, mut work: impl FnMut(View<'_>) -> Result<T, Error>) -> Result<T, Error> {
        match self {
            Self::Mirror(dest) => retry_on_change(|| work(View::from(&Reading::open(dest)?))),
            Self::Copy(copy) => work(View { state: &copy.state, root: None }),
        }
    }

    /// What it is, for messages and for paths that are given.
    pub(crate) fn origin(&self) -> Origin<'_> {
        match self {
            Self::Mirror(dest) => Origin::Mirror(dest),
            Self::Copy(copy) => Origin::Copy(copy.store.location()),
        }
    }
}

impl<'o> From<&'o Path> for Origin<'o> {
    fn from(dest: &'o Path) -> Self {
        Self::Mirror(dest)
    }
}

impl fmt::Display for Origin<'_> {
    /// The option that names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mirror(dest) => write!(f, "--dest {}", dest.display()),
            Self::Copy(location) => write!(f, "--from {location}"),
        }
    }
}
