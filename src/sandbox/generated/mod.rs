//! Organisations of any size, made from a seed.
//!
//! A document's first place and name are a function of the seed and its number, and its bytes are a
//! function of its first name and its version. So nothing but names and places is held in memory,
//! and the same seed always makes the same organisation. Days after the first change it.

mod days;
mod document_bytes;
mod names;

use super::content::Content;
use super::id::{Guid, below, mix_all};
use super::organisation::{Document, NOWHERE, Organisation};

/// What to generate.
#[derive(Clone, Debug)]
pub struct Generated {
    /// How many binders (at least one where there are documents).
    pub binders: usize,
    /// How many documents on the first day.
    pub documents: usize,
    /// The same seed makes the same organisation.
    pub seed: u64,
    /// 1 is the organisation as it was first made; each later day changes a few percent of it.
    pub day: u32,
    /// The length of every document in bytes; without it they have one short page.
    pub document_size: Option<u64>,
}

impl Default for Generated {
    fn default() -> Self {
        Self { binders: 4, documents: 200, seed: 1, day: 1, document_size: None }
    }
}

/// Makes what is not held in memory.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    seed: u64,
    binders: usize,
    size: Option<u64>,
    /// Whether the first documents have names that file systems quarrel about.
    awkward: bool,
}

/// From this many documents on, some are awkwardly named, and each day has a change of every kind.
const MANY: usize = 50;

impl Organisation {
    /// An organisation of the given size and age.
    pub fn generated(wanted: &Generated) -> Self {
        let generator = Generator {
            seed: wanted.seed,
            binders: wanted.binders.max(usize::from(wanted.documents > 0)),
            size: wanted.document_size,
            awkward: wanted.documents >= MANY,
        };
        let mut organisation = Self::new(Guid::mixed(&[wanted.seed, 21]));
        organisation.reserve(wanted.documents + wanted.documents / 100);
        for number in 0..generator.binders {
            organisation.push_shelves(names::binder(wanted.seed, number));
        }
        for _ in 0..wanted.documents {
            generator.push_next(&mut organisation);
        }
        for day in 2..=wanted.day {
            organisation.changes = days::pass(&mut organisation, &generator, day);
        }
        organisation.list_all();
        organisation.generator = Some(generator);
        organisation
    }

    fn push_shelves(&mut self, name: String) {
        let id = self.next_nano_id();
        let binder = self.push_binder(id, name);
        let first = super::organisation::position(self.folders.len());
        for shelf in &names::SHELVES {
            let parent = shelf.parent.map_or(NOWHERE, |above| first + super::organisation::position(above));
            let id = self.next_guid(2, self.folders.len());
            self.push_folder(id, binder, parent, shelf.name.to_owned());
        }
    }
}

impl Generator {
    /// The bytes of version `version` (from 0) of document `number`.
    pub(super) fn content(&self, number: usize, version: usize) -> Content {
        let version = u32::try_from(version).unwrap_or(u32::MAX).saturating_add(1);
        document_bytes::make(&self.first_name(number), version, self.size)
    }

    /// Adds the next document, unlisted, at its first place and under its first name.
    fn push_next(&self, organisation: &mut Organisation) -> u32 {
        let number = organisation.documents.len();
        let (binder, rack) = self.place(number);
        let folder = rack.map_or(NOWHERE, |rack| self.folder(binder, rack));
        let id = organisation.next_guid(3, number);
        let mut document = Document::new(id, &self.first_name(number), super::organisation::position(binder), folder);
        document.generated = 1;
        organisation.push_document(document)
    }

    /// The binder and shelf where a document first lies; a few lie directly below their binder.
    fn place(&self, number: usize) -> (usize, Option<usize>) {
        if self.awkward && names::awkward(number).is_some() {
            return (0, Some(names::OLD_PAPERS));
        }
        let roll = |salt| mix_all(&[self.seed, salt, number as u64]);
        // The lower of two: some binders are much larger than others.
        let binder = below(roll(5), self.binders).min(below(roll(6), self.binders));
        let rack = below(roll(7), names::SHELVES.len() * 30);
        (binder, (rack >= 30).then_some(rack / 30))
    }

    fn folder(&self, binder: usize, rack: usize) -> u32 {
        debug_assert!(binder < self.binders, "there is no such binder");
        super::organisation::position(binder * names::SHELVES.len() + rack)
    }

    fn first_name(&self, number: usize) -> String {
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_seed_makes_the_same_organisation_again() {
        let wanted = Generated { documents: 300, day: 3, ..Generated::default() };
        let (one, two) = (Organisation::generated(&wanted), Organisation::generated(&wanted));
        assert_eq!(one.documents(), two.documents());
        assert_eq!(one.id(), two.id());
        let other = Organisation::generated(&Generated { seed: 2, ..wanted });
        assert_ne!(one.documents(), other.documents());
    }

    #[test]
    fn every_document_is_listed_once_in_a_binder_of_its_own_folder() {
        let organisation = Organisation::generated(&Generated { documents: 2000, ..Generated::default() });
        let documents = organisation.documents();
        assert_eq!(documents.len(), 2000);
        assert_eq!(documents.iter().map(|document| &document.id).collect::<HashSet<_>>().len(), 2000);
        for document in &organisation.documents {
            if let Some(folder) = organisation.folders.get(document.folder as usize) {
                assert_eq!(folder.binder, document.binder);
            }
        }
        assert!(documents.iter().any(|document| document.folders.is_empty()));
        assert!(documents.iter().any(|document| document.folders.len() == 4));
    }

    #[test]
    fn bytes_name_the_version_and_meet_the_size() {
        let wanted = Generated { documents: 60, day: 4, document_size: Some(9000), ..Generated::default() };
        let organisation = Organisation::generated(&wanted);
        let revised = organisation.documents.iter().find(|document| document.generated > 1).unwrap();
        let (id, latest) = (revised.id.to_string(), revised.version_id(1).to_string());
        let old = organisation.bytes(&id, &revised.version_id(0).to_string()).unwrap();
        let new = organisation.bytes(&id, &latest).unwrap();
        assert_ne!(old, new);
        assert!(organisation.documents().iter().all(|document| document.size == 9000));
    }
}
