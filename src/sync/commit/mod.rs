//! Publishes operations in batches, and records them.

pub(crate) mod batch;
pub(crate) mod committer;
pub(crate) mod names;
pub(crate) mod operation;
mod publication;
mod queue;
mod record;
