//! Downloads that are not published yet.

use std::collections::VecDeque;

use crate::{
    evidence::{Fit, Item},
    model::{ClockReading, DocumentId, Staged},
    report::Warning,
    sync::fetch::job::DownloadJob,
};

/// A complete, staged download.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) staged: Staged,
    /// Whether the bytes fit the document's name.
    pub(crate) fit: Fit,
    /// Whether storage vouches for them.
    pub(crate) vouched: bool,
    /// Whether the state still has a partial download of it.
    pub(crate) recorded: bool,
    /// Warnings, if the bytes are published.
    pub(crate) odd: Vec<Warning>,
}

/// A download that waits for a decision.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) job: DownloadJob,
    pub(crate) arrived: Arrived,
    /// When the same bytes were first held back.
    pub(crate) held_since: Option<ClockReading>,
}

/// Downloads that wait, and those that were accepted before.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) pending: Vec<Pending>,
    pub(crate) accepted: VecDeque<(Item, DocumentId)>,
}
