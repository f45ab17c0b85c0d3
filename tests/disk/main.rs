//! A disk that fails: every call that changes it refused in turn, a full and a read-only disk, a
//! destination that goes away, damage to the files of the state, and a run that sees little of the machine.
//!
//! These tests need strace and encfs, and some need root (to mount, or to be another user). Without it they are skipped, and fail if
//! the variable `CI` is set.
#![cfg(all(feature = "sandbox", target_os = "linux"))]
#![allow(clippy::unwrap_used, missing_docs)]

mod calls;
mod damage;
mod full;
mod names;
mod office;
#[path = "../cli/program.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod program;
#[path = "../support/skip.rs"]
mod skip;
mod unseen;
