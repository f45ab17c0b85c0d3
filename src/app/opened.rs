//! A mirror that is opened: to change it, or to look at a copy of its state.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use tempfile::TempDir;

use super::{Error, adopting, check_destination};
use crate::{
    history,
    mirror::{self, Mirror, Root},
    model::OrganisationId,
    state::{self, Left, Look, Run, State},
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
        let writing = Self::begin(dest, None, command, Timestamp::now())?;
        adopting::refuse_if_lost(&writing.state, dest)?;
        Ok(writing)
    }

    /// Opens a mirror, or makes one, of an organisation.
    pub(super) fn begin(
        dest: &Path,
        organisation: Option<&OrganisationId>,
        command: &str,
        started: Timestamp,
    ) -> Result<Self, Error> {
        Self::on(Mirror::open(dest)?, dest, organisation, command, started)
    }

    /// Opens a mirror whose lock is held.
    pub(super) fn on(
        mirror: Mirror,
        dest: &Path,
        organisation: Option<&OrganisationId>,
        command: &str,
        started: Timestamp,
    ) -> Result<Self, Error> {
        let mirror = Arc::new(mirror);
        let state = open_state(&mirror, dest)?;
        if let Some(organisation) = organisation {
            state.bind(organisation)?;
        }
        let above = mirror.highest_run()?;
        let run = state.write(|w| w.begin_run_above(above, started, command))?;
        let state = Arc::new(state);
        let replayed = sync::replay(&mirror, &state, run.number)?;
        if replayed > 0 {
            tracing::info!("finished {replayed} publishes that an earlier run left half done");
        }
        history::finish_purges(&mirror, &state)?;
        adopting::sweep(&mirror, &state)?;
        mirror.settled();
        Ok(Self { state, mirror, run })
    }
}

/// Opens the state of a mirror whose lock is held, or makes one where nothing is mirrored yet. One
/// that is damaged, or lost over files that are there, is refused before anything is changed.
pub(super) fn open_state(mirror: &Mirror, dest: &Path) -> Result<State, Error> {
    let (path, network) = (mirror::database(dest), mirror.root().is_network());
    if !check_destination(dest, false)? {
        return Ok(State::open(&path, network)?);
    }
    let cut_off = mirror.was_cut_off();
    let left = state::examine(&path, if cut_off { Look::Pages } else { Look::Glance })?;
    if left == Left::Blank && mirror::holds_files(dest)? {
        return Err(Error::StateLost(dest.to_owned()));
    }
    let state = State::open_existing(&path, network)?;
    if left == Left::WithJournal || cut_off {
        // A rollback journal is empty between transactions: there, nothing is missing.
        adopting::suspect(mirror, &state, left == Left::AtRest && !network)?;
    }
    Ok(state)
}

/// A mirror that a command looks at, with a copy of its state: a run may go on meanwhile.
pub(super) struct Reading {
    pub(super) state: State,
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

impl std::borrow::Borrow<State> for Reading {
    fn borrow(&self) -> &State {
        &self.state
    }
}
