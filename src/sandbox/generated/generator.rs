//! Generates places, names and bytes of documents, which are not kept in memory.

use super::names;
use crate::sandbox::{
    content::Content,
    id::{below, mix_all},
};

#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Generator {
    pub(super) seed: u64,
    pub(super) binders: usize,
    pub(super) size: Option<u64>,
    /// Whether the first documents have names that are difficult for file systems.
    pub(super) awkward: bool,
}

/// From this many documents on, some have difficult names, and each day has a change of every kind.
pub(super) const MANY: usize = 50;

impl Generator {
    /// The bytes of version `version` (from 0) of document `number`.
    pub(in crate::sandbox) fn content(&self, number: usize, version: usize) -> Content {
        let version = u32::try_from(version).unwrap_or(u32::MAX).saturating_add(1);
        super::document_bytes::make(&self.first_name(number), version, self.size)
    }

    /// The first binder and folder of a document; a few are directly below their binder.
    pub(super) fn place(&self, number: usize) -> (usize, Option<usize>) {
        if self.awkward && names::awkward(number).is_some() {
            return (0, Some(names::AWKWARD_FOLDER));
        }
        let roll = |salt| mix_all(&[self.seed, salt, number as u64]);
        // The minimum of two rolls makes some binders much larger than others.
        let binder = below(roll(5), self.binders).min(below(roll(6), self.binders));
        let index = below(roll(7), names::FOLDERS.len() * 30);
        (binder, (index >= 30).then_some(index / 30))
    }

    pub(super) fn first_name(&self, number: usize) -> String {
        if self.awkward
            && let Some(name) = names::awkward(number)
        {
            return name;
        }
        let topic = match self.place(number) {
            (_, Some(index)) => names::FOLDERS[index].topic,
            (_, None) => names::Topic::Various,
        };
        names::document(self.seed, number, topic)
    }
}

/// The position of a folder.
pub(super) fn folder(binder: usize, index: usize) -> u32 {
    crate::sandbox::id::position(binder * names::FOLDERS.len() + index)
}
