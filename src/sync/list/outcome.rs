//! How reading a binder ended.

/// How reading a binder ended.
#[derive(Debug)]
pub(crate) enum BinderOutcome {
    /// The listing is consistent.
    Certified { total: u64 },
    /// The listing is not consistent.
    Uncertified { why: &'static str },
    /// The service refuses the binder.
    Inaccessible(String),
    /// A request failed.
    Failed,
    /// The run ended first.
    Stopped,
}
