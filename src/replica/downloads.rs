//! Downloads the contents of a copy into a mirror, many at the same time.
//!
//! Threads look for what is there, and download the rest into files below `tmp/`. One thread makes batches of these durable, and
//! then visible: a file of the tree or an object has its bytes on the disk before it has its name.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use super::{Error, open_copy::OpenCopy};
use crate::{
    mirror::{self, ContentLocation, ErrorKind, Mirror, OnDisk, Outcome, Stage, digest, stamp_of},
    model::{DocumentId, Intent, RelPath, Sha256, Staged, Stamp, Step},
    report::Progress,
    state::{Known, NeededObject, Restamp},
};

/// Rows that are read at once.
const PAGE: usize = 512;

/// Contents that wait for each thread, and for the one that publishes.
const WAITING: usize = 16;

/// Files that are made durable and visible together.
const BATCH: usize = 1000;

/// Bytes that are made durable together.
const BATCH_BYTES: u64 = 256 << 20;

/// The largest file that is written without a name: a longer one would hold its disk space even if the download failed for good.
const WHOLE: u64 = 4 << 20;

/// Why something could not be recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LackCause {
    /// The copy lacks it.
    Missing,
    /// The copy has other bytes.
    Damaged,
    /// Something else is at its path.
    InTheWay,
    /// The file system refused it.
    Refused(String),
}

impl fmt::Display for LackCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the copy lacks its bytes"),
            Self::Damaged => f.write_str("its bytes in the copy are damaged"),
            Self::InTheWay => f.write_str("a file with other bytes is at its path and was left as it is"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

/// Something that could not be recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The document.
    pub document: DocumentId,
    /// Its path, or its last one.
    pub path: RelPath,
    /// Whether it is the current version, rather than an old one.
    pub is_current: bool,
    /// Why.
    pub cause: LackCause,
}

/// What was downloaded.
#[derive(Debug, Default)]
pub(super) struct Downloaded {
    pub(super) documents: u64,
    pub(super) objects: u64,
    pub(super) bytes: u64,
    /// What was there.
    pub(super) known: u64,
    /// Documents that could not be downloaded.
    pub(super) lacking: Vec<Lacking>,
    /// Objects that could not be.
    pub(super) lost: HashMap<Sha256, LackCause>,
}

/// Downloads the contents of a copy.
pub(super) struct Downloads<'d> {
    pub(super) mirror: &'d Mirror,
    pub(super) copy: &'d OpenCopy<'d>,
    pub(super) progress: &'d Arc<Progress>,
    pub(super) threads: usize,
}

/// A content and its place.
enum Wanted {
    Document(Box<Known>),
    Object(NeededObject),
}

impl Wanted {
    fn content(&self) -> (Sha256, u64) {
        match self {
            Self::Document(known) => (known.sha256, known.stamp.size),
            Self::Object(object) => (object.sha256, object.size),
        }
    }
}

/// What became of it so far.
enum Fetched {
    /// It was there, with this stamp.
    Was(Stamp),
    Staged(Staged),
    Lacks(LackCause),
}

type Told = (Wanted, Fetched);

impl Downloads<'_> {
    /// Downloads everything that the state of the copy names and that is not there. The first error ends it, and what was downloaded
    /// by then counts for the next try.
    pub(super) fn run(&self) -> Result<Downloaded, Error> {
        let extent = self.copy.state.read(|r| r.checkable())?;
        Progress::add(&self.progress.new.downloads, extent.documents + extent.objects);
        let broken = &Mutex::new(None);
        let (jobs, queue) = sync_channel(self.threads * WAITING);
        let (told, outcomes) = sync_channel(self.threads * WAITING);
        let queue = Mutex::new(queue);
        let published = std::thread::scope(|scope| {
            for _ in 0..self.threads {
                let (told, queue) = (told.clone(), &queue);
                scope.spawn(move || self.work(queue, &told, broken));
            }
            drop(told);
            let publisher = scope.spawn(move || self.publish(outcomes, broken));
            if let Err(error) = self.list(&jobs, broken) {
                breaks(broken, error);
            }
            drop(jobs);
            publisher.join()
        });
        if let Some(error) = broken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        published.map_err(|_| Error::Internal("the thread that publishes has panicked".to_owned()))
    }

    /// Hands out all documents, then all objects.
    fn list(&self, jobs: &SyncSender<Wanted>, broken: &Mutex<Option<Error>>) -> Result<(), Error> {
        let state = &self.copy.state;
        let hand_out = |wanted| !is_broken(broken) && jobs.send(wanted).is_ok();
        let mut last = 0;
        loop {
            let page = state.read(|r| r.documents_after(last, PAGE))?;
            let Some(end) = page.last() else { break };
            last = end.number;
            if !page.into_iter().all(|known| hand_out(Wanted::Document(Box::new(known)))) {
                return Ok(());
            }
        }
        let mut last = None;
        loop {
            let page = state.read(|r| r.objects_after(last.as_ref(), PAGE))?;
            let Some(end) = page.last() else { return Ok(()) };
            last = Some(end.sha256);
            if !page.into_iter().all(|object| hand_out(Wanted::Object(object))) {
                return Ok(());
            }
        }
    }

    fn work(&self, queue: &Mutex<Receiver<Wanted>>, told: &SyncSender<Told>, broken: &Mutex<Option<Error>>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(wanted) = next else { return };
            if is_broken(broken) {
                // The queue must become empty, so that nobody waits for room in it.
                continue;
            }
            let fetched = match self.fetch(&wanted) {
                Ok(fetched) => fetched,
                Err(Error::Mirror(error)) if error.kind() == ErrorKind::Document => {
                    Fetched::Lacks(LackCause::Refused(error.to_string()))
                }
                Err(error) => {
                    breaks(broken, error);
                    continue;
                }
            };
            if told.send((wanted, fetched)).is_err() {
                return;
            }
        }
    }

    fn fetch(&self, wanted: &Wanted) -> Result<Fetched, Error> {
        let (sha256, size) = wanted.content();
        let (place, mtime) = match wanted {
            Wanted::Document(known) => (ContentLocation::Tree(&known.path), Some(known.stamp.mtime)),
            Wanted::Object(_) => (ContentLocation::Object(&sha256), None),
        };
        if let Some(was) = self.look(place, &sha256)? {
            return Ok(was);
        }
        let Some(mut reader) = self.copy.content(&sha256)? else { return Ok(Fetched::Lacks(LackCause::Missing)) };
        if reader.size() != size {
            return Ok(Fetched::Lacks(LackCause::Damaged));
        }
        let mut stage =
            if size <= WHOLE { Stage::whole(self.mirror, false) } else { Stage::create(self.mirror, false) }?;
        while let Some(piece) = reader.next_piece()? {
            if stage.written() + piece.len() as u64 > size {
                return Ok(Fetched::Lacks(LackCause::Damaged));
            }
            stage.write(&piece)?;
            Progress::add(&self.progress.bytes, piece.len() as u64);
        }
        let time = mtime.and_then(|time| jiff::Timestamp::from_second(time.div_euclid(1_000_000_000)).ok());
        let staged = stage.finish(time)?;
        if staged.sha256 == sha256 {
            return Ok(Fetched::Staged(staged));
        }
        self.mirror.discard(&staged.name)?;
        Ok(Fetched::Lacks(LackCause::Damaged))
    }

    /// What is there, by its hash: a time or an inode proves nothing about a file that an interrupted command left.
    fn look(&self, place: ContentLocation<'_>, sha256: &Sha256) -> Result<Option<Fetched>, Error> {
        let root = self.mirror.root();
        let found = match place {
            ContentLocation::Tree(path) => root.look(path)?,
            ContentLocation::Object(object) => root.look_at_object(object)?,
        };
        let mut file = match found {
            OnDisk::Missing => return Ok(None),
            OnDisk::File(_) => match root.read(place)? {
                Some(file) => file,
                None => return Ok(None),
            },
            OnDisk::Other(what) => return Ok(Some(Fetched::Lacks(LackCause::Refused(format!("its path is {what}"))))),
        };
        let failed = |e: std::io::Error| Error::Scratch { what: "reading", path: root.path().to_owned(), source: e };
        let stamp = stamp_of(&file).map_err(failed)?;
        let is_right = digest(&mut file, |_| Ok(())).map_err(failed)? == *sha256;
        Ok(match place {
            _ if is_right => Some(Fetched::Was(stamp)),
            ContentLocation::Tree(_) => Some(Fetched::Lacks(LackCause::InTheWay)),
            // A damaged object is replaced.
            ContentLocation::Object(_) => None,
        })
    }

    /// Publishes what comes until all threads have ended.
    fn publish(&self, outcomes: Receiver<Told>, broken: &Mutex<Option<Error>>) -> Downloaded {
        let mut batch =
            Batch { downloads: self, done: Downloaded::default(), staged: Vec::new(), bytes: 0, stamps: Vec::new() };
        let mut failed = false;
        for told in outcomes {
            Progress::add(&self.progress.downloads_done, 1);
            if failed {
                continue;
            }
            if let Err(error) = batch.take(told) {
                breaks(broken, error);
                failed = true;
            }
        }
        // After an error of a thread, too: what it has counts for the next try.
        if !failed && let Err(error) = batch.flush() {
            breaks(broken, error);
        }
        batch.done
    }
}

fn is_broken(broken: &Mutex<Option<Error>>) -> bool {
    broken.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

fn breaks(broken: &Mutex<Option<Error>>, error: Error) {
    broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

/// Files that become durable and visible together.
struct Batch<'d> {
    downloads: &'d Downloads<'d>,
    done: Downloaded,
    staged: Vec<(Wanted, Staged)>,
    bytes: u64,
    stamps: Vec<Restamp>,
}

impl Batch<'_> {
    fn take(&mut self, (wanted, fetched): Told) -> Result<(), Error> {
        match fetched {
            Fetched::Was(stamp) => {
                self.done.known += 1;
                self.count(&wanted, stamp);
            }
            Fetched::Lacks(cause) => self.lacks(wanted, cause),
            Fetched::Staged(staged) => {
                self.bytes += staged.stamp.size;
                self.staged.push((wanted, staged));
            }
        }
        if self.staged.len() >= BATCH || self.bytes >= BATCH_BYTES || self.stamps.len() >= BATCH {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let mirror = self.downloads.mirror;
        if !self.staged.is_empty() {
            mirror.barrier()?;
        }
        for (wanted, staged) in std::mem::take(&mut self.staged) {
            let stamp = staged.stamp;
            match self.put(&wanted, staged)? {
                None => self.count(&wanted, stamp),
                Some(cause) => self.lacks(wanted, cause),
            }
        }
        self.bytes = 0;
        let stamps = std::mem::take(&mut self.stamps);
        Ok(self.downloads.copy.state.write(|w| w.restamp(&stamps))?)
    }

    /// Makes a staged file visible; returns why it could not be.
    fn put(&self, wanted: &Wanted, staged: Staged) -> Result<Option<LackCause>, Error> {
        let mirror = self.downloads.mirror;
        let known = match wanted {
            Wanted::Object(_) => return Ok(mirror.put_object(&staged).map(|()| None)?),
            Wanted::Document(known) => known,
        };
        let name = staged.name.clone();
        let intent = Intent {
            document: known.id.clone(),
            path: known.path.clone(),
            particulars: known.particulars(),
            step: Step::Add { staged },
        };
        let cause = match mirror.apply(&intent) {
            Ok(Outcome::Done { .. }) => return Ok(None),
            Ok(Outcome::Occupied) => LackCause::InTheWay,
            Ok(Outcome::TooLong) => LackCause::Refused("the disk takes no name of this length".to_owned()),
            Ok(Outcome::Lost) => LackCause::Refused("its staged file disappeared".to_owned()),
            Err(error) if error.kind() == ErrorKind::Document => LackCause::Refused(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        mirror.discard(&name).map(|()| Some(cause)).map_err(|error: mirror::Error| error.into())
    }

    fn count(&mut self, wanted: &Wanted, stamp: Stamp) {
        self.done.bytes += stamp.size;
        match wanted {
            Wanted::Object(_) => self.done.objects += 1,
            Wanted::Document(known) => {
                self.done.documents += 1;
                self.stamps.push(Restamp { number: known.number, old: known.stamp, new: stamp });
            }
        }
    }

    fn lacks(&mut self, wanted: Wanted, cause: LackCause) {
        match wanted {
            Wanted::Object(object) => {
                self.done.lost.insert(object.sha256, cause);
            }
            // Its row stays: a run downloads a document whose file is missing again.
            Wanted::Document(known) => {
                let Known { id, path, .. } = *known;
                self.done.lacking.push(Lacking { document: id, path, is_current: true, cause });
            }
        }
    }
}
