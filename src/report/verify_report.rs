//! The report of a check of the mirror (contract: `docs/reference.md`, "Verify report").

use std::fmt;

use serde::{Serialize, Serializer};

use crate::model::{DocumentId, RelPath, Sha256, Stamp, VersionId};

/// What differs from the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A document without its file.
    Missing,
    /// A missing document whose bytes are in a file that belongs to no document.
    Misplaced,
    /// Different bytes in a file with an unchanged stamp: disk damage.
    Damaged,
    /// Different bytes, or something else, in a file with a changed stamp: edited.
    Edited,
    /// A required object is missing.
    ObjectMissing,
    /// An object's bytes don't match its name.
    ObjectDamaged,
    /// Something that could not be read.
    Unreadable,
    /// A file in the tree that belongs to no document: no damage.
    Foreign,
    /// An object that no row needs: no damage.
    Unclaimed,
    /// Of a copy: bytes that the mirror itself lacked, which is no damage of the copy.
    Lacking,
}

impl FindingKind {
    /// Whether it breaks a promise of the mirror.
    pub fn is_damage(self) -> bool {
        !matches!(self, Self::Unreadable | Self::Foreign | Self::Unclaimed | Self::Lacking)
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Misplaced => "misplaced",
            Self::Damaged => "damaged",
            Self::Edited => "edited",
            Self::ObjectMissing => "object missing",
            Self::ObjectDamaged => "object damaged",
            Self::Unreadable => "unreadable",
            Self::Foreign => "foreign",
            Self::Unclaimed => "unclaimed",
            Self::Lacking => "lacking",
        }
    }
}

/// What was found instead of what the record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// No file.
    NoFile,
    /// No object.
    NoObject,
    /// A folder, a link or a special file in a document's place, in words.
    NotAFile(&'static str),
    /// The same in an object's place.
    NotAnObject(&'static str),
    /// Access was refused, and why.
    Refused(String),
    /// The disk failed to read it, and how.
    DiskError(String),
    /// Other bytes, with their hash.
    OtherBytes(Sha256),
    /// Another size.
    OtherSize {
        /// The size that it has.
        found: u64,
        /// The size that it should have.
        recorded: u64,
    },
    /// Its bytes lie elsewhere.
    Elsewhere(RelPath),
    /// No row needs it.
    Unneeded,
    /// Something that no document has, in words.
    Foreign(&'static str),
    /// The mirror lacked the bytes when it was copied.
    Lacked,
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => f.write_str("its file is not there"),
            Self::NoObject => f.write_str("it is not there"),
            Self::NotAFile(what) => write!(f, "its file is {what}"),
            Self::NotAnObject(what) => write!(f, "it is {what}"),
            Self::Refused(why) => f.write_str(why),
            Self::DiskError(why) => write!(f, "the disk can't read it: {why}"),
            Self::OtherBytes(found) => write!(f, "its bytes hash to {found}"),
            Self::OtherSize { found, recorded } => write!(f, "it has {found} bytes instead of {recorded}"),
            Self::Elsewhere(path) => write!(f, "its bytes are in {:?}", path.as_str()),
            Self::Unneeded => f.write_str("nothing that is recorded needs it"),
            Self::Lacked => f.write_str("the mirror itself lacked its bytes"),
            Self::Foreign(what) => write!(f, "{what} that no document has"),
        }
    }
}

/// In reports it is its text.
impl Serialize for Observation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One thing that is not as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Whose file it is; none for objects and foreign files.
    pub document_id: Option<DocumentId>,
    /// The version that the file should hold.
    pub version_id: Option<VersionId>,
    /// Where, below the destination.
    pub path: String,
    /// Where its bytes lie instead.
    pub found_at: Option<RelPath>,
    /// What it should hash to.
    pub sha256: Option<Sha256>,
    /// What was seen.
    pub detail: Observation,
    /// Whether it is as recorded again.
    pub repaired: bool,
    /// Where the bytes came from, or why it was not repaired; none where nobody tried.
    pub repair: Option<String>,
    /// Of a damaged document or object, the stamp of its file: what is there later under another one is another file.
    #[serde(skip)]
    pub stamp: Option<Stamp>,
}

impl Finding {
    /// Whether damage is left.
    pub fn is_left(&self) -> bool {
        self.kind.is_damage() && !self.repaired
    }

    /// Whether the disk failed to read it.
    pub fn is_disk_error(&self) -> bool {
        matches!(self.detail, Observation::DiskError(_))
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerifyOutcome {
    /// What was checked is as recorded.
    Sound,
    /// Damage is left.
    Damaged,
    /// Something could not be looked at.
    Partial,
    /// A signal ended it.
    Interrupted,
}

impl VerifyOutcome {
    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Damaged => "damaged",
            Self::Partial => "partial",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Documents, objects and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Checked {
    /// Documents whose bytes were checked.
    pub documents: u64,
    /// Objects whose bytes were checked.
    pub objects: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// What a check of the mirror found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerifyReport {
    /// How it ended.
    pub outcome: VerifyOutcome,
    /// Whether the state database is sound, or damaged so that nothing could be checked.
    pub state: &'static str,
    /// When it began.
    pub started_at: jiff::Timestamp,
    /// How long it took.
    pub duration_seconds: f64,
    /// What was read.
    pub checked: Checked,
    /// What there is.
    pub mirrored: Checked,
    /// What looked wrong because a run was publishing just then.
    pub unfinished: u64,
    /// Files with the right bytes whose stamps were recorded anew.
    pub restamped: u64,
    /// Findings that are damage.
    pub damaged: u64,
    /// Of those, the repaired ones.
    pub repaired: u64,
    /// Foreign files and unclaimed objects beyond those that are listed.
    pub unlisted: u64,
    /// What is not as recorded.
    pub findings: Vec<Finding>,
}

/// What a check of a copy found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CopyVerifyReport {
    /// As of a mirror; `mirrored` is what the copy names.
    #[serde(flatten)]
    pub report: VerifyReport,
    /// The copy.
    pub copy: VerifiedCopy,
}

/// The copy that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedCopy {
    /// Where it is.
    pub location: String,
    /// The highest commit, if it can be used.
    pub commit: Option<u64>,
    /// The run in it.
    pub run_id: Option<String>,
    /// When that run ended.
    pub finished_at: Option<jiff::Timestamp>,
    /// When it was made.
    pub committed_at: Option<jiff::Timestamp>,
    /// Commits that were read.
    pub commits: u64,
    /// Documents and past versions without bytes, because the mirror lacked them.
    pub lacking: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_error_is_known_by_what_was_seen_and_not_by_its_text() {
        let says = "the disk can't read it: EIO";
        for (detail, is_disk_error) in [
            (Observation::DiskError("EIO".to_owned()), true),
            (Observation::Refused(says.to_owned()), false),
            (Observation::NoFile, false),
        ] {
            let finding = Finding {
                kind: FindingKind::Damaged,
                document_id: None,
                version_id: None,
                path: "B/a.pdf".to_owned(),
                found_at: None,
                sha256: None,
                detail,
                repaired: false,
                repair: None,
                stamp: None,
            };
            assert_eq!(finding.is_disk_error(), is_disk_error, "{:?}", finding.detail);
            let text = if finding.detail == Observation::NoFile { "its file is not there" } else { says };
            assert_eq!(serde_json::to_value(&finding).unwrap()["detail"], text);
        }
    }
}
