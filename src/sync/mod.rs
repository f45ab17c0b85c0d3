//! The engine. One run lists, decides, fetches and commits; what a mirror needs besides is upkeep.
//!
//! - `list` reads the binders, their folders and pages, and judges whether a listing is complete.
//! - `decide` compares what is listed with what is known, and hands out downloads and changes. Removals and renames are
//!   decided as a set once all binders have been read.
//! - `fetch` downloads versions, and decides what may become a document.
//! - `commit` publishes files in batches and records them.
//! - `upkeep` checks, repairs, and deletes what the retention ends.
//!
//! Only credentials, configuration, the state, the disk and the lock end a run ([`Fatal`]);
//! everything else is a document's or a binder's failure, which is data.

mod commit;
mod context;
mod decide;
mod fetch;
mod list;
mod options;
mod run;
mod stop;
mod upkeep;
mod worker;

pub use context::Planned;
pub use decide::adoption::review;
pub use list::filter::{BadGlob, Filter};
pub use options::{Adopt, Options};
pub use run::{Ended, Finished, Parts, run};
pub use stop::{Stop, StopCause};
pub use upkeep::{
    forget::{forget, replay},
    repair::mend,
};

use fetch::transfer_error;

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
            Self::State(error) if error.kind() == state::ErrorKind::Disk => FailureCause::File,
            Self::State(_) | Self::Internal(_) => FailureCause::Run,
        }
    }

    /// Whether it is about the disk.
    fn is_disk(&self) -> bool {
        match self {
            Self::Mirror(error) => error.kind() == mirror::ErrorKind::Disk,
            Self::State(error) => error.kind() == state::ErrorKind::Disk,
            Self::Remote(_) | Self::Internal(_) => false,
        }
    }
}

/// How reading a binder ended.
#[derive(Debug)]
enum BinderOutcome {
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
