//! The position of a rolling check, and what its last full round found.

use serde::{Deserialize, Serialize};

use crate::{model::Sha256, report::Checked};

/// The last item checked in a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The row number of a document.
    pub document: i64,
    /// An object; they follow all documents.
    pub object: Option<Sha256>,
}

/// The progress of a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// When the round began.
    pub began_at: Option<jiff::Timestamp>,
    /// The last item checked.
    pub position: Position,
    /// Whether the documents are done.
    pub documents_done: bool,
    /// The total weight of the checked items, in bytes.
    pub weight: u64,
    /// The end of the shares so far.
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
