//! A disk that fails: every call that changes it refused in turn, a full and a read-only disk, a
//! destination that goes away, damage to the files of the state, and a run that sees little of the machine.
//!
//! These tests take strace and encfs, and some take root (to mount, or to be another user). Where that is not to
//! be had they say that nothing was tested, and fail if the variable `CI` is set.
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
mod unseen;

/// What to do where the machine does not let a test do what it is for.
fn not_tested(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what}: install strace and encfs, and run as root");
    eprintln!("{what}: not tested");
}
