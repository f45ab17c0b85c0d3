//! A failing disk: every system call that changes it refused in turn, a full and a read-only disk, a destination that
//! disappears, damaged files of the state, and a run with a restricted view of the machine.
//!
//! These tests need strace and encfs, and some need root (to mount, or to act as another user). Without these they are
//! skipped, and fail if the variable `CI` is set.
#![cfg(all(feature = "sandbox", target_os = "linux"))]
#![allow(clippy::unwrap_used, missing_docs)]

mod calls;
mod damage;
mod fixture;
mod full;
mod names;
#[path = "../cli/program.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod program;
#[path = "../support/skip.rs"]
mod skip;
mod unseen;
