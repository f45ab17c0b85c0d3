//! The catalogue for people: a page and its data, which open in a browser without a server.
//!
//! Pure: records go in, and the bytes of files come out. `history::site` reads the state and writes the files.
//!
//! Browsers load no data from `file://` but scripts, so each file of the data calls one function of the page with JSON. A
//! file's name has the hash of its content, except for `start.js`, which leads to all others: a page that is open keeps its
//! data, and no reader sees half a catalogue. What a name or a value contains is text and never runs: see `site::json`.

mod binders;
mod changes;
mod file;
mod json;
mod page;
mod shards;
mod start;
mod table;

pub use binders::{BinderEntry, BinderLabels};
pub use changes::{ChangeItem, RunChanges, changes};
pub use file::{Content, DataFile, read};
pub use page::page;
pub use shards::{Shard, Shards, SiteDocument, SiteVersion};
pub use start::{BinderTimes, Gap, RunLine, Start};

/// What the catalogue shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SiteOptions {
    /// Whether names of removed documents and old versions are shown.
    pub history: bool,
    /// Whether each binder's folder has its own part.
    pub per_binder: bool,
    /// The organisation's name.
    pub organisation: Option<String>,
}
