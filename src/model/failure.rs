//! A document or binder that failed: which, at which step, and why.

use serde::{Deserialize, Serialize};

use super::{DocumentId, Particulars};

/// A document or binder that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its binder.
    pub binder_id: Option<String>,
    /// The document; none when the binder itself failed.
    pub document_id: Option<String>,
    /// The version that was wanted.
    pub version_id: Option<String>,
    /// Its name.
    pub file_name: Option<String>,
    /// Why, as a word.
    #[serde(default)]
    pub cause: FailureCause,
    /// At which step.
    #[serde(default)]
    pub step: FailureStep,
    /// The HTTP status of the response that caused it.
    pub status: Option<u16>,
    /// Why, and what to do.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// What the service's support asks for.
    pub trace_id: Option<String>,
}

impl Failure {
    /// A failure that is no document's and no binder's.
    pub fn of_nobody(cause: FailureCause, error: String) -> Self {
        Self { cause, error, attempts: 1, ..Self::default() }
    }

    /// A document's failure.
    pub fn of(
        document: &DocumentId,
        particulars: &Particulars,
        (step, cause): (FailureStep, FailureCause),
        error: String,
    ) -> Self {
        Self {
            binder_id: Some(particulars.binder.to_string()),
            document_id: Some(document.to_string()),
            version_id: Some(particulars.version.to_string()),
            file_name: Some(particulars.file_name.clone()),
            step,
            ..Self::of_nobody(cause, error)
        }
    }
}

/// The step at which a document or binder failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureStep {
    /// Listing it.
    List,
    /// Requesting its download link.
    Link,
    /// Downloading it.
    Download,
    /// Checking what was downloaded.
    Check,
    /// Publishing it in the tree.
    Publish,
    /// Deciding whether it was removed.
    Remove,
    /// Repairing it.
    Repair,
    /// No step of a document or binder, or one of another version of this program.
    #[default]
    #[serde(other)]
    Other,
}

/// Why a document or binder failed; the failure's text has the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// The credentials were refused, or the client may not see it.
    Refused,
    /// The service, or something in between, says that it does not exist.
    NotFound,
    /// The service throttled until no try was left.
    Throttled,
    /// The service, its storage or the network failed.
    Unavailable,
    /// The service's response can't be used, or it rejects the request.
    Rejected,
    /// The received bytes can't be trusted.
    Bytes,
    /// The file could not be written, or something is in its place.
    File,
    /// It is not listed any more, but not known to be removed.
    Absence,
    /// Damage that could not be repaired.
    Damage,
    /// The run could not begin or continue.
    Run,
    /// Written by a later version of this program.
    #[default]
    #[serde(other)]
    Other,
}

impl FailureCause {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::Bytes => "bytes",
            Self::File => "file",
            Self::Absence => "absence",
            Self::Damage => "damage",
            Self::Run => "run",
            Self::Other => "other",
        }
    }

    /// The meaning, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Refused => "the service refuses access",
            Self::NotFound => "the service says that it does not exist",
            Self::Throttled => "the service throttled the requests",
            Self::Unavailable => "the service, its storage or the network failed",
            Self::Rejected => "the service's response can't be used",
            Self::Bytes => "the received bytes can't be trusted",
            Self::File => "the file could not be written",
            Self::Absence => "not listed any more, but not known to be removed",
            Self::Damage => "damage that could not be repaired",
            Self::Run => "the run could not begin or continue",
            Self::Other => "another cause",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_one_in_json() {
        for cause in [FailureCause::Refused, FailureCause::NotFound, FailureCause::Bytes, FailureCause::Run] {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.word());
            assert_eq!(serde_json::from_value::<FailureCause>(cause.word().into()).unwrap(), cause);
        }
        assert_eq!(serde_json::from_str::<FailureCause>("\"of_tomorrow\"").unwrap(), FailureCause::Other);
    }
}
