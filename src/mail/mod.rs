//! What a mail about a mirror says, and when one is due.
//!
//! [`decide`] and [`compose`] depend on data alone. A mail has counts and causes; names of documents only if the
//! owner asked for them, because mail is read, forwarded and kept in many places.

mod compose;
mod decide;
mod html;
mod problem;
#[cfg(test)]
mod tests;
mod text;

pub use compose::{Facts, Letter, compose, trial};
pub use decide::{Occasion, Told, decide};
pub use html::html;
pub use text::{text, wrapped};
