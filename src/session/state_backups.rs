//! Copies of the state, made at the end of runs.

use std::fs;

use crate::{
    mirror::{self, Mirror},
    session::Error,
    state::{Run, State},
};

/// Copies the state if the run changed something or there is no copy yet.
pub(crate) fn keep(mirror: &Mirror, state: &State, run: &Run, changed: bool) -> Result<(), Error> {
    if !changed && !mirror::copies(mirror.root().path()).is_empty() {
        return Ok(());
    }
    make(mirror, state, run).inspect_err(|error| tracing::warn!("no copy of the state could be made: {error}"))
}

fn make(mirror: &Mirror, state: &State, run: &Run) -> Result<(), Error> {
    let (staged, path) = mirror.staging_path()?;
    let kept = state.copy_to(&path).map_err(Error::from).and_then(|()| Ok(mirror.keep_copy(&staged, &run.id)?));
    if kept.is_err() {
        // An incomplete copy is useless.
        let _ = fs::remove_file(&path);
    }
    kept
}
