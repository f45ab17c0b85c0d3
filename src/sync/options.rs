//! The options of a run.

use std::{num::NonZeroU64, time::Duration};

use super::Filter;
use crate::{
    model::{ManifestAges, Share},
    pace::Policy,
    plan::{RemovalCap, Retain},
};

/// How to treat untracked files in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adopt {
    /// They belong to the user: a document whose path is taken gets its `[id]` name.
    #[default]
    Nothing,
    /// Part of the state may be lost: a file that is proved to be a document's is adopted.
    Proved,
    /// The state was lost: unproved files are replaced as well, and kept in `objects/`.
    Whole,
}

/// The options of a run, already validated.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binders and documents to mirror.
    pub filter: Filter,
    /// How many downloads run at once.
    pub concurrency: usize,
    /// Bytes per second over all downloads; `None`: no limit.
    pub bandwidth: Option<NonZeroU64>,
    /// How many documents may be removed.
    pub max_removals: RemovalCap,
    /// When to end the run early.
    pub max_duration: Option<Duration>,
    /// Bytes that must stay free on the disk.
    pub min_free: u64,
    /// How old a folder tree may get before it is read again.
    pub refresh_folders: Duration,
    /// The share of the mirror to check at the end of the run.
    pub scrub: Option<Share>,
    /// How long replaced and removed versions are kept; `None`: always.
    pub retain: Option<Duration>,
    /// How many old versions of a document are kept whatever their age; `None`: all.
    pub retain_versions: Option<NonZeroU64>,
    /// How long `runs/` keeps what it has of a run; `None`: always.
    pub retain_runs: Option<Duration>,
    /// How long manifests are kept; `None`: always.
    pub retain_manifests: Option<ManifestAges>,
    /// When to retry a failed download.
    pub retry: Policy,
    /// How to treat untracked files in the tree.
    pub adopt: Adopt,
    /// How many documents a plan opens to estimate sizes.
    pub sample: usize,
    /// Whether size and time prove a file if the service announces no hash.
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
