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
    /// When it began, in ticks since the machine was started; none where it could not see that.
    pub began: Option<u64>,
}

/// What is seen of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessState {
    /// No process has it.
    Nobody,
    /// A process that began then; none where that is hidden.
    Somebody(Option<u64>),
}

/// What became of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// It is there.
    Alive,
    /// It is not there any more, and did not say how it ended.
    Gone,
    /// It is on another machine, in a container, or hidden: that can't be told from here.
    Elsewhere,
}

impl Process {
    /// What became of it, as seen by another process. `look` says who has an id.
    ///
    /// What either of them could not see is no answer: two empty names are not the same name.
    pub fn whereabouts(&self, seen_by: &Self, look: impl FnOnce(u32) -> ProcessState) -> Whereabouts {
        let same = |a: &str, b: &str| (!a.is_empty() && !b.is_empty()).then(|| a == b);
        let machine = same(&self.host, &seen_by.host);
        match (same(&self.boot, &seen_by.boot), machine, same(&self.ids, &seen_by.ids)) {
            // No process outlives a restart.
            (Some(false), Some(true), _) => Whereabouts::Gone,
            // The name of a machine and its ids survive a restart; the id and its beginning decide then, too.
            (Some(true), _, Some(true)) | (None, Some(true), Some(true)) => self.found(look(self.pid)),
            _ => Whereabouts::Elsewhere,
        }
    }

    fn found(&self, seen: ProcessState) -> Whereabouts {
        match (seen, self.began) {
            (ProcessState::Somebody(Some(theirs)), Some(began)) if theirs == began => Whereabouts::Alive,
            // Nobody has the id, or it was given anew.
            (ProcessState::Nobody, _) | (ProcessState::Somebody(Some(_)), Some(_)) => Whereabouts::Gone,
            (ProcessState::Somebody(_), _) => Whereabouts::Elsewhere,
        }
    }
}
