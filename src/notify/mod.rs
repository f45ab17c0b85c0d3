//! Telling others how it went: files outside of the mirror, pings, a web hook, a command.
//!
//! Nothing here decides anything, nothing takes long, and nothing that fails here is a failure of the mirror.

mod command;
mod outside;
mod ping;
mod web;

pub use command::{Failed, LIMIT, abandon, run};
pub use outside::{NotReplaced, replace};
pub use ping::Pings;
pub use web::{Undelivered, post};
