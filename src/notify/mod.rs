//! Telling others how it went: files outside of the mirror.
//!
//! Nothing here decides anything, and nothing that fails here is a failure of the mirror.

mod outside;

pub use outside::{NotReplaced, replace};
