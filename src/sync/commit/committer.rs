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

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{
    mirror::Mirror,
    process::Joined,
    report::Tally,
    state::State,
    sync::{
        Fatal,
        commit::{batch::Batch, names::Names, operation::Operation},
        stop::Stop,
    },
};

/// Most operations in a batch.
const BATCH: usize = 512;

/// How long a batch waits for more operations.
const GATHER: Duration = Duration::from_millis(500);

/// Most operations in the queue and the current batch.
const QUEUE: usize = 2048;

enum Message {
    Operation(Box<Operation>, OwnedSemaphorePermit),
    Flush(oneshot::Sender<()>),
}

/// A handle to the committer's thread.
#[derive(Debug)]
pub(crate) struct Committer {
    queue: mpsc::Sender<Message>,
    capacity: Arc<Semaphore>,
    /// It ends with its queue, after it has recorded everything in it.
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
        let (queue, operations) = mpsc::channel();
        let batch = Batch::new(mirror, state, names, tally, run);
        let thread = Joined::spawn("committer", move || commit(&operations, batch, &stop))
            .map_err(|error| Fatal::Internal(format!("cannot start a thread: {error}")))?;
        Ok(Self { queue, capacity: Arc::new(Semaphore::new(QUEUE)), _thread: thread })
    }

    /// Submits an operation; waits while the queue is full.
    pub(crate) async fn submit(&self, operation: Operation) -> Result<(), Fatal> {
        let permit = Arc::clone(&self.capacity).acquire_owned().await.map_err(|_| died())?;
        self.queue.send(Message::Operation(Box::new(operation), permit)).map_err(|_| died())
    }

    /// Waits until every operation so far is carried out and recorded.
    pub(crate) async fn flush(&self) -> Result<(), Fatal> {
        let (reply, done) = oneshot::channel();
        self.queue.send(Message::Flush(reply)).map_err(|_| died())?;
        done.await.map_err(|_| died())
    }
}

fn died() -> Fatal {
    Fatal::Internal("the committer's thread has died; please report the messages above".to_owned())
}

/// Runs the thread until the queue ends. After a fatal error it only empties the queue, so that no sender waits for ever.
fn commit(queue: &mpsc::Receiver<Message>, mut batch: Batch, stop: &Stop) {
    let mut failed = false;
    while let Ok(first) = queue.recv() {
        let Gathered { operations, permits, flushes } = gather(first, queue);
        // A batch that isn't full may be the last one for a while, so it is recorded at once.
        let idle = operations.len() < BATCH;
        if !failed {
            let done = batch.publish(operations).and_then(|()| if idle { batch.flush() } else { Ok(()) });
            if let Err(error) = done {
                stop.fatal(error);
                failed = true;
            }
        }
        drop(permits);
        for reply in flushes {
            let _ = reply.send(());
        }
    }
}

#[derive(Default)]
struct Gathered {
    operations: Vec<Operation>,
    permits: Vec<OwnedSemaphorePermit>,
    flushes: Vec<oneshot::Sender<()>>,
}

/// Collects a batch from the queue, and from what arrives within [`GATHER`].
fn gather(first: Message, queue: &mpsc::Receiver<Message>) -> Gathered {
    let mut batch = Gathered::default();
    let until = Instant::now() + GATHER;
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Operation(operation, permit) => {
                batch.operations.push(*operation);
                batch.permits.push(permit);
            }
            Message::Flush(reply) => {
                batch.flushes.push(reply);
                break;
            }
        }
        if batch.operations.len() >= BATCH {
            break;
        }
        next = queue.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
    }
    batch
}
