//! How reading a binder ended.

/// How reading a binder ended.
#[derive(Debug)]
pub(crate) enum BinderOutcome {
    /// The listing is consistent, and has so many documents.
    Certified { total: u64 },
    /// The listing is not consistent.
    Uncertified { why: &'static str },
    /// The service refuses it.
    Inaccessible(String),
    /// It could not be read.
    Failed,
    /// The run ended first.
    Stopped,
}
