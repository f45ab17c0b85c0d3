//! Where the service is, and who asks it.

use url::Url;

use super::{Error, Setting, Settings, credentials};
use crate::{model::OrganisationId, remote};

/// Where the service is and who asks.
pub fn remote_settings(settings: &Settings) -> Result<remote::Settings, Error> {
    let organisation = identified(needed(settings, "organisation")?)?;
    let client_id = needed(settings, "client_id")?.text()?;
    let secret = credentials::secret(settings)?;
    let api_url = url(settings, "api_url", remote::Settings::API_URL)?;
    let auth_url = url(settings, "auth_url", remote::Settings::AUTH_URL)?;
    Ok(remote::Settings::new(api_url, auth_url, organisation, client_id.to_owned(), secret))
}

/// Everything that keeps the service from being asked.
pub fn remote_errors(settings: &Settings) -> Vec<Error> {
    let url = |name, default| url(settings, name, default).map(drop);
    let all = [
        needed(settings, "organisation").and_then(identified).map(drop),
        needed(settings, "client_id").and_then(|setting| setting.text()).map(drop),
        credentials::secret(settings).map(drop),
        url("api_url", remote::Settings::API_URL),
        url("auth_url", remote::Settings::AUTH_URL),
    ];
    all.into_iter().filter_map(Result::err).collect()
}

/// Checks as much of it as is set, and takes no look at the secret.
pub(super) fn check(settings: &Settings) -> Result<(), Error> {
    settings.get("organisation").map(identified).transpose()?;
    url(settings, "api_url", remote::Settings::API_URL)?;
    url(settings, "auth_url", remote::Settings::AUTH_URL)?;
    Ok(())
}

fn needed<'s>(settings: &'s Settings, name: &'static str) -> Result<&'s Setting, Error> {
    settings.get(name).ok_or_else(|| settings.missing(name))
}

/// Whose documents are meant, if that is set and can be.
pub fn organisation(settings: &Settings) -> Option<OrganisationId> {
    identified(settings.get("organisation")?).ok()
}

fn identified(setting: &Setting) -> Result<OrganisationId, Error> {
    let bad = |why| Error::Bad { name: setting.name().into(), why };
    OrganisationId::parse(setting.text()?).map_err(|error| bad(error.to_string()))
}

fn url(settings: &Settings, name: &str, default: &str) -> Result<Url, Error> {
    let setting = settings.get(name);
    let text = setting.map(|setting| setting.text()).transpose()?.unwrap_or(default).trim_end_matches('/');
    let bad = |why| Error::Bad { name: setting.map_or_else(|| name.to_owned(), |s| s.name()).into(), why };
    let url = Url::parse(text).map_err(|e| bad(format!("{e}; it looks like {default}")))?;
    remote::check_url(&url).map_err(|e| bad(e.to_string()))?;
    Ok(url)
}
