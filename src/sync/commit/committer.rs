//! Publishing in groups, and recording what was published.
//!
//! One thread does all of it. What lies in the queue when it looks makes a group: the busier
//! the transfers, the larger the groups. For a group, in this order:
//!
//! 1. the files that will leave are hashed,
//! 2. one barrier makes the group's bytes durable, and with them the names of the group before,
//! 3. one transaction records the group before, and commits this group's intents,
//! 4. the intents are carried out.
//!
//! So an intent is durable before the tree changes, a row is committed only over durable bytes
//! under durable names, and a crash anywhere leaves intents that [`replay`] carries out again.

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{
    mirror::Mirror,
    report::Tally,
    state::State,
    sync::{
        Fatal,
        commit::{batch::Batch, names::Names, operation::Operation},
        stop::Stop,
    },
};

/// Most operations in a batch.
const GROUP: usize = 512;

/// How long a batch waits for more.
const GATHER: Duration = Duration::from_millis(500);

/// Operations that may wait, or are in a batch.
const QUEUE: usize = 2048;

enum Message {
    Operation(Box<Operation>, OwnedSemaphorePermit),
    Flush(oneshot::Sender<()>),
}

/// The way to the thread.
#[derive(Debug)]
pub(crate) struct Committer {
    queue: mpsc::Sender<Message>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
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
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || keep(&operations, batch, &stop))
            .map_err(|error| Fatal::Internal(format!("cannot start a thread: {error}")))?;
        Ok(Self { queue, room: Arc::new(Semaphore::new(QUEUE)), thread: Some(thread) })
    }

    /// Submits an operation, waiting while too many wait already.
    pub(crate) async fn submit(&self, operation: Operation) -> Result<(), Fatal> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(|_| died())?;
        self.queue.send(Message::Operation(Box::new(operation), permit)).map_err(|_| died())
    }

    /// Waits until every operation so far is carried out and recorded.
    pub(crate) async fn flush(&self) -> Result<(), Fatal> {
        let (reply, done) = oneshot::channel();
        self.queue.send(Message::Flush(reply)).map_err(|_| died())?;
        done.await.map_err(|_| died())
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        // The thread ends when its queue does; what it was given is recorded before.
        self.queue = mpsc::channel().0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn died() -> Fatal {
    Fatal::Internal("the committer's thread has died; please report the messages above".to_owned())
}

/// The thread: groups until the queue ends. After a fatal error operations are only taken in, so
/// that nobody waits for room.
fn keep(operations: &mpsc::Receiver<Message>, mut batch: Batch, stop: &Stop) {
    let mut broken = false;
    while let Ok(first) = operations.recv() {
        let Group { operations: group, permits, flushes } = gather(first, operations);
        // With nothing else to do there is no later group to record this one.
        let idle = group.len() < GROUP;
        if !broken {
            let done = batch.publish(group).and_then(|()| if idle { batch.flush() } else { Ok(()) });
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
}

#[derive(Default)]
struct Group {
    operations: Vec<Operation>,
    permits: Vec<OwnedSemaphorePermit>,
    flushes: Vec<oneshot::Sender<()>>,
}

/// What lies in the queue, and what comes within a moment.
fn gather(first: Message, queue: &mpsc::Receiver<Message>) -> Group {
    let mut group = Group::default();
    let until = Instant::now() + GATHER;
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Operation(operation, permit) => {
                group.operations.push(*operation);
                group.permits.push(permit);
            }
            Message::Flush(reply) => {
                group.flushes.push(reply);
                break;
            }
        }
        if group.operations.len() >= GROUP {
            break;
        }
        next = queue.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
    }
    group
}
