//! What a run did: counted while it goes on, written down when it ends.
//!
//! [`Tally`] collects from every task; [`Progress`] is what a screen reads meanwhile;
//! [`RunReport`] is the document that other programs read, whose shape is a contract.

mod progress;
mod run_report;
mod tally;

pub use progress::Progress;
pub use run_report::{Binders, Bytes, Documents, Failure, Outcome, Requests, RunReport};
pub use tally::{Change, Tally};
