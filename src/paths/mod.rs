//! Files and folders that a setting names: read without harm, and kept out of mirrors.
//!
//! A name that somebody writes can lead anywhere: to a named pipe that never answers, to a device that never ends,
//! into another mirror. Every reader of such a file uses [`read`] or [`open`], and everything that is written beside
//! a mirror, or as a new one, asks [`mirror_above`].

mod mirrors;
mod read;
mod relative;

pub use mirrors::{folded, mirror_above, mirror_below, mirror_of_file, resolved};
pub use read::{Unreadable, content, is_replaceable, open, read, text};
pub use relative::relative;
