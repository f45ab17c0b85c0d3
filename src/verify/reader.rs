//! Reading files on several threads.
//!
//! One thread produces jobs in order, the others read and hash. Hashing needs the processor and reading needs the
//! disk; with several files at once neither waits for the other.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use super::{
    FileLook, Verdict, Watch,
    classify::{classify, classify_object},
};
use crate::{
    mirror::{self, ContentLocation, Root, digest_with, stamp_of},
    model::Sha256,
    report::Progress,
    state::{Known, NeededObject},
};

/// Size of one read: large enough to make calls cheap, small enough to stay in the processor's cache until it is hashed.
const PIECE: usize = 256 * 1024;

/// How long a limited reader sleeps at a time, so that it notices when it should stop.
const MAX_SLEEP: Duration = Duration::from_millis(50);

/// Distributes what `feed` sends to a few threads, and waits until all of it is done.
pub(super) fn spread<J: Send, T>(feed: impl FnOnce(&SyncSender<J>) -> T, work: impl Fn(J, &mut [u8]) + Sync) -> T {
    let threads = thread::available_parallelism().map_or(2, |n| n.get().max(2));
    let (jobs, queue) = sync_channel(threads * 4);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut buffer = vec![0; PIECE];
                while let Ok(job) = next(&queue) {
                    work(job, &mut buffer);
                }
            });
        }
        let fed = feed(&jobs);
        drop(jobs);
        fed
    })
}

fn next<J>(queue: &Mutex<Receiver<J>>) -> Result<J, RecvError> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv()
}

/// Examines and reads a document's file.
pub(super) fn look_at_document(root: &Root, known: &Known, buffer: &mut [u8], watch: &Watch<'_>) -> Verdict {
    let seen = look(root, ContentLocation::Tree(&known.path), Some(known.stamp.size), buffer, watch);
    classify(&known.stamp, &known.sha256, &seen, !root.is_network())
}

/// Reads an object.
pub(super) fn look_at_object(root: &Root, object: &NeededObject, buffer: &mut [u8], watch: &Watch<'_>) -> Verdict {
    let seen = look(root, ContentLocation::Object(&object.sha256), Some(object.size), buffer, watch);
    classify_object(&object.sha256, object.size, &seen)
}

/// The hash of a file, if it can be read.
pub(super) fn hash_of(root: &Root, place: ContentLocation<'_>, watch: &Watch<'_>) -> Option<Sha256> {
    match look(root, place, None, &mut vec![0; PIECE], watch) {
        FileLook::File(_, hash) => hash,
        _ => None,
    }
}

/// Reads documents' files on several threads.
pub fn prove(root: &Root, documents: Vec<Known>, watch: &Watch<'_>) -> Vec<(Known, Verdict)> {
    let verdicts = Mutex::new(Vec::with_capacity(documents.len()));
    let work = |known: Known, buffer: &mut [u8]| {
        let verdict = look_at_document(root, &known, buffer, watch);
        verdicts.lock().unwrap_or_else(PoisonError::into_inner).push((known, verdict));
    };
    spread(
        |jobs| {
            for known in documents {
                let _ = jobs.send(known);
            }
        },
        work,
    );
    verdicts.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn look(root: &Root, place: ContentLocation<'_>, size: Option<u64>, buffer: &mut [u8], watch: &Watch<'_>) -> FileLook {
    if watch.is_over() {
        return FileLook::Stopped;
    }
    let mut file = match root.read(place) {
        Ok(Some(file)) => file,
        Ok(None) => return FileLook::Nothing,
        Err(error) => return refused(error),
    };
    let read = stamp_of(&file).and_then(|stamp| {
        if size.is_some_and(|size| size != stamp.size) {
            return Ok(FileLook::File(stamp, None));
        }
        let hash = digest_with(buffer, &mut file, |bytes| watch.took(bytes.len()))?;
        Ok(FileLook::File(stamp, Some(hash)))
    });
    read.unwrap_or_else(|error| match error.kind() {
        io::ErrorKind::Interrupted if watch.is_over() => FileLook::Stopped,
        // The path is a folder or a device.
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput | io::ErrorKind::WouldBlock => {
            FileLook::Other("not a file")
        }
        io::ErrorKind::PermissionDenied => FileLook::Refused(error.to_string()),
        _ => FileLook::Broken(error.to_string()),
    })
}

fn refused(error: mirror::Error) -> FileLook {
    match error {
        mirror::Error::InTheWay { what, .. } => FileLook::Other(what),
        mirror::Error::Io { source, .. } if source.kind() == io::ErrorKind::IsADirectory => FileLook::Other("a folder"),
        error if error.kind() == mirror::ErrorKind::Document => FileLook::Refused(error.to_string()),
        error => FileLook::Broken(error.to_string()),
    }
}

impl Watch<'_> {
    pub(super) fn is_over(&self) -> bool {
        (self.stop)()
    }

    /// Counts bytes that were read, waits if there is a limit, and fails if the check should end.
    fn took(&self, bytes: usize) -> io::Result<()> {
        Progress::add(&self.progress.checked, bytes as u64);
        let mut left = self.bandwidth.charge(bytes);
        while !left.is_zero() && !self.is_over() {
            let sleep = left.min(MAX_SLEEP);
            thread::sleep(sleep);
            left -= sleep;
        }
        if self.is_over() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}
