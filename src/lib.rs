//! Mirrors every document of an iBinder organisation into a local folder tree.
//!
//! `README.md` describes the program, `docs/architecture.md` its design. The library exists for the program's own tests and
//! benchmarks; it has no stable interface.

pub mod catalogue;
pub mod cli;
pub mod commands;
pub mod config;
pub mod doctor;
pub mod errors;
pub mod evidence;
pub mod failpoints;
pub mod find;
pub mod handover;
pub mod history;
pub mod mail;
pub mod mirror;
pub mod model;
pub mod monitoring;
pub mod naming;
pub mod notify;
pub mod pace;
pub mod page;
pub mod paths;
pub mod plan;
pub mod process;
pub mod remote;
pub mod replica;
pub mod report;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod session;
pub mod site;
pub mod state;
pub mod sync;
pub mod systemd;
pub mod ui;
pub mod verify;
