//! JSON written by hand: search pages are most of what a sandbox answers, and a tree of values per
//! item would cost more than everything else together.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use super::id::{Guid, mix};

/// Which GUIDs of an answer are shown in upper case.
#[derive(Clone, Copy)]
pub(super) struct Casing {
    /// Differs from request to request.
    pub(super) roll: u64,
    pub(super) mixed: bool,
}

impl Casing {
    fn upper(self, guid: Guid) -> bool {
        self.mixed && mix(self.roll ^ guid.low()).is_multiple_of(23)
    }
}

/// JSON text that grows.
pub(super) struct Json(Vec<u8>);

impl Json {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Text that is JSON already.
    pub(super) fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// A string.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.value(text)
    }

    /// Anything that can be written as JSON.
    pub(super) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        if let Err(error) = serde_json::to_writer(&mut self.0, value) {
            // Strings and values always can.
            tracing::error!(%error, "a value can't be written as JSON");
        }
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.value(&number)
    }

    pub(super) fn guid(&mut self, guid: Guid, casing: Casing) -> &mut Self {
        self.0.push(b'"');
        self.0.extend_from_slice(&guid.text(casing.upper(guid)));
        self.0.push(b'"');
        self
    }

    /// A point in time, given in seconds since 1970, as RFC 3339 has it.
    pub(super) fn time(&mut self, seconds: i64) -> &mut Self {
        self.value(&Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.0.into()
    }
}
