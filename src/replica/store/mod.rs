//! The door to a store: everything that is read, written, listed or deleted there goes through [`Store`].
//!
//! Its methods wait for the answer, so they are for threads, not for tasks. A request that failed is tried again by the library, or
//! here if it would be wrong to send it blindly; an error is final. Keys are relative to the copy's prefix.

mod error;
mod network;
mod open;
mod protection;
mod reader;
mod service;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{Error as Answer, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, path::Path};

use super::location::Location;
use crate::{
    pace::{Policy, Retry},
    sync::Stop,
};

pub use error::{ErrorKind, StoreError};
pub use open::{Credentials, StoreSettings, VARIABLES};
pub use protection::Protection;
pub use reader::ObjectReader;

use network::Network;
use protection::Keeper;
use service::Overwritten;

/// Whether a file was written that must not replace another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// It was written.
    Created,
    /// There is one with that key; it was left as it is.
    Exists,
}

/// A file in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the store's clock, in seconds since the epoch.
    pub written_at: i64,
}

/// An open store.
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    keeper: Option<Keeper>,
    location: Location,
    prefix: Path,
    requests: Arc<AtomicU64>,
    overwritten: Overwritten,
    behind: Arc<AtomicI64>,
    stop: Arc<Stop>,
    tries: Policy,
    network: Network,
}

impl Store {
    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// How many requests were sent.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Whether the work is to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Writes a file unless there is one with its key. A write whose answer was lost is found to exist when it is tried again.
    pub fn put_new(&self, key: &str, bytes: &Bytes) -> Result<PutOutcome, StoreError> {
        let what = format!("writing {key}");
        let (path, mut retry) = (self.path(key), Retry::new(&self.tries));
        loop {
            let put = self.inner.put_opts(&path, PutPayload::from(bytes.clone()), PutMode::Create.into());
            match self.wait(&what, put)? {
                Ok(_) => return Ok(PutOutcome::Created),
                Err(answer) => {
                    let error = StoreError::of(&what, &answer);
                    let exists = matches!(answer, Answer::AlreadyExists { .. } | Answer::Precondition { .. });
                    if exists && error.kind != ErrorKind::Unavailable {
                        return Ok(PutOutcome::Exists);
                    }
                    self.pause(&mut retry, error)?;
                }
            }
        }
    }

    /// Lets files in parts with this key replace another one: only for bytes that the key promises and that are damaged there.
    pub fn allow_overwriting(&self, key: &str) {
        self.overwritten.allow(key);
    }

    /// Writes a file whatever was there: only for bytes that its key promises and that are damaged there.
    pub fn replace(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let what = format!("writing {key}");
        self.done(&what, self.inner.put(&self.path(key), PutPayload::from(bytes))).map(drop)
    }

    /// Writes a large file in parts that `next` reads. It comes into being only when `next` is done; if `next` or a part
    /// fails, there is no file. S3 also refuses it if there is another one by then, as some stores do.
    pub fn put_parts<E: From<StoreError>>(
        &self,
        key: &str,
        mut next: impl FnMut() -> Result<Option<Bytes>, E>,
    ) -> Result<(), E> {
        let what = format!("writing {key}");
        let mut upload = self.done(&what, self.inner.put_multipart(&self.path(key)))?;
        let mut send = || -> Result<(), E> {
            while let Some(part) = next()? {
                self.done(&what, upload.put_part(PutPayload::from(part)))?;
            }
            Ok(self.done(&what, upload.complete()).map(drop)?)
        };
        let sent = send();
        if sent.is_err() {
            // The store forgets unfinished parts by a rule of the bucket, too.
            let _ = self.network.wait(async { tokio::time::timeout(ABORT, upload.abort()).await });
        }
        sent
    }

    /// The size of a file; `None` if there is none.
    pub fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        let what = format!("looking for {key}");
        match self.wait(&what, self.inner.head(&self.path(key)))? {
            Ok(found) => Ok(Some(found.size)),
            Err(answer) if StoreError::is_absence(&answer) => Ok(None),
            Err(answer) => Err(StoreError::of(&what, &answer)),
        }
    }

    /// Reads a small file; `None` if there is none. A larger one than `most` bytes is an error.
    pub fn get(&self, key: &str, most: u64) -> Result<Option<Bytes>, StoreError> {
        let what = format!("reading {key}");
        let read = async {
            let found = self.inner.get(&self.path(key)).await?;
            if found.meta.size > most {
                let larger = format!("it has {} bytes, and at most {most} are read", found.meta.size);
                return Ok(Err(StoreError::new(ErrorKind::Other, what.clone(), larger)));
            }
            Ok(Ok(found.bytes().await?))
        };
        match self.wait(&what, read)? {
            Ok(read) => read.map(Some),
            Err(answer) if StoreError::is_absence(&answer) => Ok(None),
            Err(answer) => Err(StoreError::of(&what, &answer)),
        }
    }

    /// Opens a file for reading; `None` if there is none.
    pub fn read(&self, key: &str) -> Result<Option<ObjectReader<'_>>, StoreError> {
        ObjectReader::open(self, key)
    }

    /// Calls `each` for every file of a folder in the order of keys, from the one behind `after` on.
    pub fn list<E: From<StoreError>>(
        &self,
        folder: &str,
        after: Option<&str>,
        mut each: impl FnMut(Listed) -> Result<(), E>,
    ) -> Result<(), E> {
        let what = format!("listing {folder}/");
        let (folder, after) = (self.path(folder), after.map(|after| self.path(after)));
        let mut found = match &after {
            Some(after) => self.inner.list_with_offset(Some(&folder), after),
            None => self.inner.list(Some(&folder)),
        };
        let parts = self.prefix.parts().count();
        while let Some(meta) = self.done(&what, found.try_next())? {
            let key =
                meta.location.parts().skip(parts).map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/");
            each(Listed { key, size: meta.size, written_at: meta.last_modified.timestamp() })?;
        }
        Ok(())
    }

    /// Deletes files, many with one request where the store can. Each has its own result, in the order of the keys; one that is not
    /// there counts as deleted.
    pub fn delete(&self, keys: &[String]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let (what, mut results) = ("deleting files", Vec::with_capacity(keys.len()));
        for keys in keys.chunks(DELETED_AT_ONCE) {
            let paths: Vec<_> = keys.iter().map(|key| Ok(self.path(key))).collect();
            let deleted = self.inner.delete_stream(futures::stream::iter(paths).boxed()).collect::<Vec<_>>();
            let each = |answer: &Result<Path, Answer>| match answer {
                Ok(_) | Err(Answer::NotFound { .. }) => Ok(()),
                Err(answer) => Err(StoreError::of(what, answer)),
            };
            let found: Vec<_> = self.wait(what, deleted)?.iter().map(each).collect();
            match found.iter().find_map(|result| result.as_ref().err()) {
                Some(error) if error.kind != ErrorKind::Forbidden => return Err(error.clone()),
                // The request as a whole was refused.
                Some(error) if found.len() < keys.len() => results.extend(keys.iter().map(|_| Err(error.clone()))),
                _ => results.extend(found),
            }
        }
        Ok(results)
    }

    /// The time by the store's clock, in seconds since the epoch: as its answers say, or this machine's for a folder.
    pub fn now(&self) -> i64 {
        jiff::Timestamp::now().as_second() - self.behind.load(Relaxed)
    }

    /// How far this machine's clock is ahead of the store's, in seconds.
    pub fn clock_difference(&self) -> i64 {
        self.behind.load(Relaxed)
    }

    /// Waits, unless the work is to end.
    pub fn sleep(&self, duration: Duration) {
        // The next request tells that the work was ended.
        let _ = self.wait("waiting", async { tokio::time::sleep(duration).await });
    }

    /// Whether new files are protected from being destroyed.
    pub fn protection(&self) -> Result<Protection, StoreError> {
        let Some(keeper) = &self.keeper else {
            return Ok(Protection::Missing("a folder can't forbid deletions".to_owned()));
        };
        let asked = self.wait("asking for the protection of files", keeper.ask())?;
        Ok(asked.unwrap_or_else(|why| Protection::Unknown(StoreError::shown(&why))))
    }

    fn path(&self, key: &str) -> Path {
        key.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// Waits for work, unless it is to end.
    fn wait<T>(&self, what: &str, work: impl Future<Output = T>) -> Result<T, StoreError> {
        let done = self.network.wait(self.stop.or(work));
        done.ok_or_else(|| StoreError::new(ErrorKind::Stopped, what, "the work was ended"))
    }

    fn done<T>(&self, what: &str, work: impl Future<Output = Result<T, Answer>>) -> Result<T, StoreError> {
        self.wait(what, work)?.map_err(|answer| StoreError::of(what, &answer))
    }

    /// Waits before the next try, or returns the error if there is none.
    fn pause(&self, retry: &mut Retry, error: StoreError) -> Result<(), StoreError> {
        let delay = match error.kind {
            ErrorKind::Unavailable => retry.next(None, tokio::time::Instant::now()),
            _ => None,
        };
        let Some(delay) = delay else { return Err(error) };
        tracing::debug!("{error}; next try in {delay:?}");
        self.wait("waiting", async { tokio::time::sleep(delay).await })
    }
}

/// Files that are deleted with one request: the most that Azure takes.
const DELETED_AT_ONCE: usize = 256;

impl std::fmt::Debug for Store {
    /// Only where it is: the library shows a SAS token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("location", &self.location).finish_non_exhaustive()
    }
}

/// How long giving up an unfinished upload may take.
const ABORT: Duration = Duration::from_secs(5);
