//! The moments that can be gone back to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::PastRun;

/// How many documents a run changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// New in the tree.
    pub added: u64,
    /// With another version.
    pub updated: u64,
    /// At another path.
    pub moved: u64,
    /// Taken out of the tree.
    pub removed: u64,
    /// Not mirrored as listed.
    pub failed: u64,
}

/// A run, or another command that changed the mirror, as a moment to go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: i64,
    /// The command.
    pub command: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none: it is at work, or was killed.
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Whether everything that the service had was mirrored then.
    pub whole: bool,
    /// What it changed; none: nothing is known.
    pub changes: Option<Changes>,
}

impl Snapshot {
    /// Of a run.
    pub fn of(run: &PastRun) -> Self {
        let time = |seconds| Timestamp::from_second(seconds).unwrap_or_default();
        Self {
            id: run.id.clone(),
            number: run.number,
            command: run.command.clone(),
            started_at: time(run.started_at),
            finished_at: run.finished_at.map(time),
            outcome: run.outcome.clone(),
            whole: run.whole,
            changes: run.changes.as_deref().and_then(|json| serde_json::from_str(json).ok()),
        }
    }

    /// Whether it ended well and left everything as it was.
    pub fn changed_nothing(&self) -> bool {
        self.outcome.as_deref() == Some("complete") && self.changes == Some(Changes::default())
    }
}
