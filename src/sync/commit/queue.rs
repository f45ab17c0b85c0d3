//! Operations that wait for the committer.
//!
//! It is woken for the first operation, for a full batch and for a flush, but not for each operation: a wake-up costs as
//! much as an operation's share of a batch.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::sync::commit::operation::Operation;

/// Most operations in a batch.
pub(super) const BATCH: usize = 512;

/// How long a batch waits for more.
const GATHER: Duration = Duration::from_millis(500);

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    operations: Vec<(Operation, OwnedSemaphorePermit)>,
    flushes: Vec<oneshot::Sender<()>>,
    closed: bool,
}

/// What the committer does next.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) operations: Vec<Operation>,
    /// Room in the queue, given back when the group is done.
    pub(super) permits: Vec<OwnedSemaphorePermit>,
    /// Callers that wait until the group is recorded.
    pub(super) flushes: Vec<oneshot::Sender<()>>,
}

impl Group {
    /// Whether it must be recorded at once: no later batch follows, or somebody waits for it.
    pub(super) fn is_due(&self) -> bool {
        self.operations.len() < BATCH || !self.flushes.is_empty()
    }
}

impl Queue {
    /// Queues an operation; `false` if the queue is closed.
    pub(super) fn push(&self, operation: Operation, permit: OwnedSemaphorePermit) -> bool {
        let mut waiting = self.waiting();
        if waiting.closed {
            return false;
        }
        waiting.operations.push((operation, permit));
        if matches!(waiting.operations.len(), 1 | BATCH) {
            self.filled.notify_one();
        }
        true
    }

    /// Replies once everything that was queued before is recorded. The reply is dropped if the queue is closed.
    pub(super) fn flush(&self, reply: oneshot::Sender<()>) {
        let mut waiting = self.waiting();
        if !waiting.closed {
            waiting.flushes.push(reply);
            self.filled.notify_one();
        }
    }

    /// Closes the queue. Operations that wait are still carried out.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.filled.notify_one();
    }

    /// Drops everything that waits, because the committer has died.
    pub(super) fn abandon(&self) {
        *self.waiting() = Waiting { closed: true, ..Waiting::default() };
    }

    /// The next group; `None` at the end.
    pub(super) fn next(&self) -> Option<Group> {
        let mut waiting = self.waiting();
        while waiting.operations.is_empty() && waiting.flushes.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + GATHER;
        while waiting.operations.len() < BATCH && waiting.flushes.is_empty() && !waiting.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            (waiting, _) = self.filled.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner);
        }
        let count = waiting.operations.len().min(BATCH);
        let (operations, permits) = waiting.operations.drain(..count).unzip();
        let flushes = if waiting.operations.is_empty() { std::mem::take(&mut waiting.flushes) } else { Vec::new() };
        Some(Group { operations, permits, flushes })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;
    use crate::{model::DocumentId, sync::commit::operation::RowChange};

    fn push(queue: &Queue, count: usize) {
        let room = Arc::new(Semaphore::new(count));
        for _ in 0..count {
            let change = RowChange::Unacknowledge { document: DocumentId::parse("d").unwrap() };
            assert!(queue.push(change.into(), Arc::clone(&room).try_acquire_owned().unwrap()));
        }
    }

    #[test]
    fn a_flush_is_answered_with_the_last_operation_before_it() {
        let queue = Queue::default();
        push(&queue, BATCH + 1);
        queue.flush(oneshot::channel().0);
        let counts = |group: Group| (group.operations.len(), group.flushes.len(), group.is_due());
        assert_eq!(queue.next().map(counts), Some((BATCH, 0, false)));
        assert_eq!(queue.next().map(counts), Some((1, 1, true)));
        queue.flush(oneshot::channel().0);
        assert_eq!(queue.next().map(counts), Some((0, 1, true)));
    }

    #[test]
    fn a_full_batch_that_somebody_waits_for_is_recorded_before_the_reply() {
        let queue = Queue::default();
        push(&queue, 2 * BATCH);
        queue.flush(oneshot::channel().0);
        let due = |group: Group| (group.operations.len(), group.flushes.len(), group.is_due());
        assert_eq!(queue.next().map(due), Some((BATCH, 0, false)));
        assert_eq!(queue.next().map(due), Some((BATCH, 1, true)));
    }

    #[test]
    fn a_queue_that_nobody_works_on_takes_no_room() {
        let queue = Queue::default();
        queue.abandon();
        let room = Arc::new(Semaphore::new(1));
        let change = RowChange::Unacknowledge { document: DocumentId::parse("d").unwrap() };
        assert!(!queue.push(change.into(), Arc::clone(&room).try_acquire_owned().unwrap()));
        assert_eq!(room.available_permits(), 1);
    }

    #[test]
    fn what_waits_is_worked_on_before_the_end() {
        let queue = Queue::default();
        push(&queue, 3);
        queue.close();
        assert_eq!(queue.next().map(|group| group.operations.len()), Some(3));
        assert!(queue.next().is_none());
    }

    #[test]
    fn nobody_waits_for_a_committer_that_has_died() {
        let queue = Queue::default();
        let (reply, mut answer) = oneshot::channel();
        queue.flush(reply);
        queue.abandon();
        assert!(answer.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        let (reply, mut answer) = oneshot::channel();
        queue.flush(reply);
        assert!(answer.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    }
}
