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
            let alive = Alive(Arc::clone(ctx));
            let run = move || {
                // The runtime is dropped last, since it may wait for its own threads.
                let (runtime, alive) = (runtime, alive);
                runtime.block_on(downloads::all(&alive.0, thread, slots));
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

/// Ends the run if the thread that owns it panics, because nothing else would end its jobs.
struct Alive(Arc<RunContext>);

impl Drop for Alive {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop.fatal(died());
            self.0.transfers.backlog.close();
        }
    }
}

fn died() -> Fatal {
    Fatal::Internal("a download thread has died; please report the messages above".to_owned())
}
