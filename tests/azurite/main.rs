//! The program against Azurite, which behaves like Azure Blob Storage.
//!
//! The sandbox is the API, and issues SAS links to blobs that these tests upload. Azurite is an npm package: `npm
//! ci --prefix target/azurite` after copying `tests/azurite/package*.json` there, or the variable `AZURITE_BLOB`
//! with the path of an `azurite-blob`. Without it the tests are skipped, and fail if the variable `CI` is set.
#![cfg(feature = "sandbox")]
#![allow(clippy::unwrap_used, missing_docs)]

mod azurite;
#[path = "../engine/disk.rs"]
#[allow(dead_code, reason = "the engine's tests need the rest")]
mod disk;
mod facts;
#[path = "../engine/harness.rs"]
#[allow(dead_code, reason = "the engine's tests need the rest")]
mod harness;
#[path = "../engine/program.rs"]
#[allow(dead_code, reason = "the engine's tests need the rest")]
mod program;
#[path = "../support/proxy.rs"]
#[allow(dead_code, reason = "the tests of copies need the rest")]
mod proxy;
mod runs;
mod sas;
mod service;
#[path = "../support/skip.rs"]
mod skip;
