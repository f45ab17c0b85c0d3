//! The binders that a catalogue is about.

use std::collections::HashMap;

use crate::{
    catalogue::Labelled,
    history::Error,
    site::{BinderEntry, BinderLabels},
    state::{self, BinderSummary, State},
};

/// Keys of metadata whose values have columns of their own.
pub(super) const TAB: &str = "GLOBAL_TabId";
pub(super) const CATEGORY: &str = "GLOBAL_Category";
pub(super) const STATUS: &str = "GLOBAL_Status";

/// A binder, and when it was read.
#[derive(Debug)]
pub(super) struct Surveyed {
    pub(super) summary: BinderSummary,
    pub(super) labels: Labelled,
    pub(super) schema_changed_at: Option<i64>,
    /// The last run that listed it, and its end.
    pub(super) listed: Option<(i64, i64)>,
}

/// All binders, ordered by their folders.
pub(super) fn survey(state: &State) -> Result<Vec<Surveyed>, Error> {
    let (summaries, marks, labels) =
        state.read(|r| Ok::<_, state::Error>((r.binder_summaries()?, r.binder_marks()?, r.labels()?)))?;
    let mut marks: HashMap<String, _> = marks.into_iter().map(|mark| (mark.id.clone(), mark)).collect();
    let mut labels: HashMap<String, _> = labels.into_iter().map(|labels| (labels.binder, labels.schema)).collect();
    let with_marks = |summary: BinderSummary| {
        let (mark, schema) = (marks.remove(&summary.id), labels.remove(&summary.id).flatten());
        Surveyed {
            labels: Labelled::new(schema.as_deref()),
            schema_changed_at: mark.as_ref().and_then(|mark| mark.schema_changed_at),
            listed: mark.and_then(|mark| mark.listed),
            summary,
        }
    };
    Ok(summaries.into_iter().map(with_marks).collect())
}

impl Surveyed {
    /// The binder without its data.
    pub(super) fn entry(&self) -> BinderEntry {
        let label = |key| self.labels.label(key).map(str::to_owned);
        BinderEntry {
            id: self.summary.id.clone(),
            name: self.summary.name.clone(),
            path: self.summary.folder.clone(),
            documents: self.summary.documents,
            bytes: self.summary.bytes,
            labels: BinderLabels { tab: label(TAB), category: label(CATEGORY), status: label(STATUS) },
            schema: self.schema_changed_at,
            ..BinderEntry::default()
        }
    }
}
