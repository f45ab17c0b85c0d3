//! The signal that ends a run early.
//!
//! Everything that takes time checks it or waits for it. The first cause counts, but a fatal error overrides the others,
//! because it decides the exit code.

use std::{
    future::poll_fn,
    sync::{Mutex, PoisonError},
    task::Poll,
};

use tokio::sync::watch;

use super::Fatal;

/// Why a run ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// `--max-duration` has passed.
    Duration,
    /// The service was down for longer than `--give-up`.
    GivenUp,
    /// Less than `--min-free` is free.
    Space,
    /// An error ended the run.
    Fatal,
}

/// The stop signal of a run.
#[derive(Debug)]
pub struct Stop {
    cause: watch::Sender<Option<StopCause>>,
    fatal: Mutex<Option<Fatal>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { cause: watch::Sender::new(None), fatal: Mutex::new(None) }
    }
}

impl Stop {
    /// Ends the run, unless it is stopping already.
    pub fn now(&self, cause: StopCause) {
        self.cause.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(cause);
            }
            first
        });
    }

    /// Ends the run with an error. The first error counts, unless a later one is about the disk.
    pub fn fatal(&self, error: Fatal) {
        let mut fatal = self.fatal.lock().unwrap_or_else(PoisonError::into_inner);
        if fatal.as_ref().is_none_or(|first| error.is_disk() && !first.is_disk()) {
            *fatal = Some(error);
        }
        drop(fatal);
        self.cause.send_modify(|current| *current = Some(StopCause::Fatal));
    }

    /// Why the run is stopping, if it is.
    pub fn cause(&self) -> Option<StopCause> {
        *self.cause.borrow()
    }

    /// Whether the run is stopping.
    pub fn is_set(&self) -> bool {
        self.cause().is_some()
    }

    pub(super) fn is_fatal(&self) -> bool {
        self.cause() == Some(StopCause::Fatal)
    }

    /// Waits until the run is stopping.
    pub async fn wait(&self) {
        // The sender lives as long as self, so this only returns with a cause.
        let _ = self.cause.subscribe().wait_for(Option::is_some).await;
    }

    /// The result of work; `None` if the run stops first.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        if self.is_set() {
            return None;
        }
        let mut work = std::pin::pin!(work);
        // Most work is done at once, and waiting for the signal is not free.
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
            return Some(done);
        }
        tokio::select! {
            biased;
            () = self.wait() => None,
            done = work => Some(done),
        }
    }

    pub(super) fn take_fatal(&self) -> Option<Fatal> {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
