//! What a check of a copy found, and what became of it.

use serde::{Deserialize, Serialize};

/// A check of a share of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyCheck {
    /// Contents that were read.
    pub contents: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was wrong with the manifest or the state of the last commit, which a new commit replaced.
    pub descriptions: Vec<String>,
    /// Damaged and missing contents.
    pub findings: Vec<CopyFinding>,
    /// Whether it ended early, because there were so many.
    pub ended_early: bool,
}

impl CopyCheck {
    /// How many findings ended like this.
    pub fn count(&self, repair: CopyRepair) -> u64 {
        self.findings.iter().filter(|finding| finding.repair == repair).count() as u64
    }

    /// Whether the copy is still damaged.
    pub fn is_damaged(&self) -> bool {
        self.findings.iter().any(|finding| finding.repair != CopyRepair::Mended)
    }
}

/// A content whose object is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFinding {
    /// The hash of the content, which names the object.
    pub sha256: String,
    /// Whether there is no object at all, rather than one with other bytes.
    pub is_missing: bool,
    /// What became of it.
    pub repair: CopyRepair,
    /// The documents that have or had it.
    pub documents: Vec<CopyUse>,
}

/// A document that has or had a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyUse {
    /// Its id.
    pub id: String,
    /// The path of its file, or the last path that had this content.
    pub path: String,
    /// Whether it is the current version.
    pub is_current: bool,
}

/// What became of a damaged or missing content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyRepair {
    /// It was uploaded again.
    Mended,
    /// The mirror lacks its bytes, too.
    Lost,
    /// The credentials may not replace the object.
    Refused,
    /// The copy is newer than the mirror, so nothing was uploaded.
    Waiting,
}
