//! Warnings of a run, as data: a kind and ids.
//!
//! `Display` makes the text. `purge` finds the warnings of a document by `document_id` and `document_ids`, never
//! by their text. Kinds and fields are part of the run report.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::format::{count, number_of};
use crate::model::DocumentId;

/// A file of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileWarning {
    /// Its document; `None` for an object.
    pub document_id: Option<String>,
    /// The path below the destination.
    pub path: String,
    /// What was seen; may be empty.
    pub why: String,
}

/// A document in iBinder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DocumentWarning {
    /// Its id.
    pub document_id: String,
    /// Its name.
    pub file_name: String,
    /// What was seen; may be empty.
    pub why: String,
}

/// A binder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BinderWarning {
    /// Its id.
    pub binder_id: String,
    /// Its name; may be empty.
    pub binder: String,
    /// What was seen; may be empty.
    pub why: String,
}

/// Documents that are missing in iBinder and were kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WithheldWarning {
    /// Their binder.
    pub binder_id: String,
    /// Its name.
    pub binder: String,
    /// The number of documents.
    pub count: u64,
    /// The first of them.
    pub document_ids: Vec<String>,
    /// Their paths.
    pub paths: Vec<String>,
    /// The `--max-removals` that confirms every removal; `None` if the binder lists nothing at all.
    pub confirm: Option<u64>,
}

/// Details only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OtherWarning {
    /// What it was.
    pub why: String,
}

/// Something to know although nothing failed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
    /// A file has other bytes than were mirrored.
    #[error("{:?} was changed by hand{}; it stays as it is, and is kept when the service has a new version", .0.path, .0.why)]
    Edited(FileWarning),
    /// The same, and the service has a new version.
    #[error("{:?} was changed by hand and has a new version; the changed bytes are kept in objects/", .0.path)]
    EditedAndReplaced(FileWarning),
    /// A file was missing from the tree.
    #[error("{:?} was missing from the tree and was restored", .0.path)]
    BroughtBack(FileWarning),
    /// A file or object was damaged and repaired.
    #[error("{:?} was {}", .0.path, .0.why)]
    Repaired(FileWarning),
    /// A file or object could not be checked.
    #[error("{:?} could not be checked: {}", .0.path, .0.why)]
    Unchecked(FileWarning),
    /// A document is not listed, and its exact id is unknown.
    #[error(
        "{:?} is not listed any more, and its id was stored without regard to case by an earlier version, so it can't be looked up; its file stays",
        .0.path
    )]
    IdWithoutCase(FileWarning),
    /// A document's path is taken by a foreign file.
    #[error("{:?} is not a file of the mirror and stays; the document is beside it, with its id in the name", .0.path)]
    PathTaken(FileWarning),
    /// A document has no version.
    #[error("{:?} (document {}) has no version to download; earlier versions are kept", .0.file_name, .0.document_id)]
    NoVersion(DocumentWarning),
    /// A document is missing, as acknowledged.
    #[error("{:?} (document {}) is still missing in version {}, as acknowledged", .0.file_name, .0.document_id, .0.why)]
    StillMissing(DocumentWarning),
    /// A document could not be downloaded again for comparison.
    #[error(
        "{:?} (document {}) is kept for now, but could not be downloaded again for comparison: {}",
        .0.file_name, .0.document_id, .0.why
    )]
    NotCompared(DocumentWarning),
    /// Storage announces something that the bytes contradict.
    #[error("{:?} (document {}): {}", .0.file_name, .0.document_id, .0.why)]
    Contradicted(DocumentWarning),
    /// A document's metadata were dropped.
    #[error("document {}: its metadata are too large and were dropped", .0.document_id)]
    MetadataTooLarge(DocumentWarning),
    /// Documents that are missing in iBinder were kept.
    #[error("withheld: {} of binder {:?} ({}) are missing in iBinder and were kept: {}", documents(.0.count), .0.binder, .0.binder_id, .0)]
    Withheld(WithheldWarning),
    /// A binder can't be read any more.
    #[error(
        "binder {:?} ({id}): access lost or deleted ({}); its files stay. If it is really gone, run `ibinder-sync binders forget {id}`",
        .0.binder, .0.why, id = .0.binder_id
    )]
    BinderInaccessible(BinderWarning),
    /// The listing of a binder contradicts itself.
    #[error(
        "binder {}: its listing is not consistent ({}), so nothing is removed from it; the next run reads it again",
        .0.binder_id, .0.why
    )]
    ListingInconsistent(BinderWarning),
    /// A binder is listed twice with different names.
    #[error("binder {:?} ({}) is listed a second time, as {:?}; that name is ignored", .0.binder, .0.binder_id, .0.why)]
    BinderListedTwice(BinderWarning),
    /// Some folders of a binder could not be read.
    #[error("binder {}: not all folders could be read: {}", .0.binder_id, .0.why)]
    FoldersUnread(BinderWarning),
    /// Some folders of a binder have no name.
    #[error(
        "binder {}: some folders could not be named; their documents are in their tab's folder or in a folder named after the id until the service names them",
        .0.binder_id
    )]
    FoldersUnnamed(BinderWarning),
    /// The labels of a binder's metadata could not be read.
    #[error("binder {}: the labels of its metadata could not be read: {}", .0.binder_id, .0.why)]
    LabelsUnread(BinderWarning),
    /// A consistent listing lacks documents that iBinder still has.
    #[error(
        "binder {}: its listing lacks {} that iBinder still has by id; they stay. If this repeats, new documents may be missing too: ask iBinder support",
        .0.binder_id, .0.why
    )]
    Unlisted(BinderWarning),
    /// No binder is listed, and none was known.
    #[error(
        "iBinder lists no binder for this API client; ask the owner of the organisation to give it access to the binders"
    )]
    NoBinders,
    /// The mirror has no documents.
    #[error("the mirror is empty: iBinder lists no document in {}; compare this with what iBinder shows", .0.why)]
    EmptyMirror(OtherWarning),
    /// An item of the list of binders can't be used.
    #[error("a binder of the list can't be used: {}", .0.why)]
    BinderUnusable(OtherWarning),
    /// No known binder is listed, but others are.
    #[error(
        "none of the known binders is listed, but others are: nothing was written. If the organisation's binders were really replaced, run `ibinder-sync binders forget ID --force` for each old one"
    )]
    AnotherOrganisation,
    /// A filter matches nothing, or the filters exclude everything.
    #[error("{}", .0.why)]
    Filters(OtherWarning),
    /// The run ended at `--max-duration`.
    #[error("the run ended early because --max-duration is over; the next run continues")]
    MaxDuration,
    /// The run ended at `--min-free`.
    #[error("the run ended early because less than --min-free would be left on the disk")]
    MinFree,
    /// The run ended because the service was down.
    #[error("the run ended early: {}", .0.why)]
    GaveUp(OtherWarning),
    /// Retention deleted nothing.
    #[error("retention deleted nothing: {}", .0.why)]
    RetentionSkipped(OtherWarning),
    /// The position of the check could not be saved.
    #[error("the position of the check could not be saved: {}", .0.why)]
    CheckUnrecorded(OtherWarning),
    /// The service announces the end of a call.
    #[error(
        "iBinder announces the end of a call that this program makes ({}); look for a newer version of ibinder-sync",
        .0.why
    )]
    Deprecation(OtherWarning),
    /// The catalogue, or a binder's part of it, could not be written.
    #[error("the catalogue could not be written: {}; the mirror is not affected", .0.why)]
    Catalogue(OtherWarning),
    /// A binder has no page of its own.
    #[error("a binder has no page of its own: {}", .0.why)]
    CataloguePart(OtherWarning),
    /// The copy in an object store could not be brought up to date.
    #[error("the copy is not up to date: {}; the mirror is not affected", .0.why)]
    Copy(OtherWarning),
    /// The copy lacks contents that the mirror itself lacks.
    #[error(
        "{} could not be copied, because the mirror itself lacks {}; `ibinder-sync verify --repair` downloads what iBinder still has",
        number_of(*.count, "content", "contents"), if *.count == 1 { "it" } else { "them" }
    )]
    CopyIncomplete {
        /// How many.
        count: u64,
    },
    /// The copy's store does not keep a condition that protects commits.
    #[error(
        "the copy's store replaced a file although it was told not to: two mirrors that write to this copy could replace each other's commits; let only one machine write to it"
    )]
    CopyUnguarded,
    /// A file outside of the mirror could not be written, or belongs to another mirror.
    #[error("{}", .0.why)]
    Output(OtherWarning),
    /// More warnings than a report lists.
    #[error("{} in the log", number_of(*.count, "more warning is", "more warnings are"))]
    More {
        /// How many.
        count: u64,
    },
    /// From a later version of this program.
    #[error("a warning from a later version of ibinder-sync")]
    #[serde(other)]
    Unknown,
}

impl Warning {
    /// A warning without ids.
    pub fn other(kind: impl FnOnce(OtherWarning) -> Self, why: &(impl ToString + ?Sized)) -> Self {
        kind(OtherWarning { why: why.to_string() })
    }

    /// A warning about a binder.
    pub fn binder(
        kind: impl FnOnce(BinderWarning) -> Self,
        id: &(impl ToString + ?Sized),
        binder: &str,
        why: &(impl ToString + ?Sized),
    ) -> Self {
        kind(BinderWarning { binder_id: id.to_string(), binder: binder.to_owned(), why: why.to_string() })
    }

    /// A warning about a document in iBinder.
    pub fn document(
        kind: impl FnOnce(DocumentWarning) -> Self,
        id: &(impl ToString + ?Sized),
        name: &str,
        why: &(impl ToString + ?Sized),
    ) -> Self {
        kind(DocumentWarning { document_id: id.to_string(), file_name: name.to_owned(), why: why.to_string() })
    }

    /// A warning about a file of the tree or an object.
    pub fn file(
        kind: impl FnOnce(FileWarning) -> Self,
        id: Option<&DocumentId>,
        path: &str,
        why: &(impl ToString + ?Sized),
    ) -> Self {
        kind(FileWarning { document_id: id.map(ToString::to_string), path: path.to_owned(), why: why.to_string() })
    }
}

fn documents(count: u64) -> String {
    number_of(count, "document", "documents")
}

/// The first of the documents, and what to do.
impl fmt::Display for WithheldWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<String> = self.paths.iter().map(|path| format!("{path:?}")).collect();
        write!(f, "{}", paths.join(", "))?;
        match self.count.saturating_sub(self.paths.len() as u64) {
            0 => {}
            more => write!(f, " and {} more (the report lists all)", count(more))?,
        }
        match self.confirm {
            None => write!(
                f,
                "; the binder lists none at all; if it is really empty: `ibinder-sync binders forget {} --force`",
                self.binder_id
            ),
            Some(_) => {
                write!(f, "; `ibinder-sync withheld` lists them, and shows how to confirm the removal of exactly these")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn warnings_are_data_with_a_kind_and_ids() {
        let id = DocumentId::parse("3f2a").unwrap();
        let withheld = WithheldWarning {
            binder_id: "k".to_owned(),
            binder: "Brf".to_owned(),
            count: 3,
            document_ids: vec!["3f2a".to_owned()],
            paths: vec!["Brf/a".to_owned()],
            confirm: Some(3),
        };
        #[rustfmt::skip]
        let table = [
            (Warning::file(Warning::Edited, Some(&id), "B/a", " (2 bytes)"),
             json!({"kind": "edited", "document_id": "3f2a", "path": "B/a", "why": " (2 bytes)"}), "\"B/a\" was changed by hand (2 bytes); it stays"),
            (Warning::document(Warning::NoVersion, &id, "a", ""),
             json!({"kind": "no_version", "document_id": "3f2a", "file_name": "a", "why": ""}),    "\"a\" (document 3f2a) has no version"),
            (Warning::binder(Warning::FoldersUnread, "k", "", "odd"),
             json!({"kind": "folders_unread", "binder_id": "k", "binder": "", "why": "odd"}),      "binder k: not all folders could be read: odd"),
            (Warning::Withheld(withheld),
             json!({"kind": "withheld", "binder_id": "k", "binder": "Brf", "count": 3, "document_ids": ["3f2a"], "paths": ["Brf/a"], "confirm": 3}),
             "3 documents of binder \"Brf\" (k) are missing in iBinder and were kept: \"Brf/a\" and 2 more (the report lists all); `ibinder-sync withheld` lists them, and shows how to confirm"),
            (Warning::MaxDuration, json!({"kind": "max_duration"}),                                "--max-duration is over"),
            (Warning::CopyIncomplete { count: 1 }, json!({"kind": "copy_incomplete", "count": 1}),
             "1 content could not be copied, because the mirror itself lacks it; `ibinder-sync verify --repair`"),
            (Warning::other(Warning::Copy, "s3://b: no"), json!({"kind": "copy", "why": "s3://b: no"}), "not up to date: s3://b: no; the mirror"),
            (Warning::More { count: 2 }, json!({"kind": "more", "count": 2}),                      "2 more warnings"),
        ];
        for (warning, data, text) in table {
            assert_eq!(serde_json::to_value(&warning).unwrap(), data);
            assert_eq!(serde_json::from_value::<Warning>(data).unwrap(), warning);
            assert!(warning.to_string().contains(text), "{warning}");
        }
        let later = json!({"kind": "of_tomorrow", "document_id": "3f2a"});
        assert_eq!(serde_json::from_value::<Warning>(later).unwrap(), Warning::Unknown);
    }
}
