//! Reads a file of a store from its beginning to its end.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use futures::{StreamExt as _, stream::BoxStream};
use object_store::ObjectStoreExt as _;

use super::{Store, StoreError};

/// A file of a store that is being read.
pub struct ObjectReader<'s> {
    store: &'s Store,
    key: String,
    size: u64,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    piece: Bytes,
}

impl<'s> ObjectReader<'s> {
    pub(super) fn open(store: &'s Store, key: &str) -> Result<Option<Self>, StoreError> {
        let what = format!("reading {key}");
        match store.wait(&what, store.inner.get(&store.path(key)))? {
            Ok(found) => {
                let (size, stream) = (found.meta.size, found.into_stream());
                Ok(Some(Self { store, key: key.to_owned(), size, stream, piece: Bytes::new() }))
            }
            Err(answer) if StoreError::is_absence(&answer) => Ok(None),
            Err(answer) => Err(StoreError::of(&what, &answer)),
        }
    }

    /// The size that the store announced, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next piece; `None` at the end.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, StoreError> {
        let what = format!("reading {}", self.key);
        match self.store.wait(&what, self.stream.next())? {
            Some(Ok(piece)) => Ok(Some(piece)),
            Some(Err(answer)) => Err(StoreError::of(&what, &answer)),
            None => Ok(None),
        }
    }
}

impl std::fmt::Debug for ObjectReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectReader").field("key", &self.key).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Read for ObjectReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.next_piece() {
                Ok(Some(piece)) => self.piece = piece,
                Ok(None) => return Ok(0),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        let count = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}
