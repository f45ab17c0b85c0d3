//! An iBinder-compatible server on loopback, for demonstrations, tests and benchmarks.
//!
//! It is written from the description of the service's API and shares no code with the client, so that a
//! misunderstanding on either side fails a test. It imitates the difficult sides of the service: tokens and links
//! expire, pages are capped and shift while they are read, GUIDs vary in case, storage is another origin that
//! refuses the API's credentials, and every fault can be produced on demand, at random with a seed ([`Faults`]) or
//! exactly where a test wants it ([`Reply`]).
//!
//! A [`Sandbox`] serves an [`Organisation`] from its own thread until it is dropped, so that blocking and async
//! code can use it alike.

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
pub use script::{Answer, HookRequest, Reply};
pub use server::Sandbox;
pub use settings::{BindersShape, Links, Settings};
pub use store::Store;
