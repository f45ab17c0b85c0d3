//! The client of the iBinder REST API.
//!
//! It knows HTTP, the token, the service's JSON and its storage, and nothing of mirrors. What is known of the service,
//! and how surely, is written in `docs/api-contract.md`; the modules below name the statements they rest on.
//!
//! Three rules hold for all of it:
//!
//! - **An answer is believed only for what it says.** What can't be parsed, is cut short, comes from
//!   something in between or is about something else than was asked is a fault and never a fact. In particular a 404
//!   is told apart by whether the service itself wrote it ([`ErrorKind::NotFound`]).
//! - **Secrets stay inside.** The client's secret, the token and the query strings of links are in no text, no `Debug` and
//!   no log; storage gets none of the API's credentials, and the API's credentials follow no redirect.
//! - **The service is not burdened.** One token for everybody, turns from [`pace`](crate::pace), bounded retries, kept connections.

mod announced;
mod api;
mod blob;
mod blob_head;
mod cause;
mod client;
mod clock;
mod encoding;
mod error;
mod headers;
mod hosts;
mod inspect;
mod link;
mod patience;
mod problem;
mod requests;
mod settings;
mod storage;
mod storage_client;
mod storage_hosts;
mod target;
mod text;
mod token;
mod token_source;
mod transport;
mod urls;
mod wire;

pub use announced::Announced;
pub use blob::Blob;
pub use blob_head::Resume;
pub use cause::ErrorKind;
pub use client::{Direction, Query, Remote};
pub use error::Error;
pub use hosts::{check_url, is_loopback};
pub use inspect::{FirstByte, Inspected, Inspector};
pub use link::Link;
pub use requests::{Endpoint, Requests};
pub use settings::Settings;
pub use urls::VERSION_LISTS;
pub use wire::{OddItem, Oddity, OddityKind, SearchPage, sort_key};
