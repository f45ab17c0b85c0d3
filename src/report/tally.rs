//! Counts each document of a run once.
//!
//! Memory grows with changes and failures, never with unchanged documents.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Binders, Change, Changes, Documents, Failure, FailureCause, Freed, TabsWithoutDocuments, Warning, Withheld,
};
use crate::model::DocumentId;

/// Most listed warnings; the rest is counted.
const MOST_WARNINGS: usize = 200;

/// Most listed failures; the rest is counted.
const MOST_FAILURES: usize = 10_000;

#[derive(Debug, Default)]
struct Counts {
    binders: Binders,
    seen: u64,
    removed: u64,
    withheld: Vec<Withheld>,
    empty_tabs: Vec<TabsWithoutDocuments>,
    changes: Changes,
    downloaded: u64,
    freed: Freed,
    failures: Vec<Failure>,
    failed_unseen: u64,
    warnings: Vec<Warning>,
    warned: HashSet<Warning>,
    left_out: u64,
}

/// The counts of a run.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the counts of binders.
    pub fn binders(&self, count: impl FnOnce(&mut Binders)) {
        count(&mut self.counts().binders);
    }

    /// Documents that are listed for the first time in this run.
    pub fn seen(&self, documents: u64) {
        self.counts().seen += documents;
    }

    /// A document changed or was excluded.
    pub fn changed(&self, document: &DocumentId, change: Change) {
        self.counts().changes.add(document, change);
    }

    /// A document was removed from the tree.
    pub fn removed(&self) {
        self.counts().removed += 1;
    }

    /// These removals were withheld.
    pub fn withhold(&self, documents: impl IntoIterator<Item = Withheld>) {
        self.counts().withheld.extend(documents);
    }

    /// The withheld removals.
    pub fn withheld(&self) -> Vec<Withheld> {
        self.counts().withheld.clone()
    }

    /// Sets the binders with tabs that contain no documents.
    pub fn count_empty_tabs(&self, tabs: Vec<TabsWithoutDocuments>) {
        self.counts().empty_tabs = tabs;
    }

    /// The binders with tabs that contain no documents.
    pub fn empty_tabs(&self) -> Vec<TabsWithoutDocuments> {
        self.counts().empty_tabs.clone()
    }

    /// Bytes were received.
    pub fn downloaded(&self, bytes: u64) {
        self.counts().downloaded += bytes;
    }

    /// Retention deleted something.
    pub fn freed(&self, count: impl FnOnce(&mut Freed)) {
        count(&mut self.counts().freed);
    }

    /// A document or binder failed.
    pub fn failed(&self, document: Option<&DocumentId>, failure: Failure) {
        tracing::error!(
            binder = failure.binder_id, document = failure.document_id, file_name = ?failure.file_name.as_deref().unwrap_or_default(),
            attempts = failure.attempts, "{}", failure.error
        );
        if let Some(document) = document {
            self.changed(document, Change::Failed);
        }
        let mut counts = self.counts();
        if document.is_none() && failure.binder_id.is_some() && failure.file_name.is_some() {
            counts.failed_unseen += 1;
        }
        if counts.failures.len() < MOST_FAILURES {
            counts.failures.push(failure);
        }
    }

    /// Adds a warning; the same warning counts once.
    pub fn warn(&self, warning: Warning) {
        let mut counts = self.counts();
        if counts.warned.contains(&warning) {
            return;
        }
        tracing::warn!("{warning}");
        if counts.warnings.len() < MOST_WARNINGS {
            counts.warned.insert(warning.clone());
            counts.warnings.push(warning);
        } else {
            counts.left_out += 1;
        }
    }

    /// The counts of binders so far.
    pub fn binder_counts(&self) -> Binders {
        self.counts().binders
    }

    /// Bytes received so far.
    pub fn bytes(&self) -> u64 {
        self.counts().downloaded
    }

    /// What retention deleted so far.
    pub fn freed_counts(&self) -> Freed {
        self.counts().freed
    }

    /// The counts of documents so far.
    pub fn documents(&self) -> Documents {
        let counts = self.counts();
        let of = |change| counts.changes.count(change);
        let mut documents = Documents {
            seen: counts.seen,
            adopted: of(Change::Adopted),
            added: of(Change::Added),
            updated: of(Change::Updated),
            moved: of(Change::Moved),
            filtered: of(Change::Filtered),
            purged: of(Change::Purged),
            without_version: of(Change::NoVersion),
            acknowledged: of(Change::Acknowledged),
            failed: of(Change::Failed) + counts.failed_unseen,
            removed: counts.removed,
            withheld: counts.withheld.len() as u64,
            unchanged: 0,
        };
        documents.unchanged = documents.seen.saturating_sub(counts.changes.len());
        documents
    }

    /// The end of a run: a document that is still to be downloaded was lost on the way, which is a failure.
    pub fn fail_unfinished(&self) {
        let lost = self.counts().changes.all(Change::Planned);
        for document in lost {
            let error =
                "it is listed, but the run neither mirrored it nor reported an error; please report this".to_owned();
            let failure =
                Failure { document_id: Some(document.to_string()), ..Failure::of_nobody(FailureCause::Run, error) };
            self.failed(Some(&document), failure);
        }
    }

    /// Whether a listed document is neither mirrored nor excluded on purpose, or something else failed.
    pub fn is_short(&self) -> bool {
        let counts = self.counts();
        !counts.failures.is_empty() || counts.failed_unseen > 0 || !counts.changes.are_settled()
    }

    /// Documents that are still to be downloaded: what a run that ended early leaves.
    pub fn to_come(&self) -> u64 {
        self.counts().changes.count(Change::Planned)
    }

    /// The failures.
    pub fn failures(&self) -> Vec<Failure> {
        self.counts().failures.clone()
    }

    /// The warnings.
    pub fn warnings(&self) -> Vec<Warning> {
        let counts = self.counts();
        let mut warnings = counts.warnings.clone();
        if counts.left_out > 0 {
            warnings.push(Warning::More { count: counts.left_out });
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_counts_once() {
        let tally = Tally::default();
        let id = |text| DocumentId::parse(text).unwrap();
        tally.seen(5);
        tally.changed(&id("a"), Change::Added);
        tally.changed(&id("a"), Change::Moved);
        tally.changed(&id("b"), Change::Updated);
        tally.changed(&id("b"), Change::Moved);
        tally.changed(&id("c"), Change::Filtered);
        let documents = tally.documents();
        assert_eq!((documents.added, documents.moved, documents.updated), (0, 1, 1));
        assert_eq!((documents.filtered, documents.unchanged, documents.seen), (1, 2, 5));
        tally.changed(&id("d"), Change::Planned);
        assert_eq!((tally.documents().unchanged, tally.to_come()), (1, 1));
    }

    #[test]
    fn a_listed_document_that_was_not_downloaded_is_a_failure() {
        let tally = Tally::default();
        let id = |text: &str| DocumentId::parse(text).unwrap();
        tally.changed(&id("a"), Change::Planned);
        tally.changed(&id("a"), Change::Added);
        for change in [Change::NoVersion, Change::Filtered, Change::Purged, Change::Acknowledged] {
            tally.changed(&id(&format!("{change:?}")), change);
        }
        tally.fail_unfinished();
        assert!(!tally.is_short());
        tally.changed(&id("b"), Change::Planned);
        assert!(tally.is_short());
        tally.fail_unfinished();
        assert_eq!((tally.documents().failed, tally.to_come()), (1, 0));
        assert_eq!(tally.failures()[0].document_id.as_deref(), Some("b"));
    }

    #[test]
    fn the_same_warning_counts_once() {
        let tally = Tally::default();
        for n in 0..500 {
            tally.warn(Warning::other(Warning::Output, &(n % 300)));
        }
        let warnings = tally.warnings();
        assert_eq!(warnings.len(), MOST_WARNINGS + 1);
        assert_eq!(warnings[MOST_WARNINGS], Warning::More { count: 100 });
    }
}
