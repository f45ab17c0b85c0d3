//! The engine against the sandbox, over real HTTP and on a real disk.
//!
//! Nothing here depends on how long something takes: where two things must happen in an order, a scripted reply of the
//! sandbox makes them, and where many moments are tried, they are counted.
#![cfg(feature = "sandbox")]
#![allow(clippy::unwrap_used, missing_docs)]

mod adopt;
mod catalogue;
mod changes;
mod contradictions;
#[path = "../support/copy.rs"]
mod copy;
mod crash;
mod damage;
mod disk;
mod endless;
mod evidence;
mod faults;
mod harness;
mod history;
mod identity;
mod matrix;
mod name_conflicts;
mod names;
mod orders;
mod pace;
mod program;
mod property;
mod removals;
mod replay;
mod resume;
mod retain;
mod short_names;
#[path = "../support/skip.rs"]
mod skip;
mod verify;
mod withheld;
