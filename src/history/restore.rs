//! Restores documents into another folder.
//!
//! Each file has up to two sources: a current file that should have the same bytes, and an object. The state says where to
//! look and the hash decides, because a run may be active, somebody may have edited a file, and disks may corrupt bytes.
//! Only bytes with the recorded hash are restored; everything else is reported.

use std::sync::{
    Mutex, PoisonError,
    mpsc::{self, Receiver, SyncSender},
};

use serde::Serialize;

use super::ContentSource;
use crate::{
    mirror::{self, ContentLocation, ErrorKind, FileTarget, ReadFailure, WriteFile, WriteOutcome},
    model::{DocumentId, RelPath, Sha256, VersionId},
    report::Progress,
    state::PastDocument,
};

/// Why a document could not be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "reason", content = "error", rename_all = "snake_case")]
pub enum MissingReason {
    /// Its bytes are nowhere in the mirror.
    #[error("its bytes are not in objects/")]
    NotHeld,
    /// The retention deleted the bytes.
    #[error("its bytes were deleted by the retention")]
    Freed,
    /// Only an edited file is kept.
    #[error(
        "its file had been edited before it was replaced or removed; only the edited file is kept, and --edited restores it"
    )]
    Edited,
    /// The file in the tree has changed since it was mirrored.
    #[error("its file in the tree has changed since it was mirrored: somebody edited it, or a run is active")]
    Changed,
    /// The bytes that should be the right ones are damaged.
    #[error("its bytes are damaged; `verify --repair` may bring them back")]
    Damaged,
    /// It could not be written.
    #[error("{0}")]
    Failed(String),
}

impl MissingReason {
    /// Whether another attempt may succeed.
    pub fn is_for_now(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// A file that could not be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Its path.
    pub path: RelPath,
    /// The document.
    #[serde(rename = "document_id")]
    pub document: DocumentId,
    /// The version.
    #[serde(rename = "version_id")]
    pub version: VersionId,
    /// Why it could not be restored.
    #[serde(flatten)]
    pub reason: MissingReason,
}

/// The result of a restore.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Files that were restored.
    pub files: u64,
    /// Their total size in bytes.
    pub bytes: u64,
    /// How many of them are edited files instead of mirrored ones.
    pub edited: u64,
    /// Files that could not be restored, in path order.
    pub missing: Vec<Missing>,
    /// Damaged sources, even if another source was used.
    pub damaged: u64,
    /// Whether it was cancelled.
    pub ended: bool,
}

/// The parameters of a restore.
pub struct Restore<'a> {
    /// Where the bytes are read.
    pub source: &'a dyn ContentSource,
    /// The folder or archive to restore into.
    pub target: &'a dyn FileTarget,
    /// Progress for display.
    pub progress: &'a Progress,
    /// Whether an edited file is restored if nothing else is kept.
    pub edited: bool,
    /// Whether to cancel.
    pub ended: &'a (dyn Fn() -> bool + Sync),
}

/// What a source gave.
enum Attempt {
    Wrote(WriteOutcome),
    /// It can't be read for now, in words.
    Failed(String),
    Absent,
}

/// The result for one file.
enum RestoreOutcome {
    Whole(u64),
    Edited(u64),
    NotRestored(MissingReason),
    Ended,
}

impl Restore<'_> {
    /// Restores all documents that `list` produces, and makes them durable. `list` stops when its argument tells it to.
    pub fn run<E: From<mirror::Error>>(
        &self,
        list: impl FnOnce(&mut dyn FnMut(PastDocument) -> bool) -> Result<(), E>,
    ) -> Result<Restored, E> {
        let done = Mutex::new(Restored::default());
        let broken: Mutex<Option<mirror::Error>> = Mutex::new(None);
        let is_broken = || lock(&broken).is_some();
        let threads = self.source.workers().threads;
        // Limits the queue to one or two batches per thread.
        let (sender, receiver) = mpsc::sync_channel(2 * threads);
        let receiver = Mutex::new(receiver);
        let listed = std::thread::scope(|scope| {
            for _ in 0..threads {
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
        // The last thread may have been cancelled before it began.
        restored.ended |= (self.ended)();
        Ok(restored)
    }

    fn hand_out<E>(
        &self,
        sender: SyncSender<Vec<PastDocument>>,
        is_broken: &dyn Fn() -> bool,
        list: impl FnOnce(&mut dyn FnMut(PastDocument) -> bool) -> Result<(), E>,
    ) -> Result<(), E> {
        let files = self.source.workers().files;
        let mut batch = Vec::with_capacity(files);
        list(&mut |mirrored| {
            batch.push(mirrored);
            let full = batch.len() == files;
            let sent = !full || sender.send(std::mem::replace(&mut batch, Vec::with_capacity(files))).is_ok();
            sent && !(self.ended)() && !is_broken()
        })?;
        let _ = sender.send(batch);
        drop(sender);
        Ok(())
    }

    /// A worker thread: takes batches until there are no more. After a disk error it discards them, so that the producer
    /// isn't blocked.
    fn work(
        &self,
        queue: &Mutex<Receiver<Vec<PastDocument>>>,
        done: &Mutex<Restored>,
        broken: &Mutex<Option<mirror::Error>>,
    ) {
        let mut writer = self.target.writer();
        loop {
            let Ok(batch) = lock(queue).recv() else { return };
            for mirrored in batch {
                if (self.ended)() || lock(broken).is_some() {
                    break;
                }
                if let Err(error) = self.one(&mut *writer, mirrored, done) {
                    lock(broken).get_or_insert(error);
                }
                Progress::add(&self.progress.downloads_done, 1);
            }
        }
    }

    fn one(
        &self,
        writer: &mut dyn WriteFile,
        mirrored: PastDocument,
        done: &Mutex<Restored>,
    ) -> Result<(), mirror::Error> {
        let mut damaged = 0;
        let outcome = match self.restore_file(writer, &mirrored, &mut damaged) {
            Err(error) if error.kind() == ErrorKind::Document => {
                RestoreOutcome::NotRestored(MissingReason::Failed(error.to_string()))
            }
            other => other?,
        };
        let mut done = lock(done);
        done.damaged += damaged;
        match outcome {
            RestoreOutcome::Whole(size) | RestoreOutcome::Edited(size) => {
                done.files += 1;
                done.bytes += size;
                done.edited += u64::from(matches!(outcome, RestoreOutcome::Edited(_)));
                Progress::add(&self.progress.bytes, size);
            }
            RestoreOutcome::NotRestored(reason) => {
                let PastDocument { path, document, version, .. } = mirrored;
                done.missing.push(Missing { path, document, version, reason });
            }
            RestoreOutcome::Ended => done.ended = true,
        }
        Ok(())
    }

    /// Restores a file from the first source with the right bytes.
    fn restore_file(
        &self,
        writer: &mut dyn WriteFile,
        wanted: &PastDocument,
        damaged: &mut u64,
    ) -> Result<RestoreOutcome, mirror::Error> {
        let (mut changed, mut failed) = (false, None);
        // The object is tried whatever the state says, because a run may have just created it.
        let tree = wanted.file.as_ref().map(|(path, _)| ContentLocation::Tree(path));
        for place in tree.into_iter().chain([ContentLocation::Object(&wanted.sha256)]) {
            match self.from(writer, place, wanted, (&wanted.sha256, Some(wanted.size)))? {
                Attempt::Wrote(WriteOutcome::Written(size)) => return Ok(RestoreOutcome::Whole(size)),
                Attempt::Wrote(WriteOutcome::Cancelled) => return Ok(RestoreOutcome::Ended),
                Attempt::Wrote(WriteOutcome::Different | WriteOutcome::Unreadable) => {
                    if self.source.is_damage(place, wanted)? {
                        tracing::warn!("{} is damaged", place_name(place));
                        *damaged += 1;
                    } else {
                        changed = true;
                    }
                }
                Attempt::Failed(why) => failed = Some(why),
                Attempt::Absent => {}
            }
        }
        if let Some(edited) = wanted.edited.filter(|_| self.edited) {
            match self.from(writer, ContentLocation::Object(&edited), wanted, (&edited, None))? {
                Attempt::Wrote(WriteOutcome::Written(size)) => return Ok(RestoreOutcome::Edited(size)),
                Attempt::Wrote(WriteOutcome::Cancelled) => return Ok(RestoreOutcome::Ended),
                Attempt::Wrote(WriteOutcome::Different | WriteOutcome::Unreadable) => *damaged += 1,
                Attempt::Failed(why) => failed = Some(why),
                Attempt::Absent => {}
            }
        }
        Ok(RestoreOutcome::NotRestored(match failed {
            Some(why) => MissingReason::Failed(why),
            None if *damaged > 0 => MissingReason::Damaged,
            None if changed => MissingReason::Changed,
            None if wanted.edited.is_some() && !self.edited => MissingReason::Edited,
            None if wanted.freed => MissingReason::Freed,
            None => MissingReason::NotHeld,
        }))
    }

    /// Restores a file from one place. The size is known of the right bytes only.
    fn from(
        &self,
        writer: &mut dyn WriteFile,
        place: ContentLocation<'_>,
        wanted: &PastDocument,
        (sha256, size): (&Sha256, Option<u64>),
    ) -> Result<Attempt, mirror::Error> {
        let content = match self.source.open(place, size) {
            Ok(content) => content,
            // A place that can't be read is skipped, since the other one may work.
            Err(error) => {
                tracing::warn!("{error}");
                return Ok(Attempt::Absent);
            }
        };
        let Some(mut content) = content else { return Ok(Attempt::Absent) };
        let outcome = writer.write_file(&wanted.path, &mut *content, sha256, wanted.mtime, self.ended)?;
        if outcome == WriteOutcome::Unreadable && (self.ended)() {
            return Ok(Attempt::Wrote(WriteOutcome::Cancelled));
        }
        Ok(match content.failure().filter(|_| outcome == WriteOutcome::Unreadable) {
            Some(ReadFailure::Failed(why)) => Attempt::Failed(why),
            Some(ReadFailure::Absent) => Attempt::Absent,
            None => Attempt::Wrote(outcome),
        })
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
