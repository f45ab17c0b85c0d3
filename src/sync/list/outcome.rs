//! How reading a binder ended.

use std::fmt;

use crate::report::format::number_of;

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

impl fmt::Display for BinderOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certified { total } => f.write_str(&number_of(*total, "document", "documents")),
            Self::Uncertified { why } => write!(f, "its listing is inconsistent: {why}"),
            Self::Inaccessible(why) => write!(f, "no access: {why}"),
            Self::Failed => f.write_str("it could not be read"),
            Self::Stopped => f.write_str("not read to its end"),
        }
    }
}
