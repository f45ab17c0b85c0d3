//! What the client is told once, before its first request.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{error::Error, hosts::check_url};
use crate::{model::OrganisationId, pace::Policy};

/// Where the service lives, who asks, and how patient the client is.
///
/// The hosts are those of `docs/api-contract.md`, "Hosts and headers". `config` makes it of what the user gave, and
/// [`Remote::new`](super::Remote::new) checks the whole.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Base of the API, without a trailing slash.
    pub api_url: Url,
    /// The token endpoint.
    pub auth_url: Url,
    /// The tenant that every request names.
    pub organisation: OrganisationId,
    /// The API client's id.
    pub client_id: String,
    /// The API client's secret.
    pub client_secret: SecretString,
    /// How many downloads go on at once at most.
    pub downloads: usize,
    /// How long a link was found to live; `None` if nobody knows.
    pub link_lifetime: Option<Duration>,
    /// How long the head of a response may take, the connection included.
    pub head_timeout: Duration,
    /// How long a body may pause.
    pub stall_timeout: Duration,
    /// Bytes per second that a body brings at least, over a window of `stall_timeout`; 0: no limit.
    pub min_speed: u64,
    /// When a failed request is sent again.
    pub retry: Policy,
    /// How long a service that is down is waited for.
    pub give_up: Duration,
    /// How the client calls itself.
    pub user_agent: String,
}

impl Settings {
    /// Base of the service's API.
    pub const API_URL: &str = "https://api.ibinder.com/api";

    /// The service's token endpoint.
    pub const AUTH_URL: &str = "https://signin.ibinder.com/connect/token";

    /// Path of a folder's sub-folders below the API's base; `{domain}`, `{id}` and `{folderId}` are filled in. That they
    /// can be requested is documented, this path is assumed (`docs/api-contract.md`, "Folders"): it is written here only.
    pub(super) const SUBFOLDERS: &str = "documents/drives/{domain}/{id}/folders/{folderId}";

    /// How the client calls itself.
    pub const USER_AGENT: &str = concat!("ibinder-sync/", env!("CARGO_PKG_VERSION"));

    /// How long the head of a response may take at most.
    pub const HEAD_TIMEOUT: Duration = Duration::from_mins(1);

    /// Finds what can't work before the first request does.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_url(&self.api_url)?;
        check_url(&self.auth_url)
    }
}
