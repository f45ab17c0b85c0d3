//! Restores the case of ids that earlier versions stored in lower case, as the service lists them.

use crate::{
    model::{BinderId, FolderId, Listed},
    report::Warning,
    state::{self, Known},
    sync::{Fatal, decide::planner::Planner},
};

impl Planner {
    pub(crate) fn recase(&mut self, binder: &BinderId, items: &[Listed]) -> Result<(), Fatal> {
        if !self.has_folded_ids {
            return Ok(());
        }
        self.state.write(|w| {
            items.iter().try_for_each(|i| w.recase_document(&i.id, i.version.as_ref(), i.folder.as_ref()))
        })?;
        self.recase_folders(binder, items.iter().filter_map(|item| item.folder.as_ref()))
    }

    /// Rewrites the rows of listed folders, and reads the tree again if any changed.
    pub(crate) fn recase_folders<'f>(
        &mut self,
        binder: &BinderId,
        folders: impl Iterator<Item = &'f FolderId>,
    ) -> Result<(), Fatal> {
        if !self.has_folded_ids {
            return Ok(());
        }
        let changed = self.state.write(|w| {
            let mut changed = false;
            for folder in folders {
                changed |= w.recase_folder(binder, folder)?;
            }
            Ok::<_, state::Error>(changed)
        })?;
        match self.trees.get(binder).map(|tree| tree.segment().to_owned()) {
            Some(segment) if changed => self.open_tree(binder, &segment),
            _ => Ok(()),
        }
    }

    /// Whether an absent document is kept without asking for it, because the service may not know the id in lower case.
    pub(crate) fn is_kept_for_its_id(&self, known: &Known) -> Result<bool, Fatal> {
        if !self.has_folded_ids || !self.state.read(|r| r.is_folded(known.id.as_str()))? {
            return Ok(false);
        }
        self.warn_of(known, Warning::IdWithoutCase);
        Ok(true)
    }
}
