//! Who works on a mirror, and whether that is still true.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A process that works on the mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Working {
    /// `run`, `adopt`, `verify` or `repair`.
    pub command: String,
    /// The run's id; empty for a check that changes nothing.
    #[serde(default)]
    pub run_id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Which process it is.
    pub process: Process,
}

/// A process, so that another one can tell whether it is still there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The name of the machine.
    #[serde(default)]
    pub host: String,
    /// Another one after each start of the machine.
    #[serde(default)]
    pub boot: String,
    /// Within which ids count: a container has ids of its own.
    #[serde(default)]
    pub ids: String,
}

/// What became of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// It is there.
    Alive,
    /// It is not there any more, and did not say how it ended.
    Gone,
    /// It is on another machine, or in a container: that can't be told from here.
    Elsewhere,
}

impl Process {
    /// What became of it, as seen by another process. `lives` says whether there is a process with an id.
    pub fn whereabouts(&self, seen_by: &Self, lives: impl FnOnce(u32) -> bool) -> Whereabouts {
        let same = |a: &str, b: &str| !a.is_empty() && a == b;
        match (self.boot == seen_by.boot, self.ids == seen_by.ids) {
            (true, true) if lives(self.pid) => Whereabouts::Alive,
            (true, true) => Whereabouts::Gone,
            // No process outlives a restart.
            (false, _) if same(&self.host, &seen_by.host) => Whereabouts::Gone,
            _ => Whereabouts::Elsewhere,
        }
    }
}
