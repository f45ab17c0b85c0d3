//! The bytes of a version, as they come.

use std::{cmp::Ordering, fmt, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Response;

use super::{
    announced::Announced,
    blob_head::Head,
    cause::Cause,
    error::Error,
    patience::{Meter, Patience},
    transport,
};
use crate::pace::ConcurrencyLimit;

/// Bytes on their way from storage.
///
/// They are whole only once [`chunk`](Self::chunk) has answered with nothing: it counts them, and fails where they are
/// fewer or more than was announced. Where nothing was announced and `closes` is set, even that
/// proves little, because a broken connection looks the same.
pub struct Blob {
    /// Which byte of the document comes first: 0, or the offset where a download goes on.
    pub start: u64,
    /// What is announced about the whole document.
    pub announced: Announced,
    /// When the bytes were last changed, as storage says.
    pub last_modified: Option<Timestamp>,
    /// What the bytes are said to be encoded as, though no encoding was asked for.
    pub encoding: Option<String>,
    /// Whether the answer bears marks that a store gives to a blob and to no error page.
    pub marked: bool,
    /// Whether nothing but the close of the connection ends the bytes.
    pub closes: bool,
    response: Response,
    lanes: Arc<ConcurrencyLimit>,
    /// The offset after the last byte that came.
    at: u64,
    call: String,
    tries: u32,
    meter: Meter,
    ended: bool,
}

impl Blob {
    pub(super) fn new(
        head: Head,
        response: Response,
        lanes: Arc<ConcurrencyLimit>,
        (call, tries): (String, u32),
        patience: Patience,
    ) -> Self {
        Self {
            start: head.start,
            announced: head.announced,
            last_modified: head.last_modified,
            encoding: head.encoding,
            marked: head.marked,
            closes: head.closes,
            response,
            lanes,
            at: head.start,
            call,
            tries,
            meter: patience.meter(),
            ended: false,
        }
    }

    /// The next bytes; nothing at the end. After an error, what came before it is good, and may be resumed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if self.ended {
            return Ok(None);
        }
        let result = match transport::piece(&mut self.response, &mut self.meter).await {
            Ok(Some(bytes)) => {
                self.at += bytes.len() as u64;
                self.lanes.came(bytes.len() as u64);
                self.length(false).map(|()| Some(bytes))
            }
            Ok(None) => self.length(true).map(|()| None),
            Err(cause) => Err(cause),
        };
        self.ended = !matches!(result, Ok(Some(_)));
        result.map_err(|cause| Error::new(self.call.clone(), cause, self.tries))
    }

    /// Whether what came fits the size that was announced. Where only the close of the connection ends the bytes, fewer of
    /// them are a connection that broke.
    fn length(&self, ended: bool) -> Result<(), Cause> {
        let (at, total) = (self.at, self.announced.total.unwrap_or(self.at));
        let (got, announced) = (at - self.start, total.saturating_sub(self.start));
        match at.cmp(&total) {
            Ordering::Less if ended && self.closes => {
                Err(Cause::Transport(format!("it closed after {got} of {announced} bytes")))
            }
            Ordering::Less if ended => Err(Cause::WrongLength { announced, got }),
            Ordering::Greater => Err(Cause::WrongLength { announced, got }),
            Ordering::Less | Ordering::Equal => Ok(()),
        }
    }
}

impl fmt::Debug for Blob {
    /// Without the answer, which knows the whole link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("call", &self.call)
            .field("start", &self.start)
            .field("total", &self.announced.total)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
