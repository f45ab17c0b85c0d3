//! The engine: crawl → plan → transfer → publish → record.
//!
//! [`run`] is one execution. Binders are read a few at once (`crawl`); the `desk` compares what
//! they list with what is known and hands out jobs; transfers bring bytes over (`transfer`); the
//! `ledger` publishes them in groups and records them. When all binders were read, `absence`
//! and `settle` decide as a set who is gone and who goes where.
//!
//! Only credentials, configuration, the state, the disk and the lock end a run ([`Fatal`]);
//! everything else is a document's or a binder's failure, which is data.

mod absence;
mod binders;
mod book;
mod claim;
mod contradiction;
mod crawl;
mod ctx;
mod desk;
mod filter;
mod filtering;
mod folders;
mod forget;
mod ledger;
mod listing;
mod names;
mod options;
mod order;
mod pending;
mod recase;
mod receive;
mod repair;
mod retain;
mod room;
mod run;
mod scrub;
mod seen;
mod settle;
mod stop;
mod tabs;
mod transfer;
mod transfer_error;
mod transfers;
mod tries;
mod worker;

pub use claim::review;
pub use ctx::Planned;
pub use filter::{BadGlob, Filter};
pub use forget::{forget, replay};
pub use options::{Adopt, Options};
pub use repair::mend;
pub use run::{Ended, Finished, Parts, run};
pub use stop::{Cause, Stop};

use ctx::{Ctx, Writing};

use crate::{mirror, remote, report::FailureCause, state, verify};

/// Why nothing can go on.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The service or the way to it.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// The disk.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The state.
    #[error(transparent)]
    State(#[from] state::Error),
    /// A fault of this program.
    #[error("{0}")]
    Internal(String),
}

impl From<verify::Error> for Fatal {
    fn from(error: verify::Error) -> Self {
        match error {
            verify::Error::Mirror(error) => Self::Mirror(error),
            verify::Error::State(error) => Self::State(error),
        }
    }
}

impl Fatal {
    /// The word for it in reports.
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::Remote(error) => transfer_error::cause_of(error.kind()),
            Self::Mirror(_) => FailureCause::File,
            Self::State(error) if error.kind() == state::Kind::Disk => FailureCause::File,
            Self::State(_) | Self::Internal(_) => FailureCause::Run,
        }
    }

    /// Whether it is about the disk.
    fn is_disk(&self) -> bool {
        match self {
            Self::Mirror(error) => error.kind() == mirror::Kind::Disk,
            Self::State(error) => error.kind() == state::Kind::Disk,
            Self::Remote(_) | Self::Internal(_) => false,
        }
    }
}

/// How reading a binder ended.
#[derive(Debug)]
enum Crawled {
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
