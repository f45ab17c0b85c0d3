//! Binders, and when they were last mirrored.

use jiff::Timestamp;
use serde::Serialize;

use crate::state::BinderSummary;

/// A known binder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binder {
    /// Its id.
    pub id: String,
    /// Its name at the service.
    pub name: String,
    /// Its folder below the destination.
    pub folder: String,
    /// The number of mirrored documents.
    pub documents: u64,
    /// Their total size in bytes.
    pub bytes: u64,
    /// When the last run ended that certified its listing.
    pub mirrored_at: Option<Timestamp>,
    /// That run.
    pub mirrored_run: Option<String>,
    /// When the first run since then began that had no access to it; `None` if it is accessible.
    pub inaccessible_since: Option<Timestamp>,
}

impl Binder {
    /// From the state's data.
    pub fn of(summary: &BinderSummary) -> Self {
        let time = |run: &Option<(String, i64)>| run.as_ref().and_then(|(_, at)| Timestamp::from_second(*at).ok());
        Self {
            id: summary.id.clone(),
            name: summary.name.clone(),
            folder: summary.folder.clone(),
            documents: summary.documents,
            bytes: summary.bytes,
            mirrored_at: time(&summary.certified),
            mirrored_run: summary.certified.as_ref().map(|(id, _)| id.clone()),
            inaccessible_since: time(&summary.lost),
        }
    }
}
