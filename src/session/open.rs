//! Opens a mirror for changing or for reading.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use tempfile::TempDir;

use crate::{
    history::{self, clock},
    mirror::{self, Mirror, Root},
    model::OrganisationId,
    session::{Error, adoption, check_destination},
    state::{self, CheckLevel, Condition, ErrorKind, Isolation, Run, RunEnd, State},
    sync::{self, Fatal},
    ui,
};

/// A mirror that a command changes: locked, recovered after crashes, with a numbered run.
///
/// Destructure it as `Writing { mirror, state, run }`, in this order: then the state is closed first, while the
/// lock is still held.
pub(crate) struct Writing {
    pub(crate) state: Arc<State>,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) run: Run,
}

impl Writing {
    /// Opens an existing mirror.
    pub(crate) fn open(dest: &Path, command: &str) -> Result<Self, Error> {
        if !check_destination(dest, false)? {
            return Err(Error::NoMirror(dest.to_owned()));
        }
        let writing = Self::begin(dest, None, command, Timestamp::now())?;
        adoption::refuse_if_lost(&writing.state, dest)?;
        Ok(writing)
    }

    /// Opens or creates the mirror of an organisation.
    pub(crate) fn begin(
        dest: &Path,
        organisation: Option<&OrganisationId>,
        command: &str,
        started: Timestamp,
    ) -> Result<Self, Error> {
        Self::on(Mirror::open(dest)?, dest, organisation, command, started)
    }

    /// Opens a mirror whose lock is held.
    pub(crate) fn on(
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
            tracing::info!("completed {replayed} operations that an earlier run left unfinished");
        }
        history::finish_purges(&mirror, &state)?;
        adoption::delete_unused(&mirror, &state)?;
        mirror.clear_interruption();
        Ok(Self { state, mirror, run })
    }
}

/// Opens the state of a mirror whose lock is held, or creates it if nothing is mirrored yet. A damaged or lost
/// state is refused before anything is changed.
pub(crate) fn open_state(mirror: &Mirror, dest: &Path) -> Result<State, Error> {
    let (path, network) = (mirror::database(dest), mirror.root().is_network());
    if !check_destination(dest, false)? {
        return Ok(State::open(&path, network)?);
    }
    let interrupted = mirror.was_interrupted();
    let left = state::examine(&path, if interrupted { CheckLevel::Pages } else { CheckLevel::Quick })?;
    if left == Condition::Empty && mirror::holds_files(dest)? {
        return Err(Error::StateLost(dest.to_owned()));
    }
    let state = State::open_existing(&path, network)?;
    // Left by a recovery that was cut off at its very end; it would be wrong if the state were lost later.
    mirror.remove_state_file(mirror::RECOVERY_MARK)?;
    if left == Condition::WithJournal || interrupted {
        // A rollback journal is empty between transactions: then nothing is missing.
        adoption::mark_interrupted(mirror, &state, left == Condition::AtRest && !network)?;
    }
    Ok(state)
}

/// Opens the state of a mirror whose lock is held, for a command that changes nothing but what a crash left: that is finished,
/// as a run of `command`.
pub(crate) fn open_finished(mirror: &Arc<Mirror>, dest: &Path, command: &str) -> Result<Arc<State>, Error> {
    let state = Arc::new(open_state(mirror, dest)?);
    let half_done = state.read(|r| Ok::<_, state::Error>(!r.intents()?.is_empty() || !r.purges()?.is_empty()))?;
    if half_done {
        let above = mirror.highest_run()?;
        let run = state.write(|w| w.begin_run_above(above, Timestamp::now(), command))?;
        sync::replay(mirror, &state, run.number)?;
        history::finish_purges(mirror, &state)?;
        state.write(|w| w.end_run(run.number, &RunEnd { outcome: "complete", ..RunEnd::default() }))?;
    }
    mirror.clear_interruption();
    Ok(state)
}

/// A mirror that a command only reads; a run may continue meanwhile.
pub(crate) struct Reading {
    pub(crate) state: State,
    pub(crate) root: Root,
    // Must outlive a copy of the state inside of it.
    _scratch: Option<TempDir>,
}

/// Repeats a read that a run disturbed by changing the state.
pub(crate) fn retry_on_change<T>(mut work: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    const TRIES: usize = 5;
    let changed = |result: &Result<T, Error>| matches!(result, Err(Error::Fatal(Fatal::State(state::Error::Changed))));
    let mut result = work();
    for _ in 1..TRIES {
        if !changed(&result) {
            break;
        }
        result = work();
    }
    result
}

impl Reading {
    /// Opens the present state of an existing mirror. If a run has it exclusively, as on a network share, reads
    /// its newest copy.
    pub(crate) fn open(dest: &Path) -> Result<Self, Error> {
        match Self::of(dest, Isolation::Snapshot) {
            Err(Error::Fatal(Fatal::State(error))) if error.kind() == ErrorKind::Busy => {
                Self::of_copy(dest, error.into())
            }
            opened => opened,
        }
    }

    /// Opens the state so that each read sees the newest commit. Readers never block a run.
    pub(crate) fn following(dest: &Path) -> Result<Self, Error> {
        Self::of(dest, Isolation::Latest)
    }

    fn of(dest: &Path, isolation: Isolation) -> Result<Self, Error> {
        if !check_destination(dest, false)? {
            return Err(Error::NoMirror(dest.to_owned()));
        }
        let (root, database) = (Root::open(dest)?, mirror::database(dest));
        match State::view(&database, isolation)? {
            Some(state) => Ok(Self { state, root, _scratch: None }),
            None => Self::of_scratch(root, &database),
        }
    }

    fn of_copy(dest: &Path, error: Error) -> Result<Self, Error> {
        let Some(copy) = mirror::copies(dest).into_iter().next() else { return Err(error) };
        let root = Root::open(dest)?;
        let reading = match State::view_copy(&copy)? {
            Some(state) => Self { state, root, _scratch: None },
            None => Self::of_scratch(root, &copy)?,
        };
        let time = reading.state.read(|r| r.latest_time())?;
        ui::warn(&Older(copy, time));
        Ok(reading)
    }

    fn of_scratch(root: Root, database: &Path) -> Result<Self, Error> {
        let folder = temporary_folder()?;
        let state = State::scratch(Some(database), &folder.path().join("state.db"))?;
        Ok(Self { state, root, _scratch: Some(folder) })
    }
}

/// Writes a changed copy of the present state, which gets its name when it is complete. If a run has the state exclusively,
/// its newest copy is copied.
pub(crate) fn copy_state(
    dest: &Path,
    copy: &Path,
    change: impl FnOnce(&State) -> Result<(), Error>,
) -> Result<(), Error> {
    let (database, staged) = (mirror::database(dest), copy.with_extension("new"));
    let begin = |from: &Path| {
        for part in state::PARTS {
            let mut name = staged.clone().into_os_string();
            name.push(part);
            let _ = std::fs::remove_file(name);
        }
        State::scratch(Some(from), &staged)
    };
    let state = match begin(&database) {
        Err(error) if error.kind() == ErrorKind::Busy => {
            let Some(newest) = mirror::copies(dest).into_iter().next() else { return Err(error.into()) };
            let state = begin(&newest)?;
            let time = state.read(|r| r.latest_time())?;
            ui::warn(&Older(newest, time));
            state
        }
        other => other?,
    };
    change(&state)?;
    state.checkpoint()?;
    drop(state);
    let failed = |e: std::io::Error| Error::from(state::Error::scratch(copy, e));
    File::open(&staged).and_then(|file| file.sync_all()).map_err(failed)?;
    std::fs::rename(&staged, copy).map_err(failed)
}

/// A folder for a temporary copy of the state.
pub(crate) fn temporary_folder() -> Result<TempDir, Error> {
    tempfile::tempdir().map_err(|e| state::Error::scratch(&std::env::temp_dir(), e).into())
}

/// A note that older data are shown: the copy, and the time of its run.
#[derive(Debug, thiserror::Error)]
#[error(
    "a run is using the state of this mirror; showing {} from {}",
    .0.display(), age(*.1, Timestamp::now())
)]
struct Older(PathBuf, i64);

/// A time and its age.
fn age(time: i64, now: Timestamp) -> String {
    let minutes = (now.as_second() - time).max(0) / 60;
    let ago = match minutes {
        0..120 => format!("{minutes} min"),
        120..2880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    };
    format!("{} ({ago} ago)", clock(time, &TimeZone::system()))
}

impl std::borrow::Borrow<State> for Reading {
    fn borrow(&self) -> &State {
        &self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_a_fitting_unit() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        for (seconds, ago) in [(-5, "0 min"), (59, "0 min"), (7_199, "119 min"), (7_200, "2 h"), (200_000, "2 days")] {
            assert!(age(1_000_000_000 - seconds, now).ends_with(&format!("({ago} ago)")), "{seconds}");
        }
    }
}
