//! What goes on right now, for a screen to read.

use super::ActiveDownloads;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that tasks raise and a screen reads. They are for looking at: what a run did is
/// counted by the tally.
#[derive(Debug, Default)]
pub struct Progress {
    /// Binders to read.
    pub binders: AtomicU64,
    /// Binders read.
    pub binders_done: AtomicU64,
    /// Documents that the binders' first pages announced.
    pub documents: AtomicU64,
    /// Documents listed so far.
    pub listed: AtomicU64,
    /// Downloads that are known to be needed.
    pub downloads: AtomicU64,
    /// Downloads that ended.
    pub downloads_done: AtomicU64,
    /// Bytes received.
    pub bytes: AtomicU64,
    /// Bytes whose hash is to be checked.
    pub to_check: AtomicU64,
    /// Bytes whose hash was checked.
    pub checked: AtomicU64,
    /// The downloads that are under way.
    pub under_way: ActiveDownloads,
}

impl Progress {
    /// Raises a counter.
    pub fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Relaxed);
    }

    /// A number that is another one whenever a counter was raised.
    pub fn moves(&self) -> u64 {
        // What is under way moves with the bytes.
        let Self {
            binders,
            binders_done,
            documents,
            listed,
            downloads,
            downloads_done,
            bytes,
            to_check,
            checked,
            under_way: _,
        } = self;
        let all = [binders, binders_done, documents, listed, downloads, downloads_done, bytes, to_check, checked];
        all.into_iter().map(Self::get).fold(0, u64::wrapping_add)
    }

    /// Reads a counter.
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Relaxed)
    }
}
