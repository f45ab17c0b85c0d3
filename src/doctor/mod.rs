//! Checks everything that a run needs, and says what is wrong and what to do.
//!
//! For the first contact with the real service, and for days when something is wrong: it sends each request once,
//! reports the result, and compares the service's behaviour with the statements of `docs/api-contract.md` that the
//! client relies on. It changes nothing, except for one small file in the copy, and sends about two dozen requests. The report contains no secret and
//! names no document, binder or person.

mod clock;
mod content;
mod copy;
mod destination;
mod failure;
mod network;
mod results;
mod service;
mod shape;
mod statements;
mod versions;

pub use copy::copy;
pub use destination::destination;
pub use service::{Visit, visit};
