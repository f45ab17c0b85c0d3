//! What of a catalogue is written already, and still holds.

use std::collections::{HashMap, HashSet};

use super::{
    pair::Previous,
    place::{Site, SitePlace},
    record,
    survey::Surveyed,
};
use crate::{history::Error, site::BinderEntry, state};

/// What was written before and still holds.
pub(super) struct Base {
    /// `None` if nothing is known to hold.
    entries: Option<HashMap<String, BinderEntry>>,
    /// Binders that changed since then.
    changed: HashSet<String>,
    /// Whether nothing at all changed.
    is_same: bool,
}

impl Site<'_> {
    /// Compares the record with what `start.js` leads to.
    pub(super) fn base(&self, previous: &Previous, rewritten: Option<&HashSet<String>>) -> Result<Base, Error> {
        let nothing = Base { entries: None, changed: HashSet::new(), is_same: false };
        let (Some(rewritten), SitePlace::Mirror(_)) = (rewritten, &self.place) else { return Ok(nothing) };
        let known = record::read(self.state)?.filter(|record| {
            record.version == env!("CARGO_PKG_VERSION")
                && record.options == self.options
                && previous.start.as_ref().is_some_and(|start| start.binders == record.binders)
        });
        let Some(record) = known else { return Ok(nothing) };
        let is_same = rewritten.is_empty() && !self.has_changed_after(record.run)?;
        let mut changed = rewritten.clone();
        if !is_same {
            changed.extend(self.state.read(|r| r.binders_changed_after(record.run))?);
        }
        let entries = previous.entries.iter().map(|entry| (entry.id.clone(), entry.clone())).collect();
        Ok(Base { entries: Some(entries), changed, is_same })
    }

    /// Whether documents changed after a run, or what is held of their old versions.
    fn has_changed_after(&self, run: i64) -> Result<bool, Error> {
        let (changed, freed) = self.state.read(|r| {
            let freed = if self.options.history { r.has_freed_after(run)? } else { false };
            Ok::<_, state::Error>((r.changed_run()?, freed))
        })?;
        Ok(freed || changed.is_some_and(|changed| changed > run))
    }
}

impl Base {
    /// Whether it is known what was written before.
    pub(super) fn is_known(&self) -> bool {
        self.entries.is_some()
    }

    /// Whether nothing changed, and this is still the list of binders.
    pub(super) fn holds(&self, previous: &Previous, binders: &str) -> bool {
        self.is_same && previous.start.as_ref().is_some_and(|start| start.binders == binders)
    }

    /// What was written of a binder that did not change.
    pub(super) fn unchanged(&self, binder: &Surveyed) -> Option<&BinderEntry> {
        let old = self.entries.as_ref()?.get(&binder.summary.id)?;
        let now = binder.entry();
        let same =
            (&old.path, old.documents, old.bytes, old.schema) == (&now.path, now.documents, now.bytes, now.schema);
        (same && !self.changed.contains(&old.id)).then_some(old)
    }

    /// Whether the changes that were written before still hold, and their file is there.
    pub(super) fn keeps_changes(&self, previous: &Previous) -> bool {
        let name = previous.start.as_ref().and_then(|start| start.changes.as_ref());
        self.is_same && name.is_none_or(|name| previous.files.contains(name))
    }
}
