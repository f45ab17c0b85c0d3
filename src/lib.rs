//! Mirrors every document of an iBinder organisation into a local folder tree.
//!
//! The program is described in `README.md`, its design in `docs/architecture.md`. As a library it
//! serves its own tests and benchmarks: nothing here is a stable interface.

pub mod catalogue;
pub mod cli;
pub mod commands;
pub mod config;
pub mod doctor;
pub mod evidence;
pub mod failpoints;
pub mod history;
pub mod mirror;
pub mod model;
pub mod monitoring;
pub mod naming;
pub mod notify;
pub mod pace;
pub mod page;
pub mod paths;
pub mod plan;
pub mod remote;
pub mod report;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod session;
pub mod state;
pub mod sync;
pub mod systemd;
pub mod ui;
pub mod verify;
