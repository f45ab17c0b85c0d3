//! A sample of the downloads of a plan.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use crate::{
    model::{DocumentId, VersionId},
    sync::fetch::job::DownloadJob,
};

/// The documents with the smallest hashes: every document has the same chance, whatever the order of the listing.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    most: usize,
    pub(super) documents: BTreeMap<u64, (DocumentId, VersionId)>,
}

impl Sample {
    pub(crate) fn of(most: usize) -> Self {
        Self { most, documents: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, job: &DownloadJob) {
        let mut hasher = DefaultHasher::new();
        job.document.hash(&mut hasher);
        let hash = hasher.finish();
        let largest = self.documents.last_key_value().map(|(largest, _)| *largest);
        if self.documents.len() < self.most || largest.is_some_and(|largest| hash < largest) {
            self.documents.insert(hash, (job.document.clone(), job.particulars.version.clone()));
        }
        if self.documents.len() > self.most {
            self.documents.pop_last();
        }
    }
}
