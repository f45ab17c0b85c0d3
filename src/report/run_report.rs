//! The run report (contract: `docs/reference.md`, "Run report").

use serde::{Deserialize, Serialize};

use super::{ChangeLog, Failure, Filters, Warning};

/// How a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything that the service lists is mirrored.
    Complete,
    /// Some documents or binders failed, or removals were withheld.
    Partial,
    /// The run could not do its work.
    #[default]
    Failed,
    /// A signal ended it; the next run goes on.
    Interrupted,
}

impl Outcome {
    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// The outcome that a word stands for.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Complete, Self::Partial, Self::Failed, Self::Interrupted]
            .into_iter()
            .find(|outcome| outcome.word() == word)
    }
}

/// Binders, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Binders {
    /// Listed by the service and let through by the filters.
    pub listed: u64,
    /// Listed by the service and left out by the filters.
    pub filtered: u64,
    /// Read to the end.
    pub crawled: u64,
    /// Of those, with a listing that is not consistent.
    pub uncertified: u64,
    /// Known, but not listed any more or refused.
    pub inaccessible: u64,
    /// Not readable because of errors.
    pub failed: u64,
}

/// Documents; each counts once among failed, acknowledged, updated, moved, added, adopted, what was left out, and unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Documents {
    /// Distinct documents that were listed.
    pub seen: u64,
    /// Mirrored as listed before the run.
    pub unchanged: u64,
    /// New in the tree: new at the service, returned, or brought back after the file was missing.
    pub added: u64,
    /// Proved to be in the tree already, without a download, where the state didn't know.
    pub adopted: u64,
    /// With a new version.
    pub updated: u64,
    /// With another path and the same version.
    pub moved: u64,
    /// Taken out of the tree; their bytes are held.
    pub removed: u64,
    /// Not listed any more, and kept because too many were missing at once.
    pub withheld: u64,
    /// Left out by the filters.
    pub filtered: u64,
    /// Left out because they were erased on request; nothing else is said of them.
    pub purged: u64,
    /// Listed without a version, with nothing held of them.
    pub without_version: u64,
    /// Not to be had in a version of which somebody acknowledged that.
    pub acknowledged: u64,
    /// Not mirrored as listed; the next run tries again.
    pub failed: u64,
}

impl Documents {
    /// How many the run changed.
    pub fn changed(&self) -> u64 {
        self.adopted + self.added + self.updated + self.moved + self.removed
    }

    /// Whether the run changed anything.
    pub fn has_changes(&self) -> bool {
        self.changed() > 0
    }
}

/// Bytes, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bytes {
    /// Received from storage, repeated tries included.
    pub downloaded: u64,
}

/// What retention let go, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Freed {
    /// Past versions whose bytes are not held any more.
    pub versions: u64,
    /// Objects that were deleted; fewer where several versions had the same bytes.
    pub objects: u64,
    /// Their size.
    pub bytes: u64,
}

/// Requests, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requests {
    /// To the token endpoint.
    pub token: u64,
    /// To the API.
    pub api: u64,
    /// To storage.
    pub storage: u64,
    /// Of all these, repeated ones.
    pub retried: u64,
    /// Answered with 429.
    pub throttled: u64,
    /// The answers, by their status.
    pub answers: Answers,
}

/// Answers, by who was asked.
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

/// Answers, by the class of their status. Requests that got none are what is missing of their sum.
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
    /// Bytes that were read.
    pub bytes: u64,
    /// Documents and objects whose bytes were missing or damaged.
    pub damaged: u64,
    /// Of those, the repaired ones.
    pub repaired: u64,
}

/// What a night takes on which nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UnchangedCost {
    /// Requests to the API and for the token.
    pub requests: u64,
    /// Requests per second that the service answered well, or that are set; none without a limit.
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
    /// How long it took.
    pub duration_seconds: f64,
    /// Whose documents.
    pub organisation_id: String,
    /// Binders.
    pub binders: Binders,
    /// Documents.
    pub documents: Documents,
    /// Bytes.
    pub bytes: Bytes,
    /// What retention let go.
    #[serde(default)]
    pub freed: Freed,
    /// Requests.
    #[serde(default)]
    pub requests: Requests,
    /// What was checked; none without `--scrub`.
    pub scrub: Option<Scrub>,
    /// What the run was limited to; none without filters.
    pub filters: Option<Filters>,
    /// What the next night takes if nothing changes; only in a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub night: Option<UnchangedCost>,
    /// Every document whose removal was withheld.
    #[serde(default)]
    pub withheld: Vec<Withheld>,
    /// Binders with tabs that hold no documents, such as checklists and content tabs.
    #[serde(default)]
    pub tabs_without_documents: Vec<TabsWithoutDocuments>,
    /// What failed.
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// What a user should know although nothing failed.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The same as data, in the same order.
    #[serde(default)]
    pub warning_details: Vec<Warning>,
    /// What changed in the tree; `None` in a plan, in a report of an earlier version, and if the run could not begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangeLog>,
}

impl RunReport {
    /// Takes the warnings, as data and as text.
    pub fn set_warnings(&mut self, warnings: Vec<Warning>) {
        self.warnings = warnings.iter().map(ToString::to_string).collect();
        self.warning_details = warnings;
    }
}

#[cfg(test)]
impl RunReport {
    /// One of a run with nothing to tell.
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
