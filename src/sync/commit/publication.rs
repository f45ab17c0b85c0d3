//! An intent until its row is recorded.

use crate::{
    mirror::Outcome,
    model::{Intent, RelPath},
    report::Change,
};

/// An intent and its outcome.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) intent: Intent,
    pub(super) change: Option<Change>,
    pub(super) partial: bool,
    pub(super) number: i64,
    pub(super) outcome: Result<Outcome, String>,
}

impl Publication {
    pub(super) fn new(intent: Intent) -> Self {
        Self { intent, change: None, partial: false, number: 0, outcome: Ok(Outcome::Lost) }
    }

    /// Sets what it counts as, and whether it ends a partial download.
    pub(super) fn counting(self, change: Option<Change>, partial: bool) -> Self {
        Self { change, partial, ..self }
    }

    /// The same publication at another path.
    pub(super) fn at(&self, path: RelPath) -> Self {
        Self::new(Intent { path, ..self.intent.clone() }).counting(self.change, self.partial)
    }
}
