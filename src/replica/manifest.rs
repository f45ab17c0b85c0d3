//! Manifests of a copy: everything that a commit has, for readers with and without this program (contract:
//! `docs/copy-format.md`). Lines of JSON, compressed: a header, the documents of the tree in the order of their paths, then the past
//! versions whose bytes are kept.

use std::{
    collections::HashSet,
    io::{self, BufReader},
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Error,
    commit::Named,
    packed::{Packed, Packing, Unpacking},
    store::Store,
};
use crate::{
    history::{BadManifest, next_line, parse_line},
    model::{BinderId, DocumentId, RelPath, Sha256, VersionId},
    state::{self, Mirrored, State, VersionRow},
};

/// The only format that is written and read.
const FORMAT: u32 = 1;

/// The longest line that is read, in bytes; the metadata of a document are by far its largest part.
const LONGEST: u64 = 16 << 20;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestHeader {
    /// The format's version.
    pub format: u32,
    /// The organisation of the documents.
    pub organisation_id: String,
    /// The run after which the mirror was like this.
    pub run_id: String,
    /// When that run ended.
    pub finished_at: Timestamp,
    /// The number of documents.
    pub documents: u64,
    /// The number of past versions.
    pub past_versions: u64,
}

/// What a line after the first is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A document of the tree.
    Document,
    /// A version that was replaced or removed.
    Past,
}

/// A line after the first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    /// What it is about.
    pub kind: ItemKind,
    /// The document.
    pub id: DocumentId,
    /// The version in its file.
    pub version_id: VersionId,
    /// The document's binder.
    pub binder_id: BinderId,
    /// The path of its file, or its last path.
    pub path: RelPath,
    /// The size in bytes.
    pub size: u64,
    /// The hash of the bytes, which names the object.
    pub sha256: Sha256,
    /// The file's modification time.
    pub modified_at: Timestamp,
    /// The number of the run that brought a past version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_run: Option<i64>,
    /// The number of the run that replaced or removed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_run: Option<i64>,
    /// Whether the copy lacks the bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// The document's metadata, as the service sent them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
}

impl Item {
    /// The object that it needs, and its size; `None` if the copy lacks it.
    pub fn content(&self) -> Option<(Sha256, u64)> {
        (!self.missing).then_some((self.sha256, self.size))
    }
}

/// What a manifest has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) documents: u64,
    pub(super) bytes: u64,
    pub(super) past_versions: u64,
}

/// Writes the manifest of a state into a file; `missing` has the contents that the copy lacks.
pub(super) fn write(
    state: &State,
    header: &ManifestHeader,
    missing: &HashSet<Sha256>,
    path: &Path,
) -> Result<(Packed, Totals), Error> {
    let mut lines = Lines {
        packing: Packing::create(path).map_err(|e| scratch(path, e))?,
        path,
        missing,
        totals: Totals::default(),
        line: Vec::new(),
    };
    lines.write(header)?;
    state.read(|r| {
        r.inventory(|mirrored| lines.document(mirrored))?;
        r.each_held_version(|row| lines.past(row))
    })?;
    let Lines { packing, totals, .. } = lines;
    Ok((packing.finish().map_err(|e| scratch(path, e))?, totals))
}

fn scratch(path: &Path, source: io::Error) -> Error {
    Error::Scratch { what: "writing", path: path.to_owned(), source }
}

struct Lines<'w> {
    packing: Packing,
    path: &'w Path,
    missing: &'w HashSet<Sha256>,
    totals: Totals,
    line: Vec<u8>,
}

impl Lines<'_> {
    fn document(&mut self, mirrored: &Mirrored<'_>) -> Result<(), Error> {
        let missing = self.missing.contains(&mirrored.sha256);
        let metadata = mirrored.metadata.map(|json| RawValue::from_string(json.to_owned())).transpose();
        self.totals.documents += 1;
        self.totals.bytes += mirrored.size;
        self.write(&Item {
            kind: ItemKind::Document,
            id: mirrored.id.clone(),
            version_id: mirrored.version.clone(),
            binder_id: mirrored.binder.clone(),
            path: RelPath::new(mirrored.path).map_err(|e| state::Error::InvalidValue(e.to_string()))?,
            size: mirrored.size,
            sha256: mirrored.sha256,
            modified_at: time(mirrored.mtime),
            from_run: None,
            until_run: None,
            missing,
            metadata: metadata.map_err(|e| Error::Internal(e.to_string()))?,
        })
    }

    fn past(&mut self, row: VersionRow) -> Result<(), Error> {
        let Some((held, size)) = row.held else { return Ok(()) };
        let missing = self.missing.contains(&held);
        self.totals.past_versions += 1;
        self.write(&Item {
            kind: ItemKind::Past,
            id: row.document,
            version_id: row.version,
            binder_id: BinderId::parse(&row.binder).map_err(|e| state::Error::InvalidValue(e.to_string()))?,
            path: row.path,
            size,
            sha256: held,
            modified_at: time(row.mtime),
            from_run: Some(row.first_run),
            until_run: row.ended.map(|ended| ended.run),
            missing,
            metadata: None,
        })
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), Error> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line).map_err(|e| Error::Internal(e.to_string()))?;
        // Metadata may have line ends between their values.
        for byte in &mut self.line {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        self.line.push(b'\n');
        self.packing.write(&self.line).map_err(|e| scratch(self.path, e))
    }
}

fn time(nanoseconds: i64) -> Timestamp {
    // Every 64-bit number of nanoseconds is a valid time.
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default()
}

/// Reads a manifest of a copy, which is not trusted, and calls `each` for every item.
pub(super) fn read<E: From<Error>>(
    store: &Store,
    named: &Named,
    mut each: impl FnMut(Item) -> Result<(), E>,
) -> Result<ManifestHeader, E> {
    let bad = |why: BadManifest| match why {
        BadManifest::Read(error) => Error::of_reading(&named.key, &error),
        why => Error::Manifest(named.key.clone(), why),
    };
    let mut lines = BufReader::new(Unpacking::open(store, named)?);
    let first = next_line(&mut lines, 1, LONGEST).map_err(bad)?.unwrap_or_default();
    let header: ManifestHeader = parse_line(&first, 1).map_err(bad)?;
    if header.format != FORMAT {
        return Err(bad(BadManifest::Format(header.format)).into());
    }
    let mut number = 1;
    while let Some(text) = next_line(&mut lines, number + 1, LONGEST).map_err(bad)? {
        number += 1;
        each(parse_line(&text, number).map_err(bad)?)?;
    }
    let (announced, found) = (header.documents.saturating_add(header.past_versions), number - 1);
    if announced != found {
        return Err(bad(BadManifest::Count { announced, found }).into());
    }
    lines.into_inner().finish()?;
    Ok(header)
}

impl ManifestHeader {
    /// The format that this program writes.
    pub(super) const FORMAT: u32 = FORMAT;
}
