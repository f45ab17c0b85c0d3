//! The mark of a recovery that is not complete: with which commit of which copy it was begun.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    Error,
    commits::{Commit, newest_usable, read_commit},
    layout::commit_key,
    store::Store,
};
use crate::{
    mirror::{Mirror, RECOVERY_MARK, Root, Stage},
    model::Sha256,
};

/// The mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryMark {
    /// Where the copy is.
    pub from: String,
    /// The commit's number.
    pub commit: u64,
    /// The hash of the commit's bytes.
    pub sha256: Sha256,
}

impl RecoveryMark {
    /// The mark in a destination, if there is one that can be read.
    pub fn at(dest: &Path) -> Option<Self> {
        serde_json::from_slice(&Root::open(dest).ok()?.read_note(RECOVERY_MARK)?).ok()
    }

    /// The commit to recover: the one with which it was begun, or that with this number, or the highest that can be used. A recovery never goes on with another commit, so
    /// that the tree has the files of one commit and no others.
    pub fn choose(begun: Option<&Self>, store: &Store, number: Option<u64>) -> Result<Commit, Error> {
        let location = store.location().to_string();
        match begun {
            Some(mark) if number.is_some_and(|number| number != mark.commit) => {
                Err(Error::CommitGone { number: mark.commit })
            }
            None => match number {
                Some(number) => read_commit(store, number)?.ok_or_else(|| Error::MissingFile(commit_key(number))),
                None => newest_usable(store, Ok)?.ok_or(Error::NoCopy(location)),
            },
            Some(mark) if mark.from != location => Err(Error::OtherCopy { begun: mark.from.clone() }),
            Some(mark) => read_commit(store, mark.commit)?
                .filter(|commit| commit.sha256 == mark.sha256)
                .ok_or(Error::CommitGone { number: mark.commit }),
        }
    }

    /// Marks a mirror whose lock is held, durably.
    pub(super) fn set(store: &Store, commit: &Commit, mirror: &Mirror) -> Result<(), Error> {
        let from = store.location().to_string();
        let mark = Self { from, commit: commit.file.number, sha256: commit.sha256 };
        let text = serde_json::to_vec(&mark).map_err(|e| Error::Internal(e.to_string()))?;
        let mut stage = Stage::create(mirror, false)?;
        stage.write(&text)?;
        Ok(mirror.keep_state_file(stage, RECOVERY_MARK)?)
    }

    /// Ends it: the mirror is whole.
    pub fn clear(mirror: &Mirror) -> Result<(), Error> {
        mirror.remove_state_file(RECOVERY_MARK)?;
        mirror.clear_interruption();
        Ok(())
    }
}
