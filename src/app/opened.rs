//! A mirror that is opened: to change it, or to look at a copy of its state.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use tempfile::TempDir;

use super::{Error, check_destination};
use crate::{
    history,
    mirror::{self, Mirror, Root},
    model::OrganisationId,
    state::{Run, State},
    sync,
};

/// A mirror that a command changes: locked, with nothing left half done, and the run numbered.
///
/// Take it apart as `Writing { mirror, state, run }`, in this order: the state is then closed
/// first, while the lock is still held.
pub(super) struct Writing {
    pub(super) state: Arc<State>,
    pub(super) mirror: Arc<Mirror>,
    pub(super) run: Run,
}

impl Writing {
    /// Opens a mirror that must be there.
    pub(super) fn open(dest: &Path, command: &str) -> Result<Self, Error> {
        if !check_destination(dest, false)? {
            return Err(Error::NoMirror(dest.to_owned()));
        }
        Self::begin(dest, None, command, Timestamp::now())
    }

    /// Opens a mirror, or makes one, of an organisation.
    pub(super) fn begin(
        dest: &Path,
        organisation: Option<&OrganisationId>,
        command: &str,
        started: Timestamp,
    ) -> Result<Self, Error> {
        let mirror = Arc::new(Mirror::open(dest)?);
        let state = State::open(&mirror::database(dest), mirror.root().is_network())?;
        if let Some(organisation) = organisation {
            state.bind(organisation)?;
        }
        let run = state.write(|w| w.begin_run(started, command))?;
        let state = Arc::new(state);
        let replayed = sync::replay(&mirror, &state, run.number)?;
        if replayed > 0 {
            tracing::info!("finished {replayed} publishes that an earlier run left half done");
        }
        history::finish_purges(&mirror, &state)?;
        // Nothing is begun any more: what lies below tmp/ and is no partial download is nobody's.
        mirror.sweep(&state.read(|r| r.partial_names())?.into_iter().collect())?;
        Ok(Self { state, mirror, run })
    }
}

/// A mirror that a command looks at, with a copy of its state: a run may go on meanwhile.
pub(super) struct Reading {
    pub(super) state: State,
    #[expect(dead_code, reason = "for the commands that come next")]
    pub(super) root: Root,
    // Lives as long as the copy in it.
    _scratch: TempDir,
}

impl Reading {
    /// Copies the state of a mirror that must be there.
    pub(super) fn open(dest: &Path) -> Result<Self, Error> {
        if !check_destination(dest, false)? {
            return Err(Error::NoMirror(dest.to_owned()));
        }
        let scratch = tempfile::tempdir().map_err(Error::Runtime)?;
        let state = State::scratch(Some(&mirror::database(dest)), &scratch.path().join("state.db"))?;
        Ok(Self { state, root: Root::open(dest)?, _scratch: scratch })
    }
}
