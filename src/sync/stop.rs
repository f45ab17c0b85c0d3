//! Why and when a run ends early.
//!
//! Everything that takes time looks here or waits here. The first cause counts, except that a
//! fatal one overrules the others: it decides the exit code.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::Fatal;

/// Why a run ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// `--max-duration` is over.
    Duration,
    /// The service was down for longer than `--give-up`.
    GivenUp,
    /// Less than `--min-free` is free.
    Space,
    /// Nothing can go on.
    Fatal,
}

/// The switch.
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
    /// Ends the run, unless it is ending already.
    pub fn now(&self, cause: StopCause) {
        self.cause.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(cause);
            }
            first
        });
    }

    /// Ends the run with an error. The first one counts, unless a later one is about the disk.
    pub fn fatal(&self, error: Fatal) {
        let mut fatal = self.fatal.lock().unwrap_or_else(PoisonError::into_inner);
        if fatal.as_ref().is_none_or(|first| error.is_disk() && !first.is_disk()) {
            *fatal = Some(error);
        }
        drop(fatal);
        self.cause.send_modify(|current| *current = Some(StopCause::Fatal));
    }

    /// Why the run is ending, if it is.
    pub fn cause(&self) -> Option<StopCause> {
        *self.cause.borrow()
    }

    /// Whether the run is ending.
    pub fn is_set(&self) -> bool {
        self.cause().is_some()
    }

    /// Whether nothing can go on.
    pub(super) fn is_fatal(&self) -> bool {
        self.cause() == Some(StopCause::Fatal)
    }

    /// Waits until the run is ending.
    pub async fn wait(&self) {
        // The sender lives as long as self, so this only returns with a cause.
        let _ = self.cause.subscribe().wait_for(Option::is_some).await;
    }

    /// Work, unless the run is ending first.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
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
