//! How a sandbox behaves: everything that a real service might do one way or the other.

use std::time::Duration;

use url::Url;

use super::fault::Faults;

/// The shape of the answer to `GET /api/binders`, on which the service's own texts disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BindersShape {
    /// `[…]`
    #[default]
    Array,
    /// `{"items":[…]}`
    Items,
}

/// A sandbox's behaviour. All but `port` may change while it serves.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each of which a test turns alone")]
pub struct Settings {
    /// Port of the API origin; 0 takes a free one. Storage always takes a free one.
    pub port: u16,
    /// The largest page that a search answers with, whatever was asked for.
    pub page_size_cap: u32,
    /// How long a token is accepted.
    pub token_lifetime: Duration,
    /// How long a download link is accepted.
    pub link_lifetime: Duration,
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
    /// Faults that strike at random.
    pub faults: Faults,
    /// The seed of the faults and of every other awkwardness that comes and goes.
    pub seed: u64,
    /// How long [`FaultKind::Slow`](super::FaultKind::Slow) delays an answer.
    pub slow: Duration,
    /// Storage sends `Content-MD5` with bodies of up to 1 MiB that are held or made in memory.
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
            token_lifetime: Duration::from_hours(1),
            link_lifetime: Duration::from_mins(5),
            ranges: true,
            subfolders: true,
            binders_shape: BindersShape::default(),
            limit: None,
            retry_after: true,
            blobs_from: None,
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
