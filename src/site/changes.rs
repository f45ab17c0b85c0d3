//! What changed in the last runs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeTuple as _};

use super::{Content, DataFile, json};

/// A changed document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeItem {
    /// What changed.
    pub kind: &'static str,
    /// Its id.
    pub document: String,
    /// Its path, from the tree's root.
    pub path: String,
    /// Its path before, if it is shown.
    pub from: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// Its binder.
    pub binder: String,
}

impl Serialize for ChangeItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut item = serializer.serialize_tuple(6)?;
        item.serialize_element(self.kind)?;
        item.serialize_element(&self.document)?;
        item.serialize_element(&self.path)?;
        match &self.from {
            Some(from) => item.serialize_element(from)?,
            None => item.serialize_element(&0)?,
        }
        item.serialize_element(&self.size)?;
        item.serialize_element(&self.binder)?;
        item.end()
    }
}

/// What a run changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunChanges {
    /// Its number.
    pub run: i64,
    /// When it ended.
    pub finished: Timestamp,
    /// How many documents, by what changed.
    pub counts: BTreeMap<&'static str, u64>,
    /// Those that are shown.
    pub items: Vec<ChangeItem>,
}

/// The file with the changes, newest run first; `None` if there are none.
pub fn changes(runs: &[RunChanges]) -> Option<DataFile> {
    (!runs.is_empty()).then(|| DataFile::new(Content::Changes, json::call("changes", &(runs,))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_a_row() {
        let item = |from: Option<&str>| ChangeItem {
            kind: "moved",
            document: "d".to_owned(),
            path: "B/<a>".to_owned(),
            from: from.map(str::to_owned),
            size: 7,
            binder: "b".to_owned(),
        };
        let items = vec![item(None), item(Some("B/b"))];
        let run = RunChanges { run: 3, finished: Timestamp::UNIX_EPOCH, counts: [("moved", 2)].into(), items };
        let file = changes(&[run]).unwrap();
        assert_eq!(
            String::from_utf8(file.bytes).unwrap(),
            "ibinder.changes([{\"run\":3,\"finished\":\"1970-01-01T00:00:00Z\",\"counts\":{\"moved\":2},\"items\":[\
             [\"moved\",\"d\",\"B/\\u003ca\\u003e\",0,7,\"b\"],[\"moved\",\"d\",\"B/\\u003ca\\u003e\",\"B/b\",7,\"b\"]]}]);\n"
        );
        assert_eq!(changes(&[]), None);
    }
}
