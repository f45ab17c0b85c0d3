//! The behaviour of a sandbox: everything in which services may differ.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::fault::Faults;
use super::store::Store;

/// The shape of the list of binders, on which the service's documentation contradicts itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BindersShape {
    /// `[…]`
    #[default]
    Array,
    /// `{"items":[…]}`
    Items,
}

type MakeLink = dyn Fn(&str, &str) -> String + Send + Sync;

/// Creates links to a test's own storage from a document's and a version's id.
#[derive(Clone)]
pub struct Links(Arc<MakeLink>);

impl Links {
    /// Links created by `make`.
    pub fn new(make: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(super) fn make(&self, document: &str, version: &str) -> String {
        (self.0)(document, version)
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Links")
    }
}

/// A sandbox's behaviour. All but `port` may change while it serves.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Settings {
    /// Port of the API origin; 0 for a free one. Storage always uses a free one.
    pub port: u16,
    /// The largest page of a search.
    pub page_size_cap: u32,
    /// The most documents that a search counts and shows.
    pub search_cap: Option<u32>,
    /// Searches honour the requested sort order.
    pub sorts: bool,
    /// The lifetime of a token.
    pub token_lifetime: Duration,
    /// The lifetime of a download link.
    pub link_lifetime: Duration,
    /// The kind of store that the storage imitates.
    pub store: Store,
    /// Storage supports ranges and says so.
    pub ranges: bool,
    /// The sub-folder endpoint exists; otherwise it answers 404.
    pub subfolders: bool,
    /// The shape of the list of binders.
    pub binders_shape: BindersShape,
    /// API requests per second, above which the status is 429.
    pub limit: Option<u32>,
    /// The 429 has a `Retry-After` of a second.
    pub retry_after: bool,
    /// The root of another server that has the files of the organisation's folder: links point there, and the
    /// folder is scanned once.
    pub blobs_from: Option<Url>,
    /// Custom links instead of the sandbox's own.
    pub links: Option<Links>,
    /// Random faults.
    pub faults: Faults,
    /// The seed of the faults and of other random behaviour.
    pub seed: u64,
    /// How long [`FaultKind::Slow`](super::FaultKind::Slow) delays a response.
    pub slow: Duration,
    /// Storage announces the MD5 of bodies of up to 1 MiB in memory.
    pub content_md5: bool,
    /// Storage sends a strong `ETag`.
    pub etag: bool,
    /// Storage sends `Last-Modified`.
    pub last_modified: bool,
    /// Storage sends `Content-Length`; otherwise the close of the connection ends the body.
    pub length: bool,
    /// Seconds by which the `Date` of responses is ahead.
    pub clock_offset: i64,
    /// Responses have a valid `Date`.
    pub date: bool,
    /// GUIDs are sometimes in upper case.
    pub mixed_case: bool,
    /// Records the last 100,000 requests for [`Sandbox::requests`](super::Sandbox::requests).
    pub record: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            page_size_cap: 250,
            search_cap: None,
            sorts: true,
            token_lifetime: Duration::from_hours(1),
            link_lifetime: Duration::from_mins(5),
            store: Store::default(),
            ranges: true,
            subfolders: true,
            binders_shape: BindersShape::default(),
            limit: None,
            retry_after: true,
            blobs_from: None,
            links: None,
            faults: Faults::none(),
            seed: 0,
            slow: Duration::from_millis(500),
            content_md5: true,
            etag: true,
            last_modified: true,
            length: true,
            clock_offset: 0,
            date: true,
            mixed_case: true,
            record: false,
        }
    }
}
