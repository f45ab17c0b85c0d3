//! Reading files on several threads.
//!
//! One thread hands out jobs in order, the others read and hash: hashing takes the processor and
//! reading the disk, and with several files under way neither waits for the other.

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
    state::{Claimed, Known},
};

/// Bytes are read in pieces of this size: large enough that calls cost nothing, small enough that
/// they stay in the processor's cache until they are hashed.
const PIECE: usize = 256 * 1024;

/// How long a limited reader sleeps at once, so that it still hears that it should stop.
const NAP: Duration = Duration::from_millis(50);

/// Hands what `feed` sends to a few threads, and waits until everything is worked through.
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

/// What a document's file looks like and holds.
pub(super) fn look_at_document(root: &Root, known: &Known, buffer: &mut [u8], watch: &Watch<'_>) -> Verdict {
    let seen = look(root, ContentLocation::Tree(&known.path), Some(known.stamp.size), buffer, watch);
    classify(&known.stamp, &known.sha256, &seen, !root.is_network())
}

/// What an object holds.
pub(super) fn look_at_object(root: &Root, object: &Claimed, buffer: &mut [u8], watch: &Watch<'_>) -> Verdict {
    let seen = look(root, ContentLocation::Object(&object.sha256), Some(object.size), buffer, watch);
    classify_object(&object.sha256, object.size, &seen)
}

/// What a file hashes to, if it can be read.
pub(super) fn hash_of(root: &Root, place: ContentLocation<'_>, watch: &Watch<'_>) -> Option<Sha256> {
    match look(root, place, None, &mut vec![0; PIECE], watch) {
        FileLook::File(_, hash) => hash,
        _ => None,
    }
}

/// Looks at documents' files on several threads.
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
        // Opened as a file, and a folder or a device.
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

    /// Bytes were read: counts them, waits where there is a limit, and breaks off where the check
    /// is to end.
    fn took(&self, bytes: usize) -> io::Result<()> {
        Progress::add(&self.progress.checked, bytes as u64);
        let mut left = self.bandwidth.charge(bytes);
        while !left.is_zero() && !self.is_over() {
            let nap = left.min(NAP);
            thread::sleep(nap);
            left -= nap;
        }
        if self.is_over() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}
