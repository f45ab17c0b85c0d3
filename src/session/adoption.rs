//! The adoption mark in the state: the tree may be newer than the state, or older than the mirror.
//!
//! While it is set, runs adopt files without a row. A complete run without filters removes it.

use std::{collections::HashSet, path::Path};

use crate::{
    mirror::Mirror,
    session::Error,
    state::State,
    sync::{Adopt, Options},
};

/// The key in the settings.
const KEY: &str = "adopting";

/// Why and how runs adopt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Part of the state may be lost.
    Suspected,
    /// The state was lost, or is older than the tree.
    Lost,
    /// The same, and size and time suffice as proof if there is no hash.
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

/// The options of a run, including what the mark adds.
pub(crate) fn options(state: &State, given: &Options) -> Result<Options, Error> {
    let mark = state.read(|r| r.setting(KEY))?.map(|word| Mark::of(&word));
    let adopt = match mark {
        None => Adopt::Nothing,
        Some(Mark::Suspected) => Adopt::Proved,
        Some(Mark::Lost | Mark::LostTrustingTimes) => Adopt::Whole,
    };
    Ok(Options { adopt, trust_times: mark == Some(Mark::LostTrustingTimes), ..given.clone() })
}

/// Refuses to change a tree whose state was lost or is older: a path in it may belong to another document now.
pub(crate) fn refuse_if_lost(state: &State, dest: &Path) -> Result<(), Error> {
    match state.read(|r| r.setting(KEY))?.map(|word| Mark::of(&word)) {
        Some(Mark::Lost | Mark::LostTrustingTimes) => Err(Error::RunFirst(dest.to_owned())),
        Some(Mark::Suspected) | None => Ok(()),
    }
}

/// Sets the mark after the last command was cut off. Without its journal, nobody knows what it left below `tmp/`;
/// a damaged journal looks like one that ends early.
pub(crate) fn mark_interrupted(mirror: &Mirror, state: &State, journal_is_lost: bool) -> Result<(), Error> {
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

/// Deletes unused files below `tmp/`. Files that match a document's row are old bytes whose intent was lost, and
/// are kept.
pub(crate) fn delete_unused(mirror: &Mirror, state: &State) -> Result<(), Error> {
    let partials = partials(state)?;
    mirror.rescue(&partials, |stamp| Ok::<_, Error>(state.read(|r| r.has_stamp(stamp))?))?;
    Ok(mirror.sweep(&partials)?)
}

fn partials(state: &State) -> Result<HashSet<String>, Error> {
    Ok(state.read(|r| r.partial_names())?.into_iter().collect())
}

/// Removes the mark after a complete run without filters.
pub(crate) fn done(state: &State) -> Result<(), Error> {
    if state.read(|r| r.setting(KEY))?.is_some() {
        state.write(|w| w.unset(KEY))?;
    }
    Ok(())
}
