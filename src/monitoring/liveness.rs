//! Who works on a mirror, and whether that process is still running.

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
    /// The process.
    pub process: Process,
}

/// Identifies a process, so that another one can tell whether it is still running.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The host name.
    #[serde(default)]
    pub host: String,
    /// The boot id.
    #[serde(default)]
    pub boot: String,
    /// The PID namespace: a container has its own ids.
    #[serde(default)]
    pub ids: String,
    /// Its start time, in ticks since boot; `None` if it could not be read.
    pub began: Option<u64>,
}

/// What is known about a process id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessState {
    /// No process has it.
    Nobody,
    /// A process with this start time; `None` if that is hidden.
    Somebody(Option<u64>),
}

/// Whether a process is still running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It is running.
    Alive,
    /// It ended without reporting how.
    Gone,
    /// Unknown: it is on another machine, in a container, or hidden.
    Elsewhere,
}

impl Process {
    /// Whether it is still running, as seen by another process. `look` queries a process id.
    ///
    /// Missing values prove nothing: two empty names are not the same name.
    pub fn liveness(&self, seen_by: &Self, look: impl FnOnce(u32) -> ProcessState) -> Liveness {
        let same = |a: &str, b: &str| (!a.is_empty() && !b.is_empty()).then(|| a == b);
        let machine = same(&self.host, &seen_by.host);
        match (same(&self.boot, &seen_by.boot), machine, same(&self.ids, &seen_by.ids)) {
            // No process survives a reboot.
            (Some(false), Some(true), _) => Liveness::Gone,
            // Host name and ids survive a reboot; then the id and its start time decide as well.
            (Some(true), _, Some(true)) | (None, Some(true), Some(true)) => self.found(look(self.pid)),
            _ => Liveness::Elsewhere,
        }
    }

    fn found(&self, seen: ProcessState) -> Liveness {
        match (seen, self.began) {
            (ProcessState::Somebody(Some(theirs)), Some(began)) if theirs == began => Liveness::Alive,
            // The id is free, or was reused.
            (ProcessState::Nobody, _) | (ProcessState::Somebody(Some(_)), Some(_)) => Liveness::Gone,
            (ProcessState::Somebody(_), _) => Liveness::Elsewhere,
        }
    }
}
