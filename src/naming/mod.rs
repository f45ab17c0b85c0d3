//! From names of the service to names of the tree.
//!
//! People name documents as they like; file systems do not take every name, and some take two
//! names for one. This module is the whole rule in between, as values in and values out: no
//! clock, no I/O, and no memory of what was given before. The caller keeps the names that are
//! taken, compares them by [`key()`], and takes the first candidate that is free.
//!
//! Invariants, each of them a property that the tests try with random names:
//! - Every name that leaves this module is one step of a path on Linux, macOS and Windows alike, of
//!   1 to 255 bytes and no longer than the mirror's file system takes; it never leads out of the tree or into the state folder.
//! - A name that is portable already stays as it is, so naming twice changes nothing.
//! - The candidates for one name never end and never repeat, so a free one is always found.
//! - A folder's path depends on its own chain alone, and leaves room for the longest leaf.

mod candidates;
mod chain;
mod cut;
mod key;
mod portable;
mod reserved;

pub use candidates::{document_names, folder_names};
pub use chain::{PATH_LIMIT, Step, folder_path};
pub use key::key;
pub use portable::{composed, portable};
pub use reserved::is_reserved;
