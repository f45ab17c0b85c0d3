//! What is stored between checks, in `.ibinder-sync/last-verify.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    cursor::{Cursor, Round},
    unrepaired::Unrepaired,
};
use crate::{
    mirror::{self, Root},
    report::Finding,
    state::State,
};

/// The file's name in the state folder.
pub const NOTE: &str = "last-verify.json";

/// What is stored between checks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// The current round.
    pub round: Cursor,
    /// The last round that covered everything.
    pub last_round: Option<Round>,
    /// The last report, whatever part it covered.
    pub last: serde_json::Value,
    /// Damage that checks found and that is not repaired.
    pub left: Option<Unrepaired>,
}

impl Note {
    /// Reads it; without a readable one the rolling check starts again.
    pub fn read(root: &Root) -> Self {
        let Some(bytes) = root.read_note(NOTE) else { return Self::default() };
        serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::warn!("{NOTE} can't be read ({error}); the rolling check starts over");
            Self::default()
        })
    }

    /// Writes the note, without the lock.
    pub fn write(&self, root: &Root) -> Result<(), mirror::Error> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        root.write_note(NOTE, &text)
    }

    /// Records how far a check came. The end of a round starts the next one.
    pub fn advance(&mut self, cursor: Cursor, done: bool, damaged: u64, now: Timestamp) {
        let damaged = cursor.damaged + damaged;
        if done {
            self.last_round =
                Some(Round { began_at: cursor.began_at, ended_at: now, checked: cursor.checked, damaged });
            self.round = Cursor::default();
        } else {
            self.round = Cursor { damaged, ..cursor };
        }
    }
    /// Records the damage that a check left; `whole`: it read everything.
    pub fn leave(&mut self, mirror: (&Root, &State), findings: &[Finding], whole: bool, now: Timestamp) {
        let is_clean_since =
            |round: &Round, found_at| round.damaged == 0 && round.began_at.is_some_and(|b| b > found_at);
        let disproved =
            |found_at| whole || self.last_round.as_ref().is_some_and(|round| is_clean_since(round, found_at));
        self.left = Unrepaired::after(self.left.take(), mirror, findings, disproved, now);
    }
}
