//! Uploads one file under the hash of its bytes.
//!
//! Bytes become an object only if they have the hash that its key names: a small file is hashed before it is sent, and a large one
//! is completed only after its last part was hashed.

use std::{
    fs::File,
    io::{self, Read},
    num::NonZeroU64,
    sync::{Condvar, Mutex, PoisonError},
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256 as Hasher};

use super::{
    Error,
    store::{ErrorKind, PutOutcome, Store, StoreError},
};
use crate::{model::Sha256, pace::Bandwidth};

/// The largest file that is sent with one request, in bytes.
pub(super) const SMALL: u64 = 8 << 20;

/// The least size of a part in bytes: S3 takes none below 5 MiB.
const PART: u64 = 5 << 20;

/// Parts of the largest file; S3 takes 10,000.
const MOST_PARTS: u64 = 9_000;

/// Bytes that all uploads together hold in memory, unless one part alone is larger.
const MEMORY: u64 = 24 << 20;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uploaded {
    /// It was sent.
    Sent,
    /// The store had it.
    Was,
    /// The file has other bytes than its key names; nothing was written.
    Different,
    /// The file can't be read.
    Unreadable,
    /// The object is damaged, and the credentials may not replace it.
    Refused,
}

/// What happens to an object that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays if it has the right size.
    Keep,
    /// It is known to be damaged.
    Replace,
}

/// Uploads files, within limits that all of them share.
#[derive(Debug)]
pub(super) struct Uploader<'s> {
    store: &'s Store,
    bandwidth: Bandwidth,
    memory: Budget,
}

/// Why the parts of a file were not completed.
enum Unfinished {
    Store(StoreError),
    Different,
    Unreadable,
}

impl From<StoreError> for Unfinished {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<'s> Uploader<'s> {
    pub(super) fn new(store: &'s Store, bandwidth: Option<NonZeroU64>) -> Self {
        Self { store, bandwidth: Bandwidth::new(bandwidth), memory: Budget::new(MEMORY) }
    }

    /// Uploads an open file, whose hash and size are known, from its beginning.
    pub(super) fn upload(
        &self,
        key: &str,
        file: &mut File,
        known: (&Sha256, u64),
        existing: Existing,
    ) -> Result<Uploaded, StoreError> {
        if known.1 <= SMALL { self.small(key, file, known, existing) } else { self.large(key, file, known, existing) }
    }

    fn small(
        &self,
        key: &str,
        file: &mut File,
        (sha256, size): (&Sha256, u64),
        existing: Existing,
    ) -> Result<Uploaded, StoreError> {
        let _held = self.memory.take(size);
        let Ok(bytes) = read_up_to(file, size + 1) else { return Ok(Uploaded::Unreadable) };
        if Sha256::new(Hasher::digest(&bytes).into()) != *sha256 {
            return Ok(Uploaded::Different);
        }
        self.pace(bytes.len());
        match self.store.put_new(key, &bytes)? {
            PutOutcome::Created => return Ok(Uploaded::Sent),
            PutOutcome::Exists if existing == Existing::Keep && self.store.size(key)? == Some(size) => {
                return Ok(Uploaded::Was);
            }
            // It is damaged or was cut off, and here are the right bytes.
            PutOutcome::Exists => {}
        }
        self.store.replace(key, bytes).map(|()| Uploaded::Sent)
    }

    fn large(
        &self,
        key: &str,
        file: &mut File,
        (sha256, size): (&Sha256, u64),
        existing: Existing,
    ) -> Result<Uploaded, StoreError> {
        match self.store.size(key)? {
            Some(found) if found == size && existing == Existing::Keep => return Ok(Uploaded::Was),
            Some(_) => self.store.allow_overwriting(key),
            None => {}
        }
        let part = PART.max(size.div_ceil(MOST_PARTS));
        let (mut hasher, mut held) = (Hasher::new(), None);
        let next = || {
            drop(held.take());
            held = Some(self.memory.take(part));
            let bytes = read_up_to(file, part).map_err(|_| Unfinished::Unreadable)?;
            if bytes.is_empty() {
                let found = Sha256::new(hasher.clone().finalize().into());
                return if found == *sha256 { Ok(None) } else { Err(Unfinished::Different) };
            }
            hasher.update(&bytes);
            self.pace(bytes.len());
            Ok(Some(bytes))
        };
        match self.store.put_parts(key, next) {
            Ok(()) => Ok(Uploaded::Sent),
            Err(Unfinished::Different) => Ok(Uploaded::Different),
            Err(Unfinished::Unreadable) => Ok(Uploaded::Unreadable),
            // Another writer was faster, or an answer was lost.
            Err(Unfinished::Store(error)) if existing == Existing::Keep && self.is_there(key, size) => {
                tracing::debug!("{error}; but it is there");
                Ok(Uploaded::Was)
            }
            Err(Unfinished::Store(error)) => Err(error),
        }
    }

    fn is_there(&self, key: &str, size: u64) -> bool {
        !self.store.is_stopped() && self.store.size(key) == Ok(Some(size))
    }

    /// Uploads a file of our own, which must have the bytes that it was written with.
    pub(super) fn own(
        &self,
        key: &str,
        file: &mut File,
        known: (&Sha256, u64),
        existing: Existing,
    ) -> Result<Uploaded, Error> {
        match self.upload(key, file, known, existing)? {
            done @ (Uploaded::Sent | Uploaded::Was) => Ok(done),
            Uploaded::Different | Uploaded::Unreadable | Uploaded::Refused => {
                let why =
                    "the file that was to be sent does not have the bytes that were written to it; is the disk sound?";
                Err(StoreError::new(ErrorKind::Disk, format!("writing {key}"), why).into())
            }
        }
    }

    /// Waits until these bytes are within the limit.
    fn pace(&self, bytes: usize) {
        let wait = self.bandwidth.charge(bytes);
        if !wait.is_zero() {
            // In pieces, so that a stop is noticed.
            self.store.sleep(wait);
        }
    }
}

fn read_up_to(file: &mut File, most: u64) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(usize::try_from(most).unwrap_or_default());
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Memory that several threads share.
#[derive(Debug)]
struct Budget {
    most: u64,
    left: Mutex<u64>,
    freed: Condvar,
}

/// A part of it, until dropped.
struct Held<'b> {
    budget: &'b Budget,
    bytes: u64,
}

impl Budget {
    fn new(most: u64) -> Self {
        Self { most, left: Mutex::new(most), freed: Condvar::new() }
    }

    /// Takes a part, and waits while others hold it. More than there is at all counts as all of it.
    fn take(&self, bytes: u64) -> Held<'_> {
        let bytes = bytes.min(self.most);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        while *left < bytes {
            left = self.freed.wait(left).unwrap_or_else(PoisonError::into_inner);
        }
        *left -= bytes;
        Held { budget: self, bytes }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self.budget.left.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.budget.freed.notify_all();
    }
}
