//! How a sandbox behaves: everything that a real service might do one way or the other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::fault::Faults;
use super::store::Store;

/// The shape of the answer to `GET /api/binders`, on which the service's own texts disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BindersShape {
    /// `[…]`
    #[default]
    Array,
    /// `{"items":[…]}`
    Items,
}

type MakeLink = dyn Fn(&str, &str) -> String + Send + Sync;

/// Links to a storage of the test's own, made from the ids of a document and of one of its versions.
#[derive(Clone)]
pub struct Links(Arc<MakeLink>);

impl Links {
    /// Links that `make` makes.
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
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each of which a test turns alone")]
pub struct Settings {
    /// Port of the API origin; 0 takes a free one. Storage always takes a free one.
    pub port: u16,
    /// The largest page that a search answers with, whatever was asked for.
    pub page_size_cap: u32,
    /// The most documents that a search counts and shows.
    pub search_cap: Option<u32>,
    /// Searches keep the order that is asked for.
    pub sorts: bool,
    /// How long a token is accepted.
    pub token_lifetime: Duration,
    /// How long a download link is accepted.
    pub link_lifetime: Duration,
    /// Whose manner the storage has.
    pub store: Store,
    /// Storage answers ranges and says so.
    pub ranges: bool,
    /// The sub-folder endpoint exists; without it the endpoint answers 404.
    pub subfolders: bool,
    /// The shape of the binders' list.
    pub binders_shape: BindersShape,
    /// API requests per second, above which the answer is 429.
    pub limit: Option<u32>,
    /// That answer says in `Retry-After` that it takes a second.
    pub retry_after: bool,
    /// The root of another server that has the files of the organisation's folder: links lead there, and the folder
    /// is read once.
    pub blobs_from: Option<Url>,
    /// Links that are handed out instead of the sandbox's own.
    pub links: Option<Links>,
    /// Faults that strike at random.
    pub faults: Faults,
    /// The seed of the faults and of every other awkwardness that comes and goes.
    pub seed: u64,
    /// How long [`FaultKind::Slow`](super::FaultKind::Slow) delays an answer.
    pub slow: Duration,
    /// Storage announces the MD5 of bodies of up to 1 MiB that are held or made in memory.
    pub content_md5: bool,
    /// Storage sends a strong `ETag`.
    pub etag: bool,
    /// Storage sends `Last-Modified`.
    pub last_modified: bool,
    /// Storage sends `Content-Length`; without it a body ends with its connection.
    pub length: bool,
    /// Seconds by which the clock of the `Date` that the answers bear is ahead.
    pub clock_offset: i64,
    /// Answers bear a `Date` that can be read.
    pub date: bool,
    /// GUIDs are shown in upper case now and then.
    pub mixed_case: bool,
    /// Requests are recorded for [`Sandbox::requests`](super::Sandbox::requests), the last 100,000 of them.
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
