//! The sandbox over real HTTP, as a client sees it.
#![cfg(feature = "sandbox")]
#![allow(clippy::unwrap_used)]

mod client;
mod faults;
mod folder;
mod generated;
mod routes;
mod storage;
