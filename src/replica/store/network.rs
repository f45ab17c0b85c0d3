//! The thread that serves a store's connections.
//!
//! Whoever works with a store does so from threads of its own, which read, hash and wait. Their requests run on these
//! threads; the connections' own work and the timers run here.

use std::{future::Future, thread::JoinHandle};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Network {
    handle: Handle,
    over: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Network {
    /// Starts the thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (over, ended) = oneshot::channel::<()>();
        let serve = move || {
            let _ = runtime.block_on(ended);
            // A file that is still being written by a thread of the pool must not delay the end.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("copy".to_owned()).spawn(serve)?;
        Ok(Self { handle, over: Some(over), thread: Some(thread) })
    }

    /// Waits for work on the calling thread.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle.block_on(work)
    }

    /// The runtime that the connections belong to.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
