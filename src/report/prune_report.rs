//! What was deleted from a copy.

use serde::Serialize;

/// A number of files and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FileCount {
    /// Their number.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl FileCount {
    /// Counts one.
    pub fn add(&mut self, size: u64) {
        self.count += 1;
        self.bytes += size;
    }
}

/// What was deleted, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PruneReport {
    /// Where the copy is.
    pub location: String,
    /// Whether nothing was deleted.
    pub dry_run: bool,
    /// Commits.
    pub commits: FileCount,
    /// Manifests and states.
    pub descriptions: FileCount,
    /// Objects.
    pub objects: FileCount,
    /// Commits that remain.
    pub kept_commits: u64,
    /// The lowest of them.
    pub first_kept_commit: u64,
    /// Objects that no kept commit names and that are younger than the grace time.
    pub young_objects: FileCount,
    /// Files that the store refused to delete.
    pub refused: FileCount,
    /// Why it refused the first of them.
    pub refusal: Option<String>,
}

impl PruneReport {
    /// What was deleted, or would be.
    pub fn deleted(&self) -> FileCount {
        let all = [self.commits, self.descriptions, self.objects];
        FileCount { count: all.iter().map(|files| files.count).sum(), bytes: all.iter().map(|files| files.bytes).sum() }
    }
}
