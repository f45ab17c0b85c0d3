//! How many requests were sent, for the report of a run.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the requests that one client sent. They only grow, and may be read at any time.
#[derive(Debug, Default)]
pub struct Requests {
    token: AtomicU64,
    api: AtomicU64,
    storage: AtomicU64,
    retried: AtomicU64,
    throttled: AtomicU64,
}

impl Requests {
    /// All requests, retries included.
    pub fn sent(&self) -> u64 {
        self.token().wrapping_add(self.api()).wrapping_add(self.storage())
    }

    /// Requests for a token.
    pub fn token(&self) -> u64 {
        self.token.load(Ordering::Relaxed)
    }

    /// Requests to the API, retries included.
    pub fn api(&self) -> u64 {
        self.api.load(Ordering::Relaxed)
    }

    /// Requests to the storage, retries and redirects included.
    pub fn storage(&self) -> u64 {
        self.storage.load(Ordering::Relaxed)
    }

    /// How many of all requests were sent again after a failure.
    pub fn retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }

    /// How many of all requests were answered with 429.
    pub fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    pub(super) fn count_token(&self) {
        self.token.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_api(&self) {
        self.api.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_storage(&self) {
        self.storage.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }
}
