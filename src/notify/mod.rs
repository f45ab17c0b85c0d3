//! Telling others how it went: files outside of the mirror, pings, a web hook.
//!
//! Nothing here decides anything, nothing takes long, and nothing that fails here is a failure of the mirror.

mod outside;
mod ping;
mod web;

pub use outside::{NotReplaced, replace};
pub use ping::Pings;
pub use web::{Undelivered, post};
