//! Uploads many contents of a mirror at the same time.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use super::{
    Error,
    doubts::Doubts,
    layout::object_key,
    store::{ErrorKind, StoreError},
    upload::{Existing, Uploaded, Uploader},
};
use crate::{
    failpoints::{self, Point},
    mirror::{ContentLocation, Root},
    model::Sha256,
    report::Progress,
    state::{Content, CopyRecord},
};

/// Contents that are recorded at once.
const BATCH: usize = 256;

/// Contents that wait for each thread.
const WAITING: usize = 4;

/// What was uploaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Contents that were sent.
    pub sent: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Contents that the store had although the record did not know.
    pub known: u64,
    /// Contents that the copy lacks afterwards: the mirror itself lacks them, or they are in `refused`.
    pub missing: HashSet<Sha256>,
    /// Damaged objects that the credentials may not replace.
    pub refused: HashSet<Sha256>,
}

impl Transferred {
    /// Counts another round.
    pub(super) fn add(&mut self, other: Self) {
        let Self { sent, bytes, known, missing, refused } = other;
        self.sent += sent;
        self.bytes += bytes;
        self.known += known;
        self.missing.extend(missing);
        self.refused.extend(refused);
    }
}

/// Uploads contents of a mirror.
pub(super) struct Transfers<'t> {
    pub(super) uploader: &'t Uploader<'t>,
    pub(super) root: &'t Root,
    pub(super) record: &'t CopyRecord,
    pub(super) progress: &'t Progress,
    pub(super) threads: usize,
    /// Objects that are known to be damaged.
    pub(super) again: &'t HashSet<Sha256>,
    /// Where contents are noted that were found without a commit that names them; `None` for a first copy, of which nobody
    /// deletes anything.
    pub(super) doubts: Option<Doubts<'t>>,
}

type Outcome = (Content, Result<Uploaded, StoreError>);

impl Transfers<'_> {
    /// Uploads everything that `list` names. What was uploaded is recorded as it comes, so that another try goes on from
    /// there; the first error of the store ends it.
    pub(super) fn run(
        &self,
        list: impl FnOnce(&mut dyn FnMut(Content) -> Result<(), Error>) -> Result<(), Error>,
    ) -> Result<Transferred, Error> {
        let (jobs, queue) = sync_channel(self.threads * WAITING);
        let (told, outcomes) = std::sync::mpsc::channel();
        let (queue, over) = (Mutex::new(queue), AtomicBool::new(false));
        let mut tally =
            Tally { transfers: self, done: Transferred::default(), new: Vec::new(), found: Vec::new(), error: None };
        let listed = std::thread::scope(|scope| {
            for _ in 0..self.threads {
                let (told, queue, over) = (told.clone(), &queue, &over);
                scope.spawn(move || self.work(queue, &told, over));
            }
            drop(told);
            let listed = list(&mut |content| tally.hand_out(content, &jobs, &outcomes));
            drop(jobs);
            for outcome in &outcomes {
                tally.count(outcome);
            }
            listed
        });
        tally.record()?;
        match (tally.error, listed) {
            (Some(error), _) => Err(error),
            (None, listed) => listed.map(|()| tally.done),
        }
    }

    fn work(&self, queue: &Mutex<Receiver<Content>>, told: &std::sync::mpsc::Sender<Outcome>, over: &AtomicBool) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(content) = next else { return };
            // After an error of the store nothing more is tried. The queue is still emptied: somebody may wait to put into it.
            if over.load(Relaxed) {
                continue;
            }
            let outcome = self.one(&content);
            if outcome.is_err() {
                over.store(true, Relaxed);
            }
            if told.send((content, outcome)).is_err() {
                return;
            }
        }
    }

    /// Uploads one content from wherever the mirror has it. The hash decides: a file that somebody edited does not count.
    fn one(&self, content: &Content) -> Result<Uploaded, StoreError> {
        let key = object_key(&content.sha256);
        let existing = if self.again.contains(&content.sha256) { Existing::Replace } else { Existing::Keep };
        let tree = content.path.as_ref().map(ContentLocation::Tree);
        for place in tree.into_iter().chain([ContentLocation::Object(&content.sha256)]) {
            let file = match self.root.read(place) {
                Ok(file) => file,
                Err(error) => {
                    tracing::debug!("{error}");
                    None
                }
            };
            let Some(mut file) = file else { continue };
            if file.metadata().is_ok_and(|found| found.len() != content.size) {
                continue;
            }
            match self.uploader.upload(&key, &mut file, (&content.sha256, content.size), existing) {
                Ok(Uploaded::Different | Uploaded::Unreadable) => {}
                Err(error) if existing == Existing::Replace && error.kind == ErrorKind::Forbidden => {
                    tracing::warn!("a damaged object can't be replaced: {error}");
                    return Ok(Uploaded::Refused);
                }
                other => {
                    let done = other?;
                    failpoints::point(Point::CopyStep, &key);
                    return Ok(done);
                }
            }
        }
        Ok(Uploaded::Unreadable)
    }
}

struct Tally<'t> {
    transfers: &'t Transfers<'t>,
    done: Transferred,
    new: Vec<Sha256>,
    /// First bytes of contents that the store had.
    found: Vec<u8>,
    error: Option<Error>,
}

impl Tally<'_> {
    fn hand_out(
        &mut self,
        content: Content,
        jobs: &SyncSender<Content>,
        outcomes: &Receiver<Outcome>,
    ) -> Result<(), Error> {
        for outcome in outcomes.try_iter() {
            self.count(outcome);
        }
        let over = || Error::Internal("the uploads have ended".to_owned());
        if self.error.is_some() {
            return Err(over());
        }
        jobs.send(content).map_err(|_| over())
    }

    fn count(&mut self, (content, outcome): Outcome) {
        match outcome {
            Ok(Uploaded::Sent) => {
                self.done.sent += 1;
                self.done.bytes += content.size;
                Progress::add(&self.transfers.progress.bytes, content.size);
                self.new.push(content.sha256);
            }
            Ok(Uploaded::Was) => {
                self.done.known += 1;
                self.found.push(content.sha256.as_bytes()[0]);
                self.new.push(content.sha256);
            }
            Ok(Uploaded::Different | Uploaded::Unreadable) => {
                self.done.missing.insert(content.sha256);
            }
            Ok(Uploaded::Refused) => {
                self.done.missing.insert(content.sha256);
                self.done.refused.insert(content.sha256);
            }
            Err(error) => {
                self.error.get_or_insert(error.into());
                return;
            }
        }
        Progress::add(&self.transfers.progress.downloads_done, 1);
        if self.new.len() >= BATCH
            && let Err(error) = self.record()
        {
            self.error.get_or_insert(error);
        }
    }

    fn record(&mut self) -> Result<(), Error> {
        let found = std::mem::take(&mut self.found);
        if let Some(doubts) = self.transfers.doubts.filter(|_| !found.is_empty()) {
            // Noted before the record has them, so that a kill can't lose it.
            doubts.suspect(found)?;
        }
        Ok(self.transfers.record.add(&std::mem::take(&mut self.new))?)
    }
}
