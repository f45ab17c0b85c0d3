//! The contents of a copy as what a restore reads.

use std::{
    io::{self, Read},
    sync::{Mutex, PoisonError},
};

use super::{
    layout::object_key,
    store::{ObjectReader, Store, StoreError},
};
use crate::{
    history::{ContentSource, Workers},
    mirror::{self, ContentLocation, ContentReader, ReadFailure},
    state::PastDocument,
};

/// Objects that are read at once: most of the time is spent waiting for the store.
const READERS: usize = 16;

/// Reads contents of a copy by their hashes. What fails for one object is told of that one; if the store can't be used at
/// all, everything is to end.
#[derive(Debug)]
pub struct CopyContents<'s> {
    store: &'s Store,
    broken: Mutex<Option<StoreError>>,
}

impl<'s> CopyContents<'s> {
    /// Reads from this store.
    pub fn new(store: &'s Store) -> Self {
        Self { store, broken: Mutex::new(None) }
    }

    /// Whether the store can't be used any more.
    pub fn is_broken(&self) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Why it can't.
    pub fn into_failure(self) -> Option<StoreError> {
        self.broken.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, error: &StoreError) {
        if error.concerns_all() {
            self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
    }
}

impl ContentSource for CopyContents<'_> {
    fn open<'c>(
        &'c self,
        place: ContentLocation<'_>,
        size: Option<u64>,
    ) -> Result<Option<Box<dyn ContentReader + 'c>>, mirror::Error> {
        let ContentLocation::Object(sha256) = place else { return Ok(None) };
        let key = object_key(sha256);
        Ok(Some(Box::new(ObjectContent { contents: self, key, size, opened: None, read: 0, failure: None })))
    }

    fn is_damage(&self, _place: ContentLocation<'_>, _wanted: &PastDocument) -> Result<bool, mirror::Error> {
        Ok(true)
    }

    fn workers(&self) -> Workers {
        Workers { threads: READERS, files: 4 }
    }
}

/// An object that is asked for when its first bytes are read: a file that is there already costs no request.
struct ObjectContent<'c> {
    contents: &'c CopyContents<'c>,
    key: String,
    size: Option<u64>,
    opened: Option<ObjectReader<'c>>,
    read: u64,
    failure: Option<ReadFailure>,
}

impl<'c> ObjectContent<'c> {
    fn opened(&mut self) -> io::Result<&mut ObjectReader<'c>> {
        if self.opened.is_none() {
            let found = match self.contents.store.read(&self.key) {
                Ok(Some(found)) => found,
                Ok(None) => {
                    self.failure = Some(ReadFailure::Absent);
                    return Err(io::ErrorKind::NotFound.into());
                }
                Err(error) => return Err(self.failed(error)),
            };
            if self.size.is_some_and(|size| size != found.size()) {
                return Err(io::Error::other(format!("it has {} bytes", found.size())));
            }
            self.opened = Some(found);
        }
        self.opened.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn failed(&mut self, error: StoreError) -> io::Error {
        self.contents.note(&error);
        self.failure = Some(ReadFailure::Failed(error.to_string()));
        io::Error::other(error)
    }
}

impl Read for ObjectContent<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.opened()?.read(into) {
            Ok(read) => read,
            Err(error) => {
                return Err(match error.downcast::<StoreError>() {
                    Ok(error) => self.failed(error),
                    Err(error) => error,
                });
            }
        };
        self.read += read as u64;
        if self.size.is_some_and(|size| self.read > size) {
            return Err(io::Error::other("it has more bytes than were announced"));
        }
        Ok(read)
    }
}

impl ContentReader for ObjectContent<'_> {
    fn size(&self) -> io::Result<u64> {
        self.size.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    fn failure(&self) -> Option<ReadFailure> {
        self.failure.clone()
    }
}
