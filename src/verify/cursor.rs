//! Where a rolling check stopped, as it is kept in `.ibinder-sync/last-verify.json`.

use serde::{Deserialize, Serialize};

use super::Left;
use crate::{
    mirror::{self, Root},
    model::Sha256,
    report::Checked,
};

/// The file below the state folder.
pub const NOTE: &str = "last-verify.json";

/// What was checked last in a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The row number of a document.
    pub document: i64,
    /// An object, after all documents.
    pub object: Option<Sha256>,
}

/// How far a round has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// When the round began.
    pub began_at: Option<jiff::Timestamp>,
    /// What was checked last.
    pub position: Position,
    /// Whether the documents are done.
    pub documents_done: bool,
    /// What was checked weighs so much, in bytes.
    pub weight: u64,
    /// Where the shares so far end.
    pub mark: u64,
    /// What was checked.
    pub checked: Checked,
    /// How much damage was found.
    pub damaged: u64,
}

/// A round that covered everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// When it began.
    pub began_at: Option<jiff::Timestamp>,
    /// When it ended.
    pub ended_at: jiff::Timestamp,
    /// What was checked.
    pub checked: Checked,
    /// How much damage was found.
    pub damaged: u64,
}

/// What is kept between checks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// The round under way.
    pub round: Cursor,
    /// The last round that covered everything.
    pub last_round: Option<Round>,
    /// The last report, whatever part it was of.
    pub last: serde_json::Value,
    /// Damage that checks found and left.
    pub left: Option<Left>,
}

impl Note {
    /// Reads it; one that is missing or no such note begins anew.
    pub fn read(root: &Root) -> Self {
        let Some(bytes) = root.read_note(NOTE) else { return Self::default() };
        serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::warn!("{NOTE} can't be read ({error}); the rolling check begins anew");
            Self::default()
        })
    }

    /// Writes it, without the lock.
    pub fn write(&self, root: &Root) -> Result<(), mirror::Error> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        root.write_note(NOTE, &text)
    }

    /// Takes over how far a check came. At the end of a round the next one begins anew.
    pub fn advance(&mut self, cursor: Cursor, done: bool, damaged: u64, now: jiff::Timestamp) {
        let damaged = cursor.damaged + damaged;
        if done {
            self.last_round =
                Some(Round { began_at: cursor.began_at, ended_at: now, checked: cursor.checked, damaged });
            self.round = Cursor::default();
        } else {
            self.round = Cursor { damaged, ..cursor };
        }
    }
}
