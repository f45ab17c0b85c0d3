//! Copies in object stores, against real servers, on loopback: Azurite, s3s-fs, moto, and a folder.
//!
//! Azurite is found as `tests/azurite/main.rs` says. The others: `cargo install s3s-fs@0.14.1 --features binary --locked
//! --root target/tools`, and `python3 -m venv target/moto` with `target/moto/bin/pip install 'moto[server]==5.2.5'`.
//! Without a server its tests are skipped, and fail if the variable `CI` is set.
#![cfg(feature = "sandbox")]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../azurite/azurite.rs"]
#[allow(dead_code, reason = "the tests of downloads from Azurite need the rest")]
mod azurite;
mod bench;
mod contract;
mod facts;
mod faults;
mod kills;
mod off_site;
mod protection;
#[path = "../support/proxy.rs"]
#[allow(dead_code, reason = "the tests of downloads from Azurite need the rest")]
mod proxy;
mod retries;
#[path = "../azurite/sas.rs"]
#[allow(dead_code, reason = "the tests of downloads from Azurite need the rest")]
mod sas;
mod scale;
mod server;
#[path = "../support/skip.rs"]
mod skip;
