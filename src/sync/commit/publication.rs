//! An intent on its way to a row.

use crate::{mirror::Outcome, model::Intent, report::Change};

/// An intent, and what came of it.
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

    /// What it counts as when it is done, and whether it uses a partial download up.
    pub(super) fn counting(self, change: Option<Change>, partial: bool) -> Self {
        Self { change, partial, ..self }
    }
}
