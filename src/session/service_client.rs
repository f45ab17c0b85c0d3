//! What the runs before found out about the service, and what this one did.
//!
//! It is kept among the settings of the state, which belongs to one organisation. What can't be read
//! there is as good as nothing.

use std::{sync::Arc, time::Duration};

use crate::{
    pace::{Limit, Pace, SavedRate},
    remote::{Remote, Requests, Settings},
    session::Error,
    state::{self, State, Writer},
};

/// The rate that held.
const RATE: &str = "rate";

/// How long a link lives, in seconds.
const LINK_LIFETIME: &str = "link_lifetime";

/// The service, asked as fast as the limit allows and the last run found to be right.
pub(crate) fn remote(
    settings: &Settings,
    limit: Limit,
    state: &State,
    requests: &Arc<Requests>,
) -> Result<Arc<Remote>, Error> {
    let held: Option<SavedRate> = state.read(|r| r.setting(RATE))?.and_then(|text| text.parse().ok());
    let lifetime = state.read(|r| r.setting(LINK_LIFETIME))?.and_then(|text| text.parse().ok());
    let settings = Settings { link_lifetime: lifetime.map(Duration::from_secs), ..settings.clone() };
    Ok(Arc::new(Remote::new(settings, Pace::new(limit, held), Arc::clone(requests))?))
}

/// Keeps what was found out, with whatever else is written.
pub(crate) fn keep(writer: &Writer<'_>, remote: &Remote) -> Result<(), state::Error> {
    if let Some(held) = remote.held() {
        writer.set(RATE, &held.to_string())?;
    }
    if let Some(lifetime) = remote.link_lifetime() {
        writer.set(LINK_LIFETIME, &lifetime.as_secs().to_string())?;
    }
    Ok(())
}
