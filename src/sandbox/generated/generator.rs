//! Places, names and bytes of generated documents, which are not held in memory.

use super::names;
use crate::sandbox::{
    content::Content,
    id::{below, mix_all},
};

/// Makes what is not held in memory.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Generator {
    pub(super) seed: u64,
    pub(super) binders: usize,
    pub(super) size: Option<u64>,
    /// Whether the first documents have names that file systems quarrel about.
    pub(super) awkward: bool,
}

/// From this many documents on, some are awkwardly named, and each day has a change of every kind.
pub(super) const MANY: usize = 50;

impl Generator {
    /// The bytes of version `version` (from 0) of document `number`.
    pub(in crate::sandbox) fn content(&self, number: usize, version: usize) -> Content {
        let version = u32::try_from(version).unwrap_or(u32::MAX).saturating_add(1);
        super::document_bytes::make(&self.first_name(number), version, self.size)
    }

    /// The binder and shelf where a document first lies; a few lie directly below their binder.
    pub(super) fn place(&self, number: usize) -> (usize, Option<usize>) {
        if self.awkward && names::awkward(number).is_some() {
            return (0, Some(names::OLD_PAPERS));
        }
        let roll = |salt| mix_all(&[self.seed, salt, number as u64]);
        // The lower of two: some binders are much larger than others.
        let binder = below(roll(5), self.binders).min(below(roll(6), self.binders));
        let rack = below(roll(7), names::SHELVES.len() * 30);
        (binder, (rack >= 30).then_some(rack / 30))
    }

    pub(super) fn first_name(&self, number: usize) -> String {
        if self.awkward
            && let Some(name) = names::awkward(number)
        {
            return name;
        }
        let topic = match self.place(number) {
            (_, Some(rack)) => names::SHELVES[rack].topic,
            (_, None) => names::Topic::Various,
        };
        names::document(self.seed, number, topic)
    }
}

/// The position of a shelf's folder.
pub(super) fn folder(binder: usize, rack: usize) -> u32 {
    crate::sandbox::id::position(binder * names::SHELVES.len() + rack)
}
