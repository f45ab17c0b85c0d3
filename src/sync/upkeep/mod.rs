//! Checks, repairs and deletions that no listing asks for.

pub(crate) mod forget;
pub(crate) mod repair;
pub(crate) mod retention;
pub(crate) mod review;
pub(crate) mod scrub;
