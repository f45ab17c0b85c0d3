//! What runs have learned about the service.
//!
//! It is kept in the settings of the state, which belongs to one organisation. An unreadable value counts as
//! missing.

use std::{sync::Arc, time::Duration};

use crate::{
    pace::{Limit, Pace, SavedRate},
    remote::{Remote, Requests, Settings},
    session::Error,
    state::{self, State, Writer},
};

/// The setting with the request rate.
const RATE: &str = "rate";

/// The setting with the lifetime of links, in seconds.
const LINK_LIFETIME: &str = "link_lifetime";

/// A client that starts with what earlier runs learned.
pub(crate) fn remote(
    settings: &Settings,
    limit: Limit,
    state: &State,
    requests: &Arc<Requests>,
) -> Result<Arc<Remote>, Error> {
    let saved: Option<SavedRate> = state.read(|r| r.setting(RATE))?.and_then(|text| text.parse().ok());
    let lifetime = state.read(|r| r.setting(LINK_LIFETIME))?.and_then(|text| text.parse().ok());
    let settings = Settings { link_lifetime: lifetime.map(Duration::from_secs), ..settings.clone() };
    Ok(Arc::new(Remote::new(settings, Pace::new(limit, saved), Arc::clone(requests))?))
}

/// Saves what this run learned.
pub(crate) fn keep(writer: &Writer<'_>, remote: &Remote) -> Result<(), state::Error> {
    if let Some(saved) = remote.rate_to_save() {
        writer.set(RATE, &saved.to_string())?;
    }
    if let Some(lifetime) = remote.link_lifetime() {
        writer.set(LINK_LIFETIME, &lifetime.as_secs().to_string())?;
    }
    Ok(())
}
