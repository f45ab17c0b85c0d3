//! What the client is told once, before its first request.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{cause::Cause, error::Error, hosts::check_url};
use crate::{model::OrganisationId, pace::Policy};

/// Where the service lives, who asks, and how patient the client is.
///
/// The hosts are those of `docs/api-contract.md`, "Hosts and headers"; [`Settings::new`] fills in everything else.
/// All fields are public: whoever reads the configuration overrides what the user gave, and
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
    /// How long a link was found to live; none where nobody knows.
    pub link_lifetime: Option<Duration>,
    /// How many documents a search page is asked to hold.
    pub page_size: u32,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long the head of an answer may take, the connection included.
    pub head_timeout: Duration,
    /// How long a body may pause.
    pub stall_timeout: Duration,
    /// Bytes per second that a body brings at least, over a window of `stall_timeout`; 0: no limit.
    pub min_speed: u64,
    /// When a failed request is sent again.
    pub retry: Policy,
    /// How long a service that is down is waited for.
    pub give_up: Duration,
    /// Path of a folder's sub-folders below the API's base; `{domain}`, `{id}` and `{folderId}` are filled in.
    pub subfolders: String,
    /// How the client calls itself.
    pub user_agent: String,
}

impl Settings {
    /// Base of the service's API.
    pub const API_URL: &str = "https://api.ibinder.com/api";

    /// The service's token endpoint.
    pub const AUTH_URL: &str = "https://signin.ibinder.com/connect/token";

    /// Path of a folder's sub-folders. That they can be asked for is documented, this path is assumed
    /// (`docs/api-contract.md`, "Folders"): it is written here only, and may be overridden.
    pub const SUBFOLDERS: &str = "documents/drives/{domain}/{id}/folders/{folderId}";

    /// How long a service that is down is waited for, unless the user says otherwise.
    pub const GIVE_UP: Duration = Duration::from_mins(30);

    /// Bytes per second that a body brings at least, unless the user says otherwise.
    pub const MIN_SPEED: u64 = 1000;

    /// Settings with the defaults for everything but the place and the credentials.
    pub fn new(
        api_url: Url,
        auth_url: Url,
        organisation: OrganisationId,
        client_id: String,
        client_secret: SecretString,
    ) -> Self {
        Self {
            api_url,
            auth_url,
            organisation,
            client_id,
            client_secret,
            downloads: 8,
            link_lifetime: None,
            page_size: 250,
            connect_timeout: Duration::from_secs(15),
            head_timeout: Duration::from_mins(1),
            stall_timeout: Duration::from_mins(1),
            min_speed: Self::MIN_SPEED,
            retry: Policy::default(),
            give_up: Self::GIVE_UP,
            subfolders: Self::SUBFOLDERS.to_owned(),
            user_agent: concat!("ibinder-sync/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Finds what can't work before the first request does.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_url(&self.api_url)?;
        check_url(&self.auth_url)?;
        if self.page_size == 0 {
            return Err(wrong("the page size must be at least 1"));
        }
        if !self.subfolders.contains("{folderId}") {
            return Err(wrong("the path of sub-folders has no {folderId}"));
        }
        Ok(())
    }
}

fn wrong(text: &str) -> Error {
    Error::configuration(Cause::BadSetting(text.to_owned()))
}
