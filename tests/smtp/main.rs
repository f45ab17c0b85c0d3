//! Mail against aiosmtpd, a real mail server, on loopback: STARTTLS, TLS and login, with a certificate of its own.
//!
//! aiosmtpd is a Python package: `python3 -m venv target/aiosmtpd` and `target/aiosmtpd/bin/pip install aiosmtpd==1.4.6`.
//! Without it, or without `openssl`, the tests are skipped, and fail if the variable `CI` is set.
#![cfg(feature = "sandbox")]
#![allow(clippy::unwrap_used, missing_docs)]

mod mails;
#[path = "../cli/program.rs"]
#[allow(dead_code, reason = "the tests of the command line need the rest")]
mod program;
mod server;
#[path = "../support/skip.rs"]
mod skip;
mod trial;
