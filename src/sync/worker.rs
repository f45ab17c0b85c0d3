//! Threads that own a value and work with it, so that nothing blocks the runtime.

use std::sync::{
    atomic::{AtomicUsize, Ordering},
    mpsc,
};

use tokio::sync::oneshot;

use super::Fatal;
use crate::process::Joined;

type Call<T> = Box<dyn FnOnce(&mut T) + Send>;

/// A thread that owns a value and carries out calls in their order.
#[derive(Debug)]
pub(super) struct Worker<T> {
    mailbox: Mailbox<T>,
    _thread: Joined,
}

/// Sends calls to a worker without keeping its thread alive. `None` ends the thread.
#[derive(Debug)]
pub(crate) struct Mailbox<T>(mpsc::Sender<Option<Call<T>>>);

impl<T: 'static> Mailbox<T> {
    /// Queues a call.
    pub(crate) fn post(&self, work: impl FnOnce(&mut T) + Send + 'static) -> Result<(), Fatal> {
        self.0.send(Some(Box::new(work))).map_err(|_| died())
    }

    /// Queues a call and blocks this thread for the result. The worker must never wait for this thread.
    pub(crate) fn ask<R: Send + 'static>(&self, work: impl FnOnce(&mut T) -> R + Send + 'static) -> Result<R, Fatal> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.post(move |value| drop(reply.send(work(value))))?;
        answer.recv().map_err(|_| died())
    }
}

impl<T: Send + 'static> Worker<T> {
    /// Starts the thread. Dropping the handle waits until it has ended.
    pub(super) fn start(name: &str, mut value: T) -> Result<Self, Fatal> {
        let (calls, queue) = mpsc::channel::<Option<Call<T>>>();
        let thread =
            Joined::spawn(name, move || queue.into_iter().map_while(|call| call).for_each(|call| call(&mut value)))
                .map_err(|error| Fatal::Internal(format!("cannot start a thread: {error}")))?;
        Ok(Self { mailbox: Mailbox(calls), _thread: thread })
    }

    pub(super) fn mailbox(&self) -> Mailbox<T> {
        Mailbox(self.mailbox.0.clone())
    }

    /// Queues a call and waits for the result.
    pub(super) async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, Fatal> {
        let (reply, answer) = oneshot::channel();
        // A caller that stopped waiting needs no answer.
        self.mailbox.post(move |value| drop(reply.send(work(value))))?;
        answer.await.map_err(|_| died())
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        // A call whose caller stopped waiting still uses the mirror and its lock: the thread is joined after it.
        let _ = self.mailbox.0.send(None);
    }
}

fn died() -> Fatal {
    Fatal::Internal("a thread of this program has died; please report the messages above".to_owned())
}

/// Threads that hash and write.
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

    /// Runs work on the next thread.
    pub(super) async fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Result<R, Fatal> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.workers.len();
        self.workers[next].call(move |()| work()).await
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    #[test]
    fn a_worker_ends_after_its_calls_even_if_a_mailbox_is_kept() {
        let worker = Worker::start("test", Vec::new()).unwrap();
        let mailbox = worker.mailbox();
        let (sender, results) = mpsc::channel();
        for number in 0..100 {
            mailbox.post(move |seen: &mut Vec<i32>| seen.push(number)).unwrap();
        }
        mailbox.post(move |seen| sender.send(seen.len()).unwrap()).unwrap();
        let (tell, ended) = mpsc::channel();
        thread::spawn(move || {
            drop(worker);
            tell.send(()).unwrap();
        });
        ended.recv_timeout(Duration::from_secs(30)).expect("the thread ends");
        assert_eq!(results.try_recv(), Ok(100));
        assert!(mailbox.ask(|seen| seen.len()).is_err());
    }

    #[test]
    fn calls_are_carried_out_in_order() {
        let worker = Worker::start("test", Vec::new()).unwrap();
        let mailbox = worker.mailbox();
        mailbox.post(|seen: &mut Vec<i32>| seen.push(1)).unwrap();
        assert_eq!(mailbox.ask(|seen| seen.clone()).unwrap(), [1]);
    }
}
