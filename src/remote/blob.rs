//! A version's bytes, as they arrive.

use std::{cmp::Ordering, fmt, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Response;

use super::{
    announced::Announced,
    blob_head::Head,
    cause::Cause,
    error::Error,
    min_speed::{Meter, MinSpeed},
    transport,
};
use crate::pace::ConcurrencyLimit;

/// A download in progress.
///
/// It is complete only after [`chunk`](Self::chunk) returned `None`: `chunk` compares the size with the announced
/// one. If none was announced and `ends_at_close` is set, even that proves little, because a broken connection looks
/// the same.
pub struct Blob {
    /// The offset of the first byte: 0, or where a download was resumed.
    pub start: u64,
    /// What is announced about the whole document.
    pub announced: Announced,
    /// `Last-Modified`.
    pub last_modified: Option<Timestamp>,
    /// `Content-Encoding`, although the request did not accept any.
    pub encoding: Option<String>,
    /// Whether the response has headers that stores add to blobs and never to error pages.
    pub marked: bool,
    /// Whether only the close of the connection ends the body.
    pub ends_at_close: bool,
    response: Response,
    slots: Arc<ConcurrencyLimit>,
    /// The offset after the last byte that arrived.
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
        slots: Arc<ConcurrencyLimit>,
        (call, tries): (String, u32),
        min_speed: MinSpeed,
    ) -> Self {
        Self {
            start: head.start,
            announced: head.announced,
            last_modified: head.last_modified,
            encoding: head.encoding,
            marked: head.marked,
            ends_at_close: head.ends_at_close,
            response,
            slots,
            at: head.start,
            call,
            tries,
            meter: min_speed.meter(),
            ended: false,
        }
    }

    /// The next bytes; `None` at the end. After an error the earlier bytes are still good, and the download can be
    /// resumed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if self.ended {
            return Ok(None);
        }
        let result = match transport::piece(&mut self.response, &mut self.meter).await {
            Ok(Some(bytes)) => {
                self.at += bytes.len() as u64;
                self.slots.received(bytes.len() as u64);
                self.length(false).map(|()| Some(bytes))
            }
            Ok(None) => self.length(true).map(|()| None),
            Err(cause) => Err(cause),
        };
        self.ended = !matches!(result, Ok(Some(_)));
        result.map_err(|cause| Error::new(self.call.clone(), cause, self.tries))
    }

    /// Checks the size. If only the close of the connection ends the body, too few bytes mean a broken connection.
    fn length(&self, ended: bool) -> Result<(), Cause> {
        let (at, total) = (self.at, self.announced.total.unwrap_or(self.at));
        let (got, announced) = (at - self.start, total.saturating_sub(self.start));
        match at.cmp(&total) {
            Ordering::Less if ended && self.ends_at_close => {
                Err(Cause::Transport(format!("closed after {got} of {announced} bytes")))
            }
            Ordering::Less if ended => Err(Cause::WrongLength { announced, got }),
            Ordering::Greater => Err(Cause::WrongLength { announced, got }),
            Ordering::Less | Ordering::Equal => Ok(()),
        }
    }
}

impl fmt::Debug for Blob {
    /// Omits the response, which contains the whole link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("call", &self.call)
            .field("start", &self.start)
            .field("total", &self.announced.total)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
