//! The built program: exit codes, reports, and output.
#![cfg(feature = "sandbox")]
#![allow(clippy::unwrap_used, missing_docs)]

mod acknowledge;
mod codes;
mod commands;
mod config;
#[path = "../support/copy.rs"]
mod copy;
mod copy_upkeep;
mod doctor;
mod empty;
mod export;
mod filters;
mod find;
mod forget;
mod from_copy;
mod handover;
mod help;
mod history;
#[cfg(target_os = "linux")]
mod hostile;
mod kept;
mod listener;
mod manager;
mod metrics;
#[cfg(target_os = "linux")]
mod named;
mod nested;
mod notices;
mod odd_paths;
mod pace;
mod packaging;
mod page;
mod plan;
mod profiles;
mod program;
mod progress;
mod purge;
mod reading;
mod recover_from;
mod replicate;
mod report;
mod report_file;
mod secrets;
mod signals;
#[path = "../support/skip.rs"]
mod skip;
mod slips;
mod status;
mod tabs;
mod terminal;
mod verify;
mod withheld;
mod workbook;
