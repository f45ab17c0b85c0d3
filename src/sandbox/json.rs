//! Hand-written JSON: search pages are most of the traffic, and a tree of values per item would cost more than
//! everything else.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use super::id::{Guid, mix};

/// Which GUIDs of a response are in upper case.
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

pub(super) struct Json(Vec<u8>);

impl Json {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(super) fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.value(text)
    }

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

    /// Seconds since 1970, in the format of RFC 3339.
    pub(super) fn time(&mut self, seconds: i64) -> &mut Self {
        self.value(&Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.0.into()
    }
}
