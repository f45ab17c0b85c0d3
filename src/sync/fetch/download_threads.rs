//! Threads that download.
//!
//! A document stays on the thread that took it: its bytes are hashed and written where they were read, while they are
//! still in that core's cache. Each thread has a runtime, and so connections, of its own.

use std::{sync::Arc, thread};

use tokio::runtime::Builder;

use crate::{
    process::Joined,
    sync::{Fatal, context::RunContext, fetch::downloads},
};

/// The threads. Dropping them waits until they have ended.
pub(crate) struct DownloadThreads {
    ctx: Arc<RunContext>,
    threads: Vec<Joined>,
}

impl DownloadThreads {
    /// Starts the threads.
    pub(crate) fn start(ctx: &Arc<RunContext>) -> Result<Self, Fatal> {
        let failed = |error| Fatal::Internal(format!("cannot start a thread: {error}"));
        let mut started = Self { ctx: Arc::clone(ctx), threads: Vec::new() };
        for (thread, slots) in ctx.transfers.backlog.slots().into_iter().enumerate() {
            let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
            let ctx = Arc::clone(ctx);
            let run = move || {
                // Nothing else would end the jobs of a thread that dies. It is dropped before the runtime, which may wait.
                let _end_run = OnPanic(|| {
                    ctx.stop.fatal(died());
                    ctx.transfers.backlog.close();
                });
                runtime.block_on(downloads::all(&ctx, thread, slots));
            };
            started.threads.push(Joined::spawn("download", run).map_err(failed)?);
        }
        Ok(started)
    }
}

impl Drop for DownloadThreads {
    fn drop(&mut self) {
        if thread::panicking() {
            self.ctx.stop.fatal(died());
        }
        self.ctx.transfers.backlog.close();
        self.threads.clear();
    }
}

/// Does something if its thread panics.
struct OnPanic<F: Fn()>(F);

impl<F: Fn()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0();
        }
    }
}

fn died() -> Fatal {
    Fatal::Internal("a download thread has died; please report the messages above".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use super::*;

    #[test]
    fn only_a_thread_that_dies_ends_the_run() {
        for dies in [false, true] {
            let ended = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&ended);
            let thread = thread::spawn(move || {
                let _guard = OnPanic(|| flag.store(true, Relaxed));
                assert!(!dies, "on purpose");
            });
            assert_eq!(thread.join().is_err(), dies);
            assert_eq!(ended.load(Relaxed), dies);
        }
    }
}
