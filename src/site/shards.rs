//! A binder's documents in parts: what is searched, and the versions of the same documents.
//!
//! Where a part ends depends on the documents around that place alone, so that one more document changes one part and not
//! all that follow. Columns take the place of objects, and tables that of texts that repeat.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{Content, DataFile, json, table::Table};
use crate::model::Sha256;

/// A part has at least this many documents, unless it is the last one or has long texts.
const LEAST: usize = 10_000;

/// A part has at most this many documents.
const MOST: usize = 40_000;

/// Of the documents after [`LEAST`], one in this many begins the next part.
const ONE_IN: u64 = 10_000;

/// A part ends after texts of this many bytes.
const LARGEST: usize = 8 << 20;

/// A version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteVersion {
    /// When it was mirrored, in seconds since the epoch.
    pub seen: i64,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Whether the mirror has its bytes.
    pub held: bool,
    /// Its id.
    pub id: String,
}

impl Serialize for SiteVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.seen, self.size, self.sha256.hex(), u8::from(self.held), &self.id).serialize(serializer)
    }
}

/// A document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteDocument {
    /// Its id.
    pub id: String,
    /// The name of its file.
    pub name: String,
    /// Its name in iBinder, if that is another one.
    pub title: Option<String>,
    /// The folder of its file, below its binder's; one that is elsewhere begins with `/`, at the tree's root.
    pub folder: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its file's time, in seconds since the epoch.
    pub modified: i64,
    /// Its tab.
    pub tab: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// Its status.
    pub status: Option<String>,
    /// Its other metadata: labels and values.
    pub metadata: Vec<(String, String)>,
    /// Its versions, newest first.
    pub versions: Vec<SiteVersion>,
}

/// A document's name in iBinder: 0 if its file has it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Title {
    Same(u8),
    Other(String),
}

/// What is searched.
#[derive(Debug, Default, Serialize)]
struct Columns {
    folders: Table,
    values: Table,
    keys: Table,
    ids: Vec<String>,
    names: Vec<String>,
    titles: Vec<Title>,
    folder: Vec<usize>,
    size: Vec<u64>,
    modified: Vec<i64>,
    metadata: Vec<Vec<usize>>,
    /// Numbers of values, or -1.
    tab: Vec<i64>,
    category: Vec<i64>,
    status: Vec<i64>,
}

impl Columns {
    fn value(&mut self, text: Option<&str>) -> i64 {
        text.map_or(-1, |text| i64::try_from(self.values.number(text)).unwrap_or(-1))
    }

    fn push(&mut self, document: SiteDocument) {
        let SiteDocument { id, name, title, folder, size, modified, tab, category, status, metadata, .. } = document;
        self.ids.push(id);
        self.names.push(name);
        self.titles.push(title.map_or(Title::Same(0), Title::Other));
        self.folder.push(self.folders.number(&folder));
        self.size.push(size);
        self.modified.push(modified);
        let numbers = metadata.iter().flat_map(|(key, value)| [self.keys.number(key), self.values.number(value)]);
        self.metadata.push(numbers.collect());
        let tab = self.value(tab.as_deref());
        self.tab.push(tab);
        let category = self.value(category.as_deref());
        self.category.push(category);
        let status = self.value(status.as_deref());
        self.status.push(status);
    }
}

/// Versions by the ids of their documents.
#[derive(Debug, Default)]
struct Details(Vec<(String, Vec<SiteVersion>)>);

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (id, versions) in &self.0 {
            map.serialize_entry(id, versions)?;
        }
        map.end()
    }
}

/// A part of a binder.
#[derive(Debug)]
pub struct Shard {
    /// What is searched.
    pub search: DataFile,
    /// The versions.
    pub details: DataFile,
}

/// Divides a binder's documents, which come in the order of their paths. Holds one part in memory.
#[derive(Debug)]
pub struct Shards<'b> {
    binder: &'b str,
    number: usize,
    columns: Columns,
    details: Details,
    bytes: usize,
}

impl<'b> Shards<'b> {
    /// The parts of a binder.
    pub fn new(binder: &'b str) -> Self {
        Self { binder, number: 0, columns: Columns::default(), details: Details::default(), bytes: 0 }
    }

    /// Adds a document; returns the part that ends before it.
    pub fn push(&mut self, mut document: SiteDocument) -> Option<Shard> {
        let ended = if self.ends_before(&document.id) { self.end() } else { None };
        let texts = document.metadata.iter().map(|(_, value)| value.len()).sum::<usize>();
        self.bytes +=
            texts + document.name.len() + document.folder.len() + document.title.as_ref().map_or(0, String::len);
        self.details.0.push((document.id.clone(), std::mem::take(&mut document.versions)));
        self.columns.push(document);
        ended
    }

    /// The last part, if a document is in it.
    pub fn end(&mut self) -> Option<Shard> {
        if self.columns.ids.is_empty() {
            return None;
        }
        let (columns, details) = (std::mem::take(&mut self.columns), std::mem::take(&mut self.details));
        let (binder, number) = (self.binder, self.number);
        self.number += 1;
        self.bytes = 0;
        Some(Shard {
            search: DataFile::new(Content::Search(binder, number), json::call("search", &(binder, number, columns))),
            details: DataFile::new(Content::Details(binder, number), json::call("details", &(binder, number, details))),
        })
    }

    fn ends_before(&self, id: &str) -> bool {
        let count = self.columns.ids.len();
        count >= MOST || self.bytes >= LARGEST || (count >= LEAST && hash(id).is_multiple_of(ONE_IN))
    }
}

/// The 64-bit FNV-1a hash, which is the same in every version of the program.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn document(n: usize) -> SiteDocument {
        let folder = format!("Ritningar/Plan {}", n / 500);
        SiteDocument { id: format!("{n:08}"), name: format!("{n}.pdf"), folder, size: 1, ..SiteDocument::default() }
    }

    fn names(documents: impl Iterator<Item = SiteDocument>) -> Vec<String> {
        let mut shards = Shards::new("b");
        let mut parts: Vec<Shard> = documents.filter_map(|document| shards.push(document)).collect();
        parts.extend(shards.end());
        parts.into_iter().map(|part| part.search.name).collect()
    }

    #[test]
    fn one_more_document_changes_one_part() {
        let before = names((0..200_000).map(document));
        assert!((5..=20).contains(&before.len()), "{}", before.len());
        let with_one_more = (0..200_000).flat_map(|n| {
            let more = (n == 70_000).then(|| SiteDocument { id: "new".to_owned(), ..document(n) });
            [Some(document(n)), more].into_iter().flatten()
        });
        let old: BTreeSet<String> = before.iter().cloned().collect();
        let new = names(with_one_more).into_iter().filter(|name| !old.contains(name)).count();
        assert_eq!(new, 1);
    }

    #[test]
    fn a_part_has_columns_and_tables() {
        let mut shards = Shards::new("b<");
        let version = SiteVersion { seen: 9, size: 8, sha256: Sha256::new([7; 32]), held: true, id: "v".to_owned() };
        let text = |text: &str| Some(text.to_owned());
        assert!(shards.push(SiteDocument { versions: vec![version], ..document(1) }).is_none());
        shards.push(SiteDocument {
            title: text("</script>"),
            modified: -1,
            tab: text("Avtal"),
            status: text("Gällande"),
            metadata: vec![("Hus".to_owned(), "Gällande".to_owned())],
            ..document(2)
        });
        let part = shards.end().unwrap();
        assert_eq!(
            String::from_utf8(part.search.bytes).unwrap(),
            "ibinder.search(\"b\\u003c\",0,{\"folders\":[\"Ritningar/Plan 0\"],\"values\":[\"Gällande\",\"Avtal\"],\
             \"keys\":[\"Hus\"],\"ids\":[\"00000001\",\"00000002\"],\"names\":[\"1.pdf\",\"2.pdf\"],\
             \"titles\":[0,\"\\u003c/script\\u003e\"],\"folder\":[0,0],\"size\":[1,1],\"modified\":[0,-1],\
             \"metadata\":[[],[0,0]],\"tab\":[-1,1],\"category\":[-1,-1],\"status\":[-1,0]});\n"
        );
        let hex = "07".repeat(32);
        assert_eq!(
            String::from_utf8(part.details.bytes).unwrap(),
            format!("ibinder.details(\"b\\u003c\",0,{{\"00000001\":[[9,8,\"{hex}\",1,\"v\"]],\"00000002\":[]}});\n")
        );
        assert!(shards.end().is_none());
    }

    #[test]
    fn long_texts_end_a_part() {
        let long = |n| SiteDocument { metadata: vec![("x".to_owned(), "y".repeat(1 << 20))], ..document(n) };
        assert_eq!(names((0..20).map(long)).len(), 3);
    }
}
