//! Decides what a run does, from listings and the state.
//!
//! Pure: no clock, no I/O, no async. [`decide`] is the truth table for one document. [`arrange`] orders renames so that no
//! document is ever without a file. [`RemovalCap`] limits removals, [`Retain`] selects old versions to delete, and [`Tree`]
//! names folders.

mod cap;
mod decide;
mod moves;
#[cfg(test)]
mod moves_tests;
mod refresh;
mod retain;
mod tabs;
mod tree;
mod unchanged_cost;

pub use cap::{BadCap, LookUp, Missing, RemovalCap};
pub use decide::{Action, Facts, FileState, KnownFacts, decide};
pub use moves::{Leg, Mover, arrange};
pub use refresh::{Due, due};
pub use retain::{Doubt, Retain, Times};
pub use tabs::{ListedIn, tabs_without_documents};
pub use tree::{DEEPEST, Tree};
pub use unchanged_cost::unchanged_requests;
