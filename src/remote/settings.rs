//! The client's settings.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use url::Url;

use super::{error::Error, hosts::check_url, origins::Origins};
use crate::{model::OrganisationId, pace::Policy};

/// The settings of a client.
///
/// `config` builds them from what the user gave; [`Remote::new`](super::Remote::new) checks them. The hosts are those
/// of `docs/api-contract.md`, "Hosts and headers".
#[derive(Debug, Clone)]
pub struct Settings {
    /// Base URL of the API, without a trailing slash.
    pub api_url: Url,
    /// The token endpoint.
    pub auth_url: Url,
    /// The id of the organisation (the tenant).
    pub organisation: OrganisationId,
    /// The API client's id.
    pub client_id: String,
    /// The API client's secret.
    pub client_secret: SecretString,
    /// The most concurrent downloads.
    pub downloads: usize,
    /// How long links live, if known from experience.
    pub link_lifetime: Option<Duration>,
    /// Timeout for the headers of a response, connecting included.
    pub head_timeout: Duration,
    /// The longest pause in a body.
    pub stall_timeout: Duration,
    /// The minimum speed of a body, in bytes per second over a window of `stall_timeout`; 0 for no limit.
    pub min_speed: u64,
    /// When a failed request is retried.
    pub retry: Policy,
    /// How long to wait for a service that is down.
    pub give_up: Duration,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Where the credentials and addresses were set.
    pub origins: Arc<Origins>,
}

impl Settings {
    /// Base URL of the service's API.
    pub const API_URL: &str = "https://api.ibinder.com/api";

    /// The service's token endpoint.
    pub const AUTH_URL: &str = "https://signin.ibinder.com/connect/token";

    /// Path of a folder's sub-folders below the API's base; `{domain}`, `{id}` and `{folderId}` are filled in. That
    /// they can be requested is documented, this path is assumed (`docs/api-contract.md`, "Folders"): it is written
    /// here only.
    pub(super) const SUBFOLDERS: &str = "documents/drives/{domain}/{id}/folders/{folderId}";

    /// How the client calls itself.
    pub const USER_AGENT: &str = concat!("ibinder-sync/", env!("CARGO_PKG_VERSION"));

    /// How long the head of a response may take at most.
    pub const HEAD_TIMEOUT: Duration = Duration::from_mins(1);

    /// Finds wrong settings before the first request.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_url(&self.api_url)?;
        check_url(&self.auth_url)
    }
}
