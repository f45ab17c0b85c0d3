//! Publishes operations in batches, and records them.
//!
//! One thread does all of it. The busier the downloads, the larger the batches. For each batch, in this order:
//!
//! 1. the files that will leave the tree are hashed,
//! 2. one barrier makes the batch's bytes durable, and the names of the batch before,
//! 3. one transaction records the batch before, and commits this batch's intents,
//! 4. the intents are carried out.
//!
//! An intent is therefore durable before the tree changes, a row is only committed when its bytes and name are durable, and
//! a crash at any point leaves intents that [`replay`] carries out again.

use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use crate::{
    mirror::Mirror,
    process::Joined,
    report::Tally,
    state::State,
    sync::{
        Fatal,
        commit::{
            batch::Batch,
            names::Names,
            operation::Operation,
            queue::{BATCH, Group, Queue},
        },
        stop::Stop,
    },
};

/// Operations that may wait, or are in a batch.
const CAPACITY: usize = 4 * BATCH;

/// The way to the thread.
#[derive(Debug)]
pub(crate) struct Committer {
    queue: Arc<Queue>,
    room: Arc<Semaphore>,
    _thread: Joined,
}

impl Committer {
    pub(crate) fn start(
        mirror: Arc<Mirror>,
        state: Arc<State>,
        names: Names,
        tally: Arc<Tally>,
        stop: Arc<Stop>,
        run: i64,
    ) -> Result<Self, Fatal> {
        let queue = Arc::new(Queue::default());
        let mut batch = Batch::new(mirror, state, names, tally, run);
        let work = Abandoned(Arc::clone(&queue));
        let thread = Joined::spawn("committer", move || commit_all(&work.0, &mut batch, &stop))
            .map_err(|error| Fatal::Internal(format!("cannot start a thread: {error}")))?;
        Ok(Self { queue, room: Arc::new(Semaphore::new(CAPACITY)), _thread: thread })
    }

    /// Submits an operation, waiting while too many wait already.
    pub(crate) async fn submit(&self, operation: Operation) -> Result<(), Fatal> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(|_| died())?;
        if self.queue.push(operation, permit) { Ok(()) } else { Err(died()) }
    }

    /// Waits until every operation so far is carried out and recorded.
    pub(crate) async fn flush(&self) -> Result<(), Fatal> {
        let (reply, done) = oneshot::channel();
        self.queue.flush(reply);
        done.await.map_err(|_| died())
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        // What the thread was given is recorded before it ends.
        self.queue.close();
    }
}

/// Leaves nobody waiting when the thread ends, whatever ends it.
struct Abandoned(Arc<Queue>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn died() -> Fatal {
    Fatal::Internal("the committer's thread has died; please report the messages above".to_owned())
}

/// The thread. After a fatal error operations are only taken in, so that nobody waits for room.
fn commit_all(queue: &Queue, batch: &mut Batch, stop: &Stop) {
    let mut broken = false;
    while let Some(group) = queue.next() {
        let is_due = group.is_due();
        let Group { operations, permits, flushes } = group;
        if !broken {
            let done = batch.publish(operations).and_then(|()| if is_due { batch.flush() } else { Ok(()) });
            if let Err(error) = done {
                stop.fatal(error);
                broken = true;
            }
        }
        drop(permits);
        for reply in flushes {
            let _ = reply.send(());
        }
    }
    if !broken && let Err(error) = batch.flush() {
        stop.fatal(error);
    }
}
