//! Threads that own something and do work with it, so that nothing blocks the runtime.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use tokio::sync::oneshot;

use super::Fatal;

type DownloadJob<T> = Box<dyn FnOnce(&mut T) + Send>;

/// A thread that owns a value and works through calls in the order in which they came.
#[derive(Debug)]
pub(super) struct Worker<T> {
    jobs: mpsc::Sender<DownloadJob<T>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts the thread; dropping the handle waits until it has ended.
    pub(super) fn start(name: &str, mut value: T) -> Result<Self, Fatal> {
        let (jobs, queue) = mpsc::channel::<DownloadJob<T>>();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || queue.into_iter().for_each(|job| job(&mut value)))
            .map_err(|error| Fatal::Internal(format!("cannot start a thread: {error}")))?;
        Ok(Self { jobs, thread: Some(thread) })
    }

    /// Does work with the value and waits for what comes of it.
    pub(super) async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, Fatal> {
        let (reply, answer) = oneshot::channel();
        // Whoever gave up waiting needs no answer.
        let job: DownloadJob<T> = Box::new(move |value| drop(reply.send(work(value))));
        self.jobs.send(job).map_err(|_| died())?;
        answer.await.map_err(|_| died())
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        // A call that nobody waits for any more still uses what it was given: the mirror, and its lock.
        self.jobs = mpsc::channel().0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn died() -> Fatal {
    Fatal::Internal("a thread of this program has died; please report the messages above".to_owned())
}

/// A few threads that hash and write.
#[derive(Debug)]
pub(super) struct Pool {
    workers: Vec<Worker<()>>,
    next: AtomicUsize,
}

impl Pool {
    pub(super) fn start(name: &str, threads: usize) -> Result<Self, Fatal> {
        let workers = (0..threads.max(1)).map(|_| Worker::start(name, ())).collect::<Result<_, _>>()?;
        Ok(Self { workers, next: AtomicUsize::new(0) })
    }

    /// Does work on one of the threads.
    pub(super) async fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Result<R, Fatal> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.workers.len();
        self.workers[next].call(move |()| work()).await
    }
}
