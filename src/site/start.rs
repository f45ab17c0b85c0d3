//! `start.js`: where the data are, and what changes each night.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::json;

/// The format of the data.
const FORMAT: u32 = 1;

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLine {
    /// Its number.
    pub number: i64,
    /// How it ended.
    pub outcome: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

/// Something that is missing, or waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// What it is; the page has the words for it.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// Names of the binders that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// When a binder was last read, last certified, and since when it can't be read.
pub type BinderTimes = (Option<Timestamp>, Option<Timestamp>, Option<Timestamp>);

/// What the page reads first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The format.
    pub format: u32,
    /// The program and its version.
    pub generator: String,
    /// The organisation's name.
    pub organisation: Option<String>,
    /// When it was written.
    pub written: Timestamp,
    /// The last run.
    pub run: Option<RunLine>,
    /// When the last complete run ended.
    pub certified: Option<Timestamp>,
    /// The number of documents.
    pub documents: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// The way from the page to the tree's root: empty, or it ends in `/`.
    pub folder: String,
    /// The binder that this is about; `None` for all.
    pub scope: Option<String>,
    /// The file with the binders.
    pub binders: String,
    /// The file with the changes.
    pub changes: Option<String>,
    /// Each binder's times.
    pub read: BTreeMap<String, BinderTimes>,
    /// What is missing.
    pub gaps: Vec<Gap>,
}

impl Start {
    /// The file's bytes.
    pub fn file(&self) -> Vec<u8> {
        let generator = concat!("ibinder-sync ", env!("CARGO_PKG_VERSION")).to_owned();
        json::call("start", &(Self { format: FORMAT, generator, ..self.clone() },))
    }

    /// Reads the file, unless its format is another one.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        json::argument::<Self>("start", bytes).filter(|start| start.format == FORMAT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_format_is_read() {
        let start = Start { binders: "binders-0.js".to_owned(), ..Start::default() };
        let bytes = start.file();
        let read = Start::read(&bytes).unwrap();
        assert_eq!((read.format, read.binders), (FORMAT, start.binders));
        let newer = String::from_utf8(bytes).unwrap().replace("\"format\":1", "\"format\":2");
        assert_eq!(Start::read(newer.as_bytes()), None);
    }
}
