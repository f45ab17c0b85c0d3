//! Checks, repairs and deletes, independently of listings.

pub(crate) mod forget;
pub(crate) mod repair;
pub(crate) mod retention;
pub(crate) mod review;
pub(crate) mod scrub;
