//! Organisations of any size, generated from a seed.
//!
//! A document's first place and name depend only on the seed and its number, and its bytes only on its first name
//! and its version. So only names and places are kept in memory, and a seed always gives the same organisation.
//! Further days change it.

mod days;
mod document_bytes;
mod generator;
mod names;

use super::id::{Guid, position};
use super::organisation::{Document, NO_FOLDER, Organisation};

pub(super) use generator::Generator;
use generator::{MANY, folder};

/// What to generate.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The number of binders (at least one if there are documents).
    pub binders: usize,
    /// The number of documents on the first day.
    pub documents: usize,
    /// The same seed generates the same organisation.
    pub seed: u64,
    /// 1 is the original organisation; each later day changes a few percent of it.
    pub day: u32,
    /// The size of every document in bytes; `None` for one short page.
    pub document_size: Option<u64>,
}

impl Default for Generated {
    fn default() -> Self {
        Self { binders: 4, documents: 200, seed: 1, day: 1, document_size: None }
    }
}

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
            organisation.push_folders(names::binder(wanted.seed, number));
        }
        for _ in 0..wanted.documents {
            organisation.push_next(&generator);
        }
        for day in 2..=wanted.day {
            organisation.changes = days::pass(&mut organisation, &generator, day);
        }
        organisation.list_all();
        organisation.generator = Some(generator);
        organisation
    }

    /// Adds the generator's next document, unlisted, with its first place and name.
    pub(super) fn push_next(&mut self, generator: &Generator) -> u32 {
        let number = self.documents.len();
        let (binder, index) = generator.place(number);
        let folder = index.map_or(NO_FOLDER, |index| folder(binder, index));
        let id = self.next_guid(3, number);
        let mut document = Document::new(id, &generator.first_name(number), position(binder), folder);
        document.generated = 1;
        self.push_document(document)
    }

    fn push_folders(&mut self, name: String) {
        let id = self.next_nano_id();
        let binder = self.push_binder(id, name);
        let first = position(self.folders.len());
        for spec in &names::FOLDERS {
            let parent = spec.parent.map_or(NO_FOLDER, |above| first + position(above));
            let id = self.next_guid(2, self.folders.len());
            self.push_folder(id, binder, parent, spec.name.to_owned());
        }
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
    fn bytes_contain_the_version_and_have_the_size() {
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
