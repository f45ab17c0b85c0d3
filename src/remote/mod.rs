//! The client of the iBinder REST API.
//!
//! It knows HTTP, the token, the service's JSON and its storage, and nothing about mirrors. `docs/api-contract.md`
//! lists what is known about the service, and how reliably; the modules refer to its statements.
//!
//! Three rules apply everywhere:
//!
//! - **A response proves only what it says.** One that can't be parsed, is cut short, comes from something in
//!   between or is about something else is a fault, never a fact. In particular, a 404 counts only if the service
//!   itself wrote it ([`ErrorKind::NotFound`]).
//! - **Secrets stay inside.** The client's secret, the token and the queries of links appear in no text, no
//!   `Debug` output and no log; storage gets none of the API's credentials, and these follow no redirect.
//! - **The service is not overloaded.** One shared token, requests paced by [`pace`](crate::pace), bounded
//!   retries, persistent connections.

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
mod hold;
mod hosts;
mod inspect;
mod link;
mod min_speed;
mod origins;
mod per_runtime;
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
pub use hold::Hold;
pub use hosts::{check_url, is_loopback};
pub use inspect::{FirstByte, Inspected, Inspector};
pub use link::Link;
pub use origins::Origins;
pub use requests::{Endpoint, Requests};
pub use settings::Settings;
pub use urls::VERSION_LISTS;
pub use wire::{OddItem, Oddity, OddityKind, SearchPage, sort_key};
