//! Where the service is, and with which credentials it is called.

use super::{Error, Settings, Sources, credentials};
use crate::remote;

/// How the service is called. Everything that is missing is reported together.
pub fn remote_settings(settings: &Settings, sources: &Sources) -> Result<remote::Settings, Error> {
    let organisation = settings.organisation.clone().ok_or_else(|| sources.missing("organisation"));
    let client_id = settings.client_id.clone().ok_or_else(|| sources.missing("client_id"));
    let api_url = settings.api_url.clone().ok_or_else(|| sources.missing("api_url"));
    let auth_url = settings.auth_url.clone().ok_or_else(|| sources.missing("auth_url"));
    match (organisation, client_id, credentials::secret(settings, sources), api_url, auth_url) {
        (Ok(organisation), Ok(client_id), Ok(secret), Ok(api_url), Ok(auth_url)) => Ok(remote::Settings {
            give_up: settings.give_up,
            stall_timeout: settings.stall_timeout,
            min_speed: settings.min_speed,
            downloads: settings.concurrency,
            ..remote::Settings::new(api_url, auth_url, organisation, client_id, secret)
        }),
        (organisation, client_id, secret, api, auth) => Err(Error::all(
            [organisation.err(), client_id.err(), secret.err(), api.err(), auth.err()].into_iter().flatten(),
        )),
    }
}
