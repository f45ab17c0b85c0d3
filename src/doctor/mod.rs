//! Goes through everything that a run needs, and says what is wrong and what to do about it.
//!
//! It is for the first contact with the real service, and for the day on which something is wrong: it asks one
//! thing after the other, each once, tells what it found, and compares what the service does with the statements of
//! `docs/api-contract.md` that the client rests on. It changes nothing; two dozen requests are all that the service sees.
//! What it finds has no secret in it, and names no document, binder or person.

mod clock;
mod content;
mod destination;
mod failure;
mod network;
mod service;
mod shape;
mod sheet;
mod statements;
mod versions;

pub use destination::destination;
pub use service::{Visit, visit};
