//! Jobs between the planner and the threads that download.
//!
//! All threads take from one queue, so a job never waits behind a slow download. A thread leaves a job to another one that
//! has fewer, so that a few large documents don't share one core. Threads that are busy are not woken: they take the next
//! job when they have a free slot.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, Semaphore};

use crate::sync::fetch::job::DownloadJob;

/// Most threads. Two keep up with any disk that a mirror is likely to lie on.
const THREADS: usize = 2;

/// Waiting jobs per slot.
const DEPTH: usize = 4;

/// The queue, and what its threads are doing.
#[derive(Debug)]
pub(crate) struct Backlog {
    queue: Mutex<Queue>,
    /// Wakes a thread.
    ready: Vec<Notify>,
    capacity: Semaphore,
    idle: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<DownloadJob>,
    threads: Vec<Slots>,
    /// Jobs that wait, run or are parked.
    unfinished: usize,
    /// Jobs that were taken since the capacity was last given back.
    taken: usize,
    closed: bool,
}

/// The slots of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slots {
    all: usize,
    used: usize,
}

impl Queue {
    /// Whether a thread may take a job: it has a free slot, and no other thread with a free slot uses fewer.
    fn may_take(&self, thread: usize) -> bool {
        let Slots { all, used } = self.threads[thread];
        used < all && self.threads.iter().all(|other| other.used >= used || other.used >= other.all)
    }
}

impl Backlog {
    /// A backlog for threads that have this many slots between them.
    pub(crate) fn new(slots: usize) -> Self {
        let threads = slots.clamp(1, THREADS);
        let share = |thread| slots / threads + usize::from(thread < slots % threads);
        let threads: Vec<_> = (0..threads).map(|thread| Slots { all: share(thread), used: 0 }).collect();
        Self {
            ready: threads.iter().map(|_| Notify::new()).collect(),
            queue: Mutex::new(Queue { threads, ..Queue::default() }),
            capacity: Semaphore::new(slots.max(1) * DEPTH),
            idle: Notify::new(),
        }
    }

    /// The slots of each thread.
    pub(crate) fn slots(&self) -> Vec<usize> {
        self.queue().threads.iter().map(|slots| slots.all).collect()
    }

    /// Queues a job, waiting while too many wait.
    pub(crate) async fn push(&self, job: DownloadJob) {
        if let Ok(permit) = self.capacity.acquire().await {
            permit.forget();
        }
        let mut queue = self.queue();
        queue.jobs.push_back(job);
        queue.unfinished += 1;
        self.wake(&queue);
    }

    /// The next job for a thread; `None` once the backlog is closed.
    pub(crate) async fn next(&self, thread: usize) -> Option<DownloadJob> {
        loop {
            {
                let mut queue = self.queue();
                if queue.closed {
                    return None;
                }
                if queue.may_take(thread)
                    && let Some(job) = queue.jobs.pop_front()
                {
                    queue.threads[thread].used += 1;
                    queue.taken += 1;
                    // Given back in portions, because each return wakes a binder's reader.
                    if queue.jobs.is_empty() || queue.taken > queue.threads.iter().map(|slots| slots.all).sum() {
                        self.capacity.add_permits(std::mem::take(&mut queue.taken));
                    }
                    self.wake(&queue);
                    return Some(job);
                }
            }
            self.ready[thread].notified().await;
        }
    }

    /// Wakes threads that may take a job.
    fn wake(&self, queue: &Queue) {
        if !queue.jobs.is_empty() {
            (0..self.ready.len())
                .filter(|thread| queue.may_take(*thread))
                .for_each(|thread| self.ready[thread].notify_one());
        }
    }

    /// How many slots a thread uses now.
    pub(crate) fn uses(&self, thread: usize, slots: usize) {
        let mut queue = self.queue();
        if std::mem::replace(&mut queue.threads[thread].used, slots) != slots {
            self.wake(&queue);
        }
    }

    /// A job has ended.
    pub(crate) fn done(&self) {
        let mut queue = self.queue();
        queue.unfinished -= 1;
        if queue.unfinished == 0 {
            self.idle.notify_one();
        }
    }

    /// Waits until every job has ended, or the backlog is closed.
    pub(crate) async fn idle(&self) {
        while !self.is_idle() {
            self.idle.notified().await;
        }
    }

    fn is_idle(&self) -> bool {
        let queue = self.queue();
        queue.unfinished == 0 || queue.closed
    }

    /// Ends the threads once their downloads have ended.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.ready.iter().for_each(Notify::notify_one);
        self.idle.notify_one();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::{
        model::{BinderId, DocumentId, Particulars, RelPath, VersionId},
        report::Change,
    };

    #[test]
    fn a_thread_takes_a_job_unless_another_has_fewer() {
        for (slots, may_take) in [
            ([(2, 0), (2, 0)], [true, true]),
            ([(2, 1), (2, 0)], [false, true]),
            ([(2, 1), (2, 1)], [true, true]),
            ([(2, 2), (2, 1)], [false, true]),
            ([(2, 2), (2, 2)], [false, false]),
            // A full thread takes nothing, so it holds nobody up.
            ([(1, 1), (3, 2)], [false, true]),
        ] {
            let threads = slots.map(|(all, used)| Slots { all, used }).to_vec();
            let queue = Queue { threads, ..Queue::default() };
            assert_eq!([0, 1].map(|thread| queue.may_take(thread)), may_take, "{slots:?}");
        }
    }

    fn job() -> DownloadJob {
        DownloadJob {
            document: DocumentId::parse("d").unwrap(),
            path: RelPath::new("B/d").unwrap(),
            particulars: Particulars {
                binder: BinderId::parse("b").unwrap(),
                folder: None,
                file_name: "d".to_owned(),
                version: VersionId::parse("v").unwrap(),
                metadata: None,
            },
            replaces: false,
            change: Change::Added,
            object: None,
            found: false,
            check: None,
        }
    }

    fn is_ready<T>(future: impl Future<Output = T>) -> bool {
        future.now_or_never().is_some()
    }

    #[test]
    fn jobs_wait_for_a_slot_and_idle_for_all_of_them() {
        let backlog = Backlog::new(3);
        assert_eq!(backlog.slots(), [2, 1]);
        assert!(is_ready(backlog.idle()));
        for _ in 0..3 * DEPTH {
            assert!(is_ready(backlog.push(job())));
        }
        assert!(!is_ready(backlog.push(job())), "as many wait as may");
        assert!(is_ready(backlog.next(0)));
        assert!(!is_ready(backlog.next(0)), "the other thread has fewer");
        assert!(is_ready(backlog.next(1)));
        assert!(!is_ready(backlog.next(1)), "its only slot is used");
        assert!(is_ready(backlog.next(0)));
        for _ in 3..3 * DEPTH {
            backlog.uses(0, 1);
            assert!(is_ready(backlog.next(0)));
        }
        assert!(is_ready(backlog.push(job())), "there is room again");
        for _ in 0..3 * DEPTH {
            backlog.done();
        }
        assert!(!is_ready(backlog.idle()), "one job has not ended");
        backlog.done();
        assert!(is_ready(backlog.idle()));
    }

    #[test]
    fn a_thread_is_woken_when_another_uses_more_slots() {
        let backlog = Backlog::new(4);
        backlog.uses(0, 1);
        assert!(is_ready(backlog.push(job())));
        let mut next = std::pin::pin!(backlog.next(0));
        assert!(!is_ready(&mut next), "the other thread has fewer");
        backlog.uses(1, 2);
        assert!(is_ready(&mut next));
    }

    #[test]
    fn closing_ends_whoever_waits() {
        let backlog = Backlog::new(1);
        assert!(is_ready(backlog.push(job())));
        let mut idle = std::pin::pin!(backlog.idle());
        assert!(!is_ready(&mut idle));
        backlog.close();
        assert!(is_ready(idle));
        assert!(backlog.next(0).now_or_never().unwrap().is_none());
    }
}
