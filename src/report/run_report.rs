//! The run report (contract: `docs/reference.md`, "Run report").

use serde::{Deserialize, Serialize};

use super::{ChangeLog, CopyReport, Failure, Filters, FirstRun, Warning};

/// The outcome of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything that the service lists is mirrored.
    Complete,
    /// Some documents or binders failed, or removals were withheld.
    Partial,
    /// The run failed.
    #[default]
    Failed,
    /// A signal ended it; the next run continues.
    Interrupted,
}

impl Outcome {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// The outcome with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Complete, Self::Partial, Self::Failed, Self::Interrupted]
            .into_iter()
            .find(|outcome| outcome.word() == word)
    }
}

/// Counts of binders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Binders {
    /// Listed by the service and selected by the filters.
    pub listed: u64,
    /// Listed by the service and excluded by the filters.
    pub filtered: u64,
    /// Read completely.
    pub crawled: u64,
    /// Those among them whose listing is not consistent.
    pub uncertified: u64,
    /// Known, but not listed any more or refused.
    pub inaccessible: u64,
    /// Failed to be read.
    pub failed: u64,
}

/// Counts of documents; each counts once as failed, acknowledged, updated, moved, added, adopted, excluded or
/// unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Documents {
    /// Distinct listed documents.
    pub seen: u64,
    /// Mirrored as listed before the run.
    pub unchanged: u64,
    /// New in the tree: new in iBinder, restored there, or missing in the tree before.
    pub added: u64,
    /// Adopted from existing files without a download.
    pub adopted: u64,
    /// Has a new version.
    pub updated: u64,
    /// Moved or renamed, with the same version.
    pub moved: u64,
    /// Removed from the tree; their bytes are kept.
    pub removed: u64,
    /// Not listed any more, but kept because too many were missing at once.
    pub withheld: u64,
    /// Excluded by the filters.
    pub filtered: u64,
    /// Excluded because they were purged; not reported in any other way.
    pub purged: u64,
    /// Listed without a version, and never mirrored.
    pub without_version: u64,
    /// Unavailable in a version for which that was acknowledged.
    pub acknowledged: u64,
    /// Not mirrored as listed; the next run tries again.
    pub failed: u64,
}

impl Documents {
    /// How many documents the run changed.
    pub fn changed(&self) -> u64 {
        self.adopted + self.added + self.updated + self.moved + self.removed
    }

    /// Whether the run changed anything.
    pub fn has_changes(&self) -> bool {
        self.changed() > 0
    }
}

/// Counts of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bytes {
    /// Received from storage, including repeated tries.
    pub downloaded: u64,
}

/// Counts of what retention deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Freed {
    /// Old versions whose bytes were deleted.
    pub versions: u64,
    /// Deleted objects; fewer if several versions had the same bytes.
    pub objects: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Counts of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requests {
    /// To the token endpoint.
    pub token: u64,
    /// To the API.
    pub api: u64,
    /// To storage.
    pub storage: u64,
    /// Retries among all these.
    pub retried: u64,
    /// Responses with status 429.
    pub throttled: u64,
    /// Responses, by status.
    pub answers: Answers,
}

/// Responses, by endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// Of the token endpoint.
    pub token: Statuses,
    /// Of the API.
    pub api: Statuses,
    /// Of storage.
    pub storage: Statuses,
}

/// Responses, by class of status. Requests without a response are missing from the sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statuses {
    /// 200 to 299.
    #[serde(rename = "2xx")]
    pub good: u64,
    /// 300 to 399.
    #[serde(rename = "3xx")]
    pub elsewhere: u64,
    /// 400 to 499.
    #[serde(rename = "4xx")]
    pub refused: u64,
    /// 500 to 599.
    #[serde(rename = "5xx")]
    pub failed: u64,
}

impl From<[u64; 4]> for Statuses {
    fn from([good, elsewhere, refused, failed]: [u64; 4]) -> Self {
        Self { good, elsewhere, refused, failed }
    }
}

/// What `--scrub` checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scrub {
    /// Documents whose bytes were checked.
    pub documents: u64,
    /// Objects whose bytes were checked.
    pub objects: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Documents and objects with missing or damaged bytes.
    pub damaged: u64,
    /// The repaired ones among them.
    pub repaired: u64,
}

/// The cost of a run that finds no changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UnchangedCost {
    /// Requests to the API and for the token.
    pub requests: u64,
    /// The request rate that the service accepted, or the fixed one, per second; `None` without a limit.
    pub rate: Option<f64>,
}

/// A document that iBinder does not list any more, and that stays because too many are missing at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// Its binder.
    pub binder_id: String,
    /// The binder's name.
    pub binder: String,
    /// Its id.
    pub document_id: String,
    /// Its file.
    pub path: String,
}

/// A binder with tabs that hold no documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabsWithoutDocuments {
    /// Its id.
    pub binder_id: String,
    /// Its name.
    pub binder: String,
    /// How many tabs.
    pub tabs: u64,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run's id; it begins with its number.
    pub run_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    pub started_at: jiff::Timestamp,
    /// When it ended.
    pub finished_at: jiff::Timestamp,
    /// Its duration.
    pub duration_seconds: f64,
    /// The organisation's id.
    pub organisation_id: String,
    /// Binders.
    pub binders: Binders,
    /// Documents.
    pub documents: Documents,
    /// Bytes.
    pub bytes: Bytes,
    /// What retention deleted.
    #[serde(default)]
    pub freed: Freed,
    /// Requests.
    #[serde(default)]
    pub requests: Requests,
    /// What `--scrub` checked; `None` without it.
    pub scrub: Option<Scrub>,
    /// The filters; `None` without any.
    pub filters: Option<Filters>,
    /// The cost of the next run if nothing changes; only in a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub night: Option<UnchangedCost>,
    /// What the first run will cost; only in a plan without a mirror.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_run: Option<FirstRun>,
    /// Every document whose removal was withheld.
    #[serde(default)]
    pub withheld: Vec<Withheld>,
    /// Binders with tabs that contain no documents, such as checklists and content tabs.
    #[serde(default)]
    pub tabs_without_documents: Vec<TabsWithoutDocuments>,
    /// The failures.
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// Warnings.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The same as data, in the same order.
    #[serde(default)]
    pub warning_details: Vec<Warning>,
    /// What changed in the tree; `None` in a plan, in a report of an earlier version, and if the run could not
    /// begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangeLog>,
    /// What became of the copy in an object store; `None` if none is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<CopyReport>,
    /// How many documents the mirror has, if the run listed nothing; not part of the written report.
    #[serde(skip)]
    pub held: Option<u64>,
}

impl RunReport {
    /// Whether the run ended before it could list anything.
    pub fn listed_nothing(&self) -> bool {
        self.outcome != Outcome::Complete
            && (self.binders.listed, self.documents.seen) == (0, 0)
            && !self.documents.has_changes()
    }

    /// Whether a copy is kept and is not up to date.
    pub fn lacks_copy(&self) -> bool {
        self.copy.as_ref().is_some_and(|copy| !copy.is_current())
    }

    /// Sets the warnings, as data and as text.
    pub fn set_warnings(&mut self, warnings: Vec<Warning>) {
        self.warnings = warnings.iter().map(ToString::to_string).collect();
        self.warning_details = warnings;
    }
}

#[cfg(test)]
impl RunReport {
    /// A report of a run without results.
    pub(crate) fn sample(outcome: Outcome) -> Self {
        let started_at = jiff::Timestamp::from_second(1_793_669_400).unwrap();
        Self {
            run_id: "000012-20261103T003000Z".to_owned(),
            outcome,
            started_at,
            finished_at: started_at + std::time::Duration::from_secs(95),
            duration_seconds: 95.2,
            organisation_id: "9b2d3c0e-5a5f-4d1e-8f7a-3f2a91c05e1d".to_owned(),
            binders: Binders { listed: 4, crawled: 4, ..Binders::default() },
            documents: Documents { seen: 300, unchanged: 300, ..Documents::default() },
            requests: Requests { token: 1, api: 20, ..Requests::default() },
            ..Self::default()
        }
    }
}
