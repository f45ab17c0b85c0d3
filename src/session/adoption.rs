//! The mark in the state that says: the tree may be newer than this, or was there before it.
//!
//! As long as it is there, a run proves files that no row knows. A complete run over everything
//! takes it away.

use std::{collections::HashSet, path::Path};

use crate::{
    mirror::Mirror,
    session::Error,
    state::State,
    sync::{Adopt, Options},
};

/// Its name among the settings.
const KEY: &str = "adopting";

/// How a run adopts, as the mark says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Part of the state may be lost.
    Suspected,
    /// The state was lost, or is older than the tree.
    Lost,
    /// The same, and a file's size and time prove it where no hash does.
    LostTrustingTimes,
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
            Self::Lost => "lost",
            Self::LostTrustingTimes => "lost, times are trusted",
        }
    }

    fn of(word: &str) -> Self {
        let known = [Self::Suspected, Self::LostTrustingTimes].into_iter().find(|mark| mark.word() == word);
        known.unwrap_or(Self::Lost)
    }

    /// Sets the mark.
    pub(crate) fn set(self, state: &State) -> Result<(), Error> {
        Ok(state.write(|w| w.set(KEY, self.word()))?)
    }
}

/// What a run is told, and what the mark adds to it.
pub(crate) fn options(state: &State, given: &Options) -> Result<Options, Error> {
    let mark = state.read(|r| r.setting(KEY))?.map(|word| Mark::of(&word));
    let adopt = match mark {
        None => Adopt::Nothing,
        Some(Mark::Suspected) => Adopt::Proved,
        Some(Mark::Lost | Mark::LostTrustingTimes) => Adopt::Whole,
    };
    Ok(Options { adopt, trust_times: mark == Some(Mark::LostTrustingTimes), ..given.clone() })
}

/// Refuses to change a tree by a state that was lost, or is older than the tree: what it says of a
/// path may be another document's by now.
pub(crate) fn refuse_if_lost(state: &State, dest: &Path) -> Result<(), Error> {
    match state.read(|r| r.setting(KEY))?.map(|word| Mark::of(&word)) {
        Some(Mark::Lost | Mark::LostTrustingTimes) => Err(Error::RunFirst(dest.to_owned())),
        Some(Mark::Suspected) | None => Ok(()),
    }
}

/// The last command was cut off. Where its journal is missing, nobody knows what it left below
/// `tmp/`; where it is there, it may be damaged at its end, which looks like a journal that ends there.
pub(crate) fn suspect(mirror: &Mirror, state: &State, journal_is_lost: bool) -> Result<(), Error> {
    let begun = !state.read(|r| r.intents())?.is_empty();
    if journal_is_lost && !begun {
        let rescued = mirror.rescue(&partials(state)?, |_| Ok::<_, Error>(true))?;
        if rescued > 0 {
            tracing::warn!("the last command did not record its end; what it left below tmp/ is kept in objects/");
        }
    }
    if state.read(|r| r.setting(KEY))?.is_none() {
        Mark::Suspected.set(state)?;
    }
    Ok(())
}

/// Deletes what lies below `tmp/` and nobody wants, once nothing is begun any more. Files that a row
/// still means as its document's are old bytes, on their way when their intent was lost.
pub(crate) fn sweep(mirror: &Mirror, state: &State) -> Result<(), Error> {
    let partials = partials(state)?;
    mirror.rescue(&partials, |stamp| Ok::<_, Error>(state.read(|r| r.has_stamp(stamp))?))?;
    Ok(mirror.sweep(&partials)?)
}

fn partials(state: &State) -> Result<HashSet<String>, Error> {
    Ok(state.read(|r| r.partial_names())?.into_iter().collect())
}

/// A complete run over everything has proved what there is.
pub(crate) fn done(state: &State) -> Result<(), Error> {
    if state.read(|r| r.setting(KEY))?.is_some() {
        state.write(|w| w.unset(KEY))?;
    }
    Ok(())
}
