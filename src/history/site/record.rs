//! What the state says about the catalogue of its mirror.

use serde::{Deserialize, Serialize};

use crate::{history::Error, site::SiteOptions, state::State};

/// The key of the record in the state.
const RECORD: &str = "catalogue";

/// What the state says about the catalogue of its mirror.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// The program that wrote it.
    pub(super) version: String,
    /// The last run whose changes it has.
    pub(super) run: i64,
    /// The list of binders that was written.
    pub(super) binders: String,
    pub(super) options: SiteOptions,
}

/// The record in the state, if it can be read.
pub(super) fn read(state: &State) -> Result<Option<Record>, Error> {
    let text = state.read(|r| r.setting(RECORD))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Records what was written, with the changes of all runs up to `run`.
pub(super) fn keep(state: &State, run: i64, binders: &str, options: &SiteOptions) -> Result<(), Error> {
    let (version, binders) = (env!("CARGO_PKG_VERSION").to_owned(), binders.to_owned());
    let record = Record { version, run, binders, options: options.clone() };
    let text = serde_json::to_string(&record).unwrap_or_default();
    Ok(state.write(|w| w.set(RECORD, &text))?)
}
