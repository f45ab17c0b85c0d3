//! The sandbox over real HTTP, as a client sees it.
#![cfg(feature = "sandbox")]

mod client;
mod faults;
mod folder;
mod generated;
mod routes;
mod storage;
