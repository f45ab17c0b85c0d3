//! Counts requests, for the report of a run and for the progress.

use std::sync::atomic::{AtomicU64, Ordering};

/// The receiver of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The token endpoint.
    Token,
    /// The API.
    Api,
    /// Storage.
    Storage,
}

/// Counters of the requests of one client. All but the open ones only grow. They may be read at any time.
#[derive(Debug, Default)]
pub struct Requests {
    token: AtomicU64,
    api: AtomicU64,
    storage: AtomicU64,
    retried: AtomicU64,
    throttled: AtomicU64,
    /// By endpoint and by the class of the status.
    answers: [[AtomicU64; 4]; 3],
    /// By endpoint.
    open: [AtomicU64; 3],
}

/// A request without an answer yet.
#[derive(Debug)]
#[must_use]
pub(super) struct Open<'r>(&'r AtomicU64);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Requests {
    /// All requests, retries included.
    pub fn sent(&self) -> u64 {
        self.token().wrapping_add(self.api()).wrapping_add(self.storage())
    }

    /// Token requests.
    pub fn token(&self) -> u64 {
        self.token.load(Ordering::Relaxed)
    }

    /// Requests to the API, retries included.
    pub fn api(&self) -> u64 {
        self.api.load(Ordering::Relaxed)
    }

    /// Requests to storage, retries and redirects included.
    pub fn storage(&self) -> u64 {
        self.storage.load(Ordering::Relaxed)
    }

    /// Retries.
    pub fn retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }

    /// Responses with status 429.
    pub fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    /// Responses by class (2xx to 5xx). A request without a response is in no class.
    pub fn answers(&self, asked: Endpoint) -> [u64; 4] {
        self.answers[asked as usize].each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    pub(super) fn answered(&self, asked: Endpoint, status: u16) {
        let class = usize::from(status / 100).checked_sub(2);
        if let Some(count) = class.and_then(|class| self.answers[asked as usize].get(class)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests that were sent and have no answer yet.
    pub fn open(&self, asked: Endpoint) -> u64 {
        self.open[asked as usize].load(Ordering::Relaxed)
    }

    /// Counts a request, which is open until the result is dropped.
    pub(super) fn count(&self, asked: Endpoint) -> Open<'_> {
        let sent = match asked {
            Endpoint::Token => &self.token,
            Endpoint::Api => &self.api,
            Endpoint::Storage => &self.storage,
        };
        sent.fetch_add(1, Ordering::Relaxed);
        let open = &self.open[asked as usize];
        open.fetch_add(1, Ordering::Relaxed);
        Open(open)
    }

    pub(super) fn count_retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }
}
