//! A copy of the state that nobody changes.

use std::path::PathBuf;

use super::Error;
use crate::{mirror::Mirror, state::State};

/// The state of one moment, in a temporary file that is deleted with it.
pub(super) struct Snapshot<'r> {
    mirror: &'r Mirror,
    names: Vec<String>,
    pub(super) path: PathBuf,
    pub(super) state: State,
}

impl<'r> Snapshot<'r> {
    /// Takes it.
    pub(super) fn take(mirror: &'r Mirror, state: &State) -> Result<Self, Error> {
        let (name, path) = mirror.staging_path()?;
        let opened = state.copy_to(&path).map_err(Error::from).and_then(|()| {
            State::view_copy(&path)?.ok_or_else(|| Error::Internal("the copy of the state can't be read".to_owned()))
        });
        match opened {
            Ok(state) => Ok(Self { mirror, names: vec![name], path, state }),
            Err(error) => {
                let _ = mirror.discard(&name);
                Err(error)
            }
        }
    }

    /// Another temporary file that is deleted with it.
    pub(super) fn another(&mut self) -> Result<PathBuf, Error> {
        let (name, path) = self.mirror.staging_path()?;
        self.names.push(name);
        Ok(path)
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        for name in &self.names {
            // The next run deletes what is left below `tmp/`.
            let _ = self.mirror.discard(name);
        }
    }
}
