//! Counts requests, and records them if the settings say so.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::sandbox::route::Route;

const KEPT: usize = 100_000;

/// A recorded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The route.
    pub route: Route,
    /// The method.
    pub method: String,
    /// The path and query; on storage without the query, which is a credential.
    pub path: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The response's status; `None` if the connection was dropped or left hanging.
    pub status: Option<u16>,
    /// When it arrived, since the start of the sandbox.
    pub at: Duration,
}

#[derive(Default)]
pub(super) struct RequestLog {
    counts: [AtomicU64; Route::ALL.len()],
    requests: Mutex<VecDeque<Request>>,
}

impl RequestLog {
    pub(super) fn count(&self, route: Route) {
        self.counts[route.index()].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counted(&self, route: Route) -> u64 {
        self.counts[route.index()].load(Ordering::Relaxed)
    }

    pub(super) fn record(&self, request: Request) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
