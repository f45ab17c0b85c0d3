//! Writing what was mirrored once into a folder of its own.
//!
//! For each file there are up to two sources: a file of the present tree that should hold the same
//! bytes, and the object. The state says where to look, and the hash says whether that is it: a run
//! may be at work, somebody may have edited a file, a disk may have changed a byte. Only bytes with
//! the recorded hash are given out; everything else is named.

use std::sync::{
    Mutex, PoisonError,
    mpsc::{self, Receiver, SyncSender},
};

use serde::Serialize;

use crate::{
    mirror::{self, ContentLocation, ErrorKind, Giver, OnDisk, Root, Target, WriteOutcome},
    model::{DocumentId, RelPath, Sha256, VersionId},
    report::Progress,
    state::Remembered,
};

/// Files that a thread takes at once. They follow each other in the order of paths, so that most
/// lie in one folder.
const BATCH: usize = 64;

/// Threads: some hash while others wait for the disk, whose journal each new file has to enter.
const THREADS: usize = 4;

/// Why something could not be given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "reason", content = "error", rename_all = "snake_case")]
pub enum Lack {
    /// Its bytes are nowhere in the mirror.
    #[error("its bytes are not in objects/")]
    NotHeld,
    /// The retention deleted the bytes.
    #[error("its bytes were deleted by the retention")]
    Freed,
    /// Only a file that somebody had edited is held.
    #[error("its file had been edited before it left; what is held is the edited one, which --edited gives")]
    Edited,
    /// The file in the tree is another than was mirrored.
    #[error("its file in the tree is not as it was mirrored any more: somebody changed it, or a run is at work")]
    Changed,
    /// Bytes that should be the wanted ones are not.
    #[error("its bytes are damaged; `verify --repair` may bring them back")]
    Damaged,
    /// It could not be written.
    #[error("{0}")]
    Failed(String),
}

/// A file that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Where it would be.
    pub path: RelPath,
    /// The document.
    #[serde(rename = "document_id")]
    pub document: DocumentId,
    /// The version.
    #[serde(rename = "version_id")]
    pub version: VersionId,
    /// Why it is not there.
    #[serde(flatten)]
    pub lack: Lack,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Files that were given back.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of those, edited files in place of what had been mirrored.
    pub edited: u64,
    /// Files that were not, in the order of their paths.
    pub missing: Vec<Missing>,
    /// Damaged sources, also where another one served.
    pub damaged: u64,
    /// Whether it was ended before all was done.
    pub ended: bool,
}

/// What is needed for it.
pub struct Restore<'a> {
    /// The mirror.
    pub root: &'a Root,
    /// Where to.
    pub target: &'a Target,
    /// What a screen reads.
    pub progress: &'a Progress,
    /// Whether an edited file is given where nothing else is held.
    pub edited: bool,
    /// Whether to end.
    pub ended: &'a (dyn Fn() -> bool + Sync),
}

/// What one file came to.
enum RestoreOutcome {
    Whole(u64),
    Edited(u64),
    Lacks(Lack),
    Ended,
}

impl Restore<'_> {
    /// Writes all that `list` hands out, and makes it durable. `list` ends early when its argument
    /// says so.
    pub fn run<E: From<mirror::Error>>(
        &self,
        list: impl FnOnce(&mut dyn FnMut(Remembered) -> bool) -> Result<(), E>,
    ) -> Result<Restored, E> {
        let done = Mutex::new(Restored::default());
        let broken: Mutex<Option<mirror::Error>> = Mutex::new(None);
        let is_broken = || lock(&broken).is_some();
        // Room for a batch or two a thread: what is listed does not pile up.
        let (sender, receiver) = mpsc::sync_channel(2 * THREADS);
        let receiver = Mutex::new(receiver);
        let listed = std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| self.work(&receiver, &done, &broken));
            }
            self.hand_out(sender, &is_broken, list)
        });
        if let Some(error) = broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.into());
        }
        listed?;
        self.target.finish()?;
        let mut restored = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        restored.missing.sort_by(|a, b| a.path.cmp(&b.path));
        // The last of them may have been told to end without having begun.
        restored.ended |= (self.ended)();
        Ok(restored)
    }

    fn hand_out<E>(
        &self,
        sender: SyncSender<Vec<Remembered>>,
        is_broken: &dyn Fn() -> bool,
        list: impl FnOnce(&mut dyn FnMut(Remembered) -> bool) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut batch = Vec::with_capacity(BATCH);
        list(&mut |mirrored| {
            batch.push(mirrored);
            let full = batch.len() == BATCH;
            let sent = !full || sender.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok();
            sent && !(self.ended)() && !is_broken()
        })?;
        let _ = sender.send(batch);
        drop(sender);
        Ok(())
    }

    /// One thread: takes batches until there are no more. After an error of the disk they are only
    /// taken in, so that nobody waits for room.
    fn work(
        &self,
        queue: &Mutex<Receiver<Vec<Remembered>>>,
        done: &Mutex<Restored>,
        broken: &Mutex<Option<mirror::Error>>,
    ) {
        let mut giver = Giver::new(self.target);
        loop {
            let Ok(batch) = lock(queue).recv() else { return };
            for mirrored in batch {
                if (self.ended)() || lock(broken).is_some() {
                    break;
                }
                if let Err(error) = self.one(&mut giver, mirrored, done) {
                    lock(broken).get_or_insert(error);
                }
                Progress::add(&self.progress.downloads_done, 1);
            }
        }
    }

    fn one(&self, giver: &mut Giver<'_>, mirrored: Remembered, done: &Mutex<Restored>) -> Result<(), mirror::Error> {
        let mut damaged = 0;
        let came = match self.give(giver, &mirrored, &mut damaged) {
            Err(error) if error.kind() == ErrorKind::Document => RestoreOutcome::Lacks(Lack::Failed(error.to_string())),
            other => other?,
        };
        let mut done = lock(done);
        done.damaged += damaged;
        match came {
            RestoreOutcome::Whole(size) | RestoreOutcome::Edited(size) => {
                done.files += 1;
                done.bytes += size;
                done.edited += u64::from(matches!(came, RestoreOutcome::Edited(_)));
                Progress::add(&self.progress.bytes, size);
            }
            RestoreOutcome::Lacks(lack) => {
                let Remembered { path, document, version, .. } = mirrored;
                done.missing.push(Missing { path, document, version, lack });
            }
            RestoreOutcome::Ended => done.ended = true,
        }
        Ok(())
    }

    /// Gives a file from the first source that holds it.
    fn give(
        &self,
        giver: &mut Giver<'_>,
        wanted: &Remembered,
        damaged: &mut u64,
    ) -> Result<RestoreOutcome, mirror::Error> {
        let mut changed = false;
        // The object is tried whatever the state says: a run may just have put it there.
        let tree = wanted.file.as_ref().map(|(path, _)| ContentLocation::Tree(path));
        for place in tree.into_iter().chain([ContentLocation::Object(&wanted.sha256)]) {
            match self.from(giver, place, wanted, &wanted.sha256)? {
                Some(WriteOutcome::Whole(size)) => return Ok(RestoreOutcome::Whole(size)),
                Some(WriteOutcome::Ended) => return Ok(RestoreOutcome::Ended),
                Some(WriteOutcome::Other | WriteOutcome::Unreadable) if self.is_damage(place, wanted)? => *damaged += 1,
                Some(WriteOutcome::Other | WriteOutcome::Unreadable) => changed = true,
                None => {}
            }
        }
        if let Some(edited) = wanted.edited.filter(|_| self.edited) {
            match self.from(giver, ContentLocation::Object(&edited), wanted, &edited)? {
                Some(WriteOutcome::Whole(size)) => return Ok(RestoreOutcome::Edited(size)),
                Some(WriteOutcome::Ended) => return Ok(RestoreOutcome::Ended),
                Some(WriteOutcome::Other | WriteOutcome::Unreadable) => *damaged += 1,
                None => {}
            }
        }
        Ok(RestoreOutcome::Lacks(match () {
            () if *damaged > 0 => Lack::Damaged,
            () if changed => Lack::Changed,
            () if wanted.edited.is_some() && !self.edited => Lack::Edited,
            () if wanted.freed => Lack::Freed,
            () => Lack::NotHeld,
        }))
    }

    /// Gives a file from one source; none where nothing lies there.
    fn from(
        &self,
        giver: &mut Giver<'_>,
        place: ContentLocation<'_>,
        wanted: &Remembered,
        sha256: &Sha256,
    ) -> Result<Option<WriteOutcome>, mirror::Error> {
        let file = match self.root.read(place) {
            Ok(file) => file,
            // What can't be opened is no source; the other one may do.
            Err(error) => {
                tracing::warn!("{error}");
                return Ok(None);
            }
        };
        let Some(mut file) = file else { return Ok(None) };
        giver.give(&wanted.path, &mut file, sha256, wanted.mtime, self.ended).map(Some)
    }

    /// Whether a source with other bytes than recorded is damaged. A file of the tree that was
    /// written to since is somebody's work, or a run's.
    fn is_damage(&self, place: ContentLocation<'_>, wanted: &Remembered) -> Result<bool, mirror::Error> {
        let damage = match (place, &wanted.file) {
            (ContentLocation::Tree(path), Some((_, recorded))) => match self.root.look(path)? {
                OnDisk::File(found) => found.is_same(recorded, !self.root.is_network()),
                OnDisk::Missing | OnDisk::Other(_) => false,
            },
            _ => true,
        };
        if damage {
            tracing::warn!("{} is damaged", place_name(place));
        }
        Ok(damage)
    }
}

fn place_name(place: ContentLocation<'_>) -> String {
    match place {
        ContentLocation::Tree(path) => format!("{:?}", path.as_str()),
        ContentLocation::Object(sha256) => format!("the object {sha256}"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
