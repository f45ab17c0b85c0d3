//! Bytes that came, and those among them that wait to be judged.

use std::collections::VecDeque;

use crate::{
    evidence::{Fit, Item},
    model::{ClockReading, DocumentId, Staged},
    report::Warning,
    sync::fetch::job::DownloadJob,
};

/// A document's bytes, whole and staged.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) staged: Staged,
    /// How they compare with the document's name.
    pub(crate) fit: Fit,
    /// Whether storage vouches for them.
    pub(crate) vouched: bool,
    /// Whether the state knows a partial download that is not needed any more.
    pub(crate) recorded: bool,
    /// What is odd about them, once they are kept.
    pub(crate) odd: Vec<Warning>,
}

/// A document whose bytes are staged and wait.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) job: DownloadJob,
    pub(crate) arrived: Arrived,
    /// Since when such bytes have been held back for it.
    pub(crate) held_since: Option<ClockReading>,
}

/// What waits, and what was accepted of it before.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) pending: Vec<Pending>,
    pub(crate) accepted: VecDeque<(Item, DocumentId)>,
}
