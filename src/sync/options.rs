//! What a run is told.

use std::{num::NonZeroU64, time::Duration};

use super::Filter;
use crate::{
    model::Share,
    pace::Policy,
    plan::{RemovalCap, Retain},
};

/// What is done about files of the tree that no row knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adopt {
    /// They are not the mirror's: a document whose path one has takes its `[id]` name.
    #[default]
    Nothing,
    /// Part of the state may be lost: a file that is proved to be a document's becomes its own.
    Proved,
    /// The state was lost: what is not proved is replaced as well, and kept in `objects/`.
    Whole,
}

/// What a run is told. Every field was checked where it came from.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is looked at.
    pub filter: Filter,
    /// How many downloads go on at once.
    pub concurrency: usize,
    /// Bytes per second over all downloads; none: no limit.
    pub bandwidth: Option<NonZeroU64>,
    /// How many absences are believed.
    pub max_removals: RemovalCap,
    /// When the run ends although there is more to do.
    pub max_duration: Option<Duration>,
    /// Bytes that stay free on the disk.
    pub min_free: u64,
    /// How long a folder tree is believed.
    pub refresh_folders: Duration,
    /// The share of the mirror that is checked when everything else is done; none: nothing is.
    pub scrub: Option<Share>,
    /// How long replaced and removed versions are kept; `None`: always.
    pub retain: Option<Duration>,
    /// How many old versions of a document are kept whatever their age; `None`: all.
    pub retain_versions: Option<NonZeroU64>,
    /// How long `runs/` keeps what it has of a run; `None`: always.
    pub retain_runs: Option<Duration>,
    /// When a failed download is tried again.
    pub retry: Policy,
    /// What is done about files that no row knows.
    pub adopt: Adopt,
    /// Whether size and time prove a file where the service gives no hash.
    pub trust_times: bool,
}

impl Options {
    /// How many documents a search page is requested to hold.
    pub(super) const PAGE_SIZE: u32 = 250;

    pub(super) fn refresh_folders_seconds(&self) -> i64 {
        seconds(self.refresh_folders)
    }

    /// Which old versions are kept.
    pub fn retain(&self) -> Retain {
        Retain { age: self.retain.map(seconds), versions: self.retain_versions }
    }

    /// Seconds after which what `runs/` has of a run is deleted; `None`: never.
    pub fn retain_runs_seconds(&self) -> Option<i64> {
        self.retain_runs.map(seconds)
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
