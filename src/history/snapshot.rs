//! Snapshots: the states of the mirror that can be restored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::PastRun;

/// How many documents a run changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Documents that were added.
    pub added: u64,
    /// Documents with another version.
    pub updated: u64,
    /// Documents that moved to another path.
    pub moved: u64,
    /// Documents that were removed.
    pub removed: u64,
    /// Documents that failed.
    pub failed: u64,
}

/// A run, or another command that changed the mirror, as a state that can be restored.
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
    /// When it ended; `None` if it is active or was killed.
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Whether the mirror was complete at its end.
    pub whole: bool,
    /// What it changed; `None` if unknown.
    pub changes: Option<Changes>,
}

impl Snapshot {
    /// The snapshot of a run.
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

    /// Whether it succeeded and changed nothing.
    pub fn changed_nothing(&self) -> bool {
        self.outcome.as_deref() == Some("complete") && self.changes == Some(Changes::default())
    }
}
