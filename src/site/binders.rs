//! The binders, and where the data of each are.

use serde::{Deserialize, Serialize};

use super::{Content, DataFile, json};

/// A binder's labels of what has a column of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinderLabels {
    /// Of the tab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tab: Option<String>,
    /// Of the category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A binder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinderEntry {
    /// Its id.
    pub id: String,
    /// Its name in iBinder.
    pub name: String,
    /// Its folder, from the tree's root.
    pub path: String,
    /// How many documents it has.
    pub documents: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Its labels.
    pub labels: BinderLabels,
    /// The files with what is searched.
    pub search: Vec<String>,
    /// The files with the versions.
    pub details: Vec<String>,
    /// Its own page, from the tree's root; `None` if it has none.
    pub page: Option<String>,
    /// When its metadata elements last changed, by which a later run sees that they did.
    pub schema: Option<i64>,
    /// The list of binders beside its own page, which says what was written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl BinderEntry {
    /// The file with the binders.
    pub fn file(binders: &[Self]) -> DataFile {
        DataFile::new(Content::Binders, json::call("binders", &(binders,)))
    }
}
