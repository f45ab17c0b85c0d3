//! An iBinder-compatible server on loopback, for demonstrations, tests and benchmarks.
//!
//! It is written from the description of the service's API and shares no code with the client, so
//! that the two can disagree and a test notices. It is as awkward as the service may be: tokens
//! and links expire, pages are capped and shift while they are read, GUIDs change their case,
//! storage is another origin that refuses the API's credentials, and every fault can be had on
//! demand: at random with a seed ([`Faults`]), or exactly where a test wants it ([`Reply`]).
//!
//! A [`Sandbox`] serves an [`Organisation`] from a thread of its own, so that blocking and async
//! code can use it alike, until it is dropped.

mod answer;
mod api;
mod auth;
mod connection;
mod content;
mod dispatch;
mod fault;
mod folder;
mod folder_source;
mod generated;
mod id;
mod json;
mod metadata;
mod meter;
mod organisation;
mod range;
mod request_log;
mod route;
mod script;
mod search;
mod server;
mod settings;
mod shared;
mod storage;
mod store;

pub use fault::{BadFault, Fault, FaultKind, Faults};
pub use generated::Generated;
pub use organisation::{DayChanges, DocumentView, Organisation, UnknownId};
pub use request_log::Request;
pub use route::Route;
pub use script::{Answer, Asked, Reply};
pub use server::Sandbox;
pub use settings::{BindersShape, Links, Settings};
pub use store::Store;
