//! One document, in a page or by id.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Text, garbled,
    metadata::{BINDER, TAB, find, kept},
};
use crate::{
    model::{BadId, BinderId, DocumentId, FolderId, Listed, VersionId, is_guid},
    remote::cause::Cause,
};

/// Largest metadata of one document, in bytes; larger ones are dropped.
pub(super) const LARGEST_METADATA: usize = 1 << 20;

/// An item of a list that does not match the documentation. The other items are not affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddItem {
    /// Its position in the list, from 0.
    pub position: usize,
    /// Its id, if it has one.
    pub id: Option<String>,
    /// What is wrong with it.
    pub cause: String,
}

/// Longest text kept of an odd item, in characters.
const LONGEST: usize = 300;

impl OddItem {
    /// Keeps only the beginning of long texts.
    pub(super) fn new(position: usize, id: Option<&str>, cause: &str) -> Self {
        let cut = |text: &str| text.chars().take(LONGEST).collect();
        Self { position, id: id.map(cut), cause: cut(cause) }
    }
}

impl fmt::Display for OddItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "item {} ({id}): {}", self.position, self.cause),
            None => write!(f, "item {}: {}", self.position, self.cause),
        }
    }
}

impl std::error::Error for OddItem {}

/// The raw fields of an item.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    file_name: Option<Text<'a>>,
    #[serde(borrow)]
    folder_id: Option<Text<'a>>,
    #[serde(borrow)]
    binder_id: Option<Text<'a>>,
    #[serde(borrow)]
    latest_version_id: Option<Text<'a>>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// Longest name kept, in characters. The tree shows 255 bytes of it.
const LONGEST_NAME: usize = 4096;

/// A document, and whether its metadata were too large to keep.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ItemReading {
    pub(super) listed: Listed,
    pub(super) metadata_dropped: bool,
}

/// Why an item isn't a document.
#[derive(Debug, thiserror::Error)]
pub(super) enum Odd {
    #[error("{field}: {source}")]
    Id { field: &'static str, source: BadId },
    #[error("it names no binder")]
    NoBinder,
}

impl Item<'_> {
    /// The item's id, if it has a valid one.
    pub(super) fn id(&self) -> Option<String> {
        DocumentId::parse(self.id.as_str()).ok().map(|id| id.to_string())
    }

    /// Checks the fields. The binder defaults to the requested one; folder and tab ids are shared with the
    /// document `before` if equal, as most are.
    pub(super) fn document(&mut self, asked: Option<&BinderId>, before: Option<&Listed>) -> Result<ItemReading, Odd> {
        let id = DocumentId::parse(self.id.as_str()).map_err(|source| Odd::Id { field: "id", source })?;
        let folder = |text: &str| shared(before.and_then(|before| before.folder.as_ref()), text);
        let folder = maybe("folderId", self.folder_id.as_ref(), folder)?;
        let version = maybe("latestVersionId", self.latest_version_id.as_ref(), VersionId::parse)?;
        let binder = self.binder(asked)?;
        let tab = self
            .metadata
            .and_then(|raw| find(raw, TAB))
            .and_then(|found| shared(before.and_then(|before| before.tab.as_ref()), found.as_str()).ok());
        let dropped = self.metadata.is_some_and(|raw| raw.get().len() > LARGEST_METADATA);
        let metadata = self.metadata.filter(|_| !dropped).map(kept);
        let file_name = name(self.file_name.take());
        Ok(ItemReading {
            listed: Listed { id, binder, folder, tab, file_name, version, metadata },
            metadata_dropped: dropped,
        })
    }

    fn binder(&self, asked: Option<&BinderId>) -> Result<BinderId, Odd> {
        match (&self.binder_id, asked) {
            (Some(own), Some(asked)) if own.as_str() == asked.as_str() => Ok(asked.clone()),
            (None, Some(asked)) => Ok(asked.clone()),
            (Some(own), _) => BinderId::parse(own.as_str()).map_err(|source| Odd::Id { field: "binderId", source }),
            (None, None) => {
                let own = self.metadata.and_then(|raw| find(raw, BINDER)).ok_or(Odd::NoBinder)?;
                BinderId::parse(own.as_str()).map_err(|source| Odd::Id { field: BINDER, source })
            }
        }
    }
}

/// An optional field that must be an id if present.
fn maybe<T>(
    field: &'static str,
    text: Option<&Text<'_>>,
    parse: impl FnOnce(&str) -> Result<T, BadId>,
) -> Result<Option<T>, Odd> {
    text.map(|text| parse(text.as_str())).transpose().map_err(|source| Odd::Id { field, source })
}

/// Shares an id with the document before.
fn shared(before: Option<&FolderId>, text: &str) -> Result<FolderId, BadId> {
    match before {
        Some(before) if before.as_str() == text => Ok(before.clone()),
        Some(before) if before.as_str().eq_ignore_ascii_case(text) && is_guid(text.as_bytes()) => Ok(before.clone()),
        _ => FolderId::parse(text),
    }
}

/// Reads a response to a request by id. Another document's data proves nothing and is refused.
pub(in crate::remote) fn document(text: &str, asked: &DocumentId) -> Result<Listed, Cause> {
    let mut item: Item<'_> = serde_json::from_str(text).map_err(|error| garbled(&error))?;
    let read = item.document(None, None).map_err(|odd| Cause::Garbled(odd.to_string()))?;
    if read.listed.id != *asked {
        return Err(Cause::Garbled("it is about another document than the requested one".into()));
    }
    if read.metadata_dropped {
        tracing::warn!(document = %asked, "its metadata are larger than {LARGEST_METADATA} bytes and were dropped");
    }
    Ok(read.listed)
}

/// A name; empty if missing, and cut if endless.
pub(super) fn name(text: Option<Text<'_>>) -> String {
    let mut name = text.map(Text::into_string).unwrap_or_default();
    if name.len() > LONGEST_NAME
        && let Some((end, _)) = name.char_indices().nth(LONGEST_NAME)
    {
        name.truncate(end);
        name.shrink_to_fit();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_by_id() {
        let id = DocumentId::parse("ab-1").unwrap();
        let full = r#"{"id":"ab-1","fileName":"å.pdf","folderId":"f-1","binderId":"Bb","latestVersionId":"v-1","more":{"x":[1]},
            "metadata":[{"metadataElementId":"GLOBAL_TabId","valueId":"t-1"}]}"#;
        let listed = document(full, &id).unwrap();
        assert_eq!(listed.file_name, "å.pdf");
        assert_eq!(listed.folder.unwrap().as_str(), "f-1");
        assert_eq!(listed.binder.as_str(), "Bb");
        assert_eq!(listed.version.unwrap().as_str(), "v-1");
        assert_eq!(listed.tab.unwrap().as_str(), "t-1");
        assert_eq!(&*listed.metadata.unwrap(), r#"[{"metadataElementId":"GLOBAL_TabId","valueId":"t-1"}]"#);
        let lean = r#"{"id":"ab-1","metadata":[{"metadataElementId":"GLOBAL_BinderId","valueId":"Bb"}]}"#;
        assert_eq!(document(lean, &id).unwrap().binder.as_str(), "Bb");
    }

    #[test]
    fn unusable_answers() {
        let id = DocumentId::parse("ab-1").unwrap();
        let table = [
            ("", "ends too early"),
            ("<html>", "not JSON"),
            ("[]", "documented shape"),
            (r#"{"id":null,"binderId":"b"}"#, "documented shape"),
            (r#"{"binderId":"b"}"#, "documented shape"),
            (r#"{"id":"ab-1"}"#, "no binder"),
            (r#"{"id":"ab-1","binderId":""}"#, "binderId"),
            (r#"{"id":"ab-2","binderId":"b"}"#, "another document"),
            (r#"{"id":"ab-1","binderId":"b","folderId":7}"#, "documented shape"),
            (r#"{"id":"ab-1","binderId":"b"} x"#, "not JSON"),
        ];
        for (body, word) in table {
            let error = document(body, &id).unwrap_err().to_string();
            assert!(error.contains(word), "{body}: {error}");
        }
    }
}
