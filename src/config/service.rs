//! Where the service is, and who asks it.

use url::Url;

use super::{Error, Settings, credentials};
use crate::{model::OrganisationId, remote};

/// Where the service is and who asks.
pub fn remote_settings(settings: &Settings) -> Result<remote::Settings, Error> {
    let (name, organisation) = needed(settings, "organisation")?;
    let organisation =
        OrganisationId::parse(organisation).map_err(|e| Error::Bad { name: name.into(), why: e.to_string() })?;
    let (_, client_id) = needed(settings, "client_id")?;
    let secret = credentials::secret(settings)?;
    let api_url = url(settings, "api_url", remote::Settings::API_URL)?;
    let auth_url = url(settings, "auth_url", remote::Settings::AUTH_URL)?;
    Ok(remote::Settings::new(api_url, auth_url, organisation, client_id.to_owned(), secret))
}

/// A value that must be set, and what an error about it calls it.
fn needed<'s>(settings: &'s Settings, name: &'static str) -> Result<(String, &'s str), Error> {
    match settings.get(name) {
        Some(setting) => Ok((setting.name(), setting.text()?)),
        None => Err(settings.missing(name)),
    }
}

fn url(settings: &Settings, name: &str, default: &str) -> Result<Url, Error> {
    let setting = settings.get(name);
    let text = setting.map(|setting| setting.text()).transpose()?.unwrap_or(default).trim_end_matches('/');
    let bad = |why| Error::Bad { name: setting.map_or_else(|| name.to_owned(), |s| s.name()).into(), why };
    let url = Url::parse(text).map_err(|e| bad(format!("{e}; it looks like {default}")))?;
    remote::check_url(&url).map_err(|e| bad(e.to_string()))?;
    Ok(url)
}
