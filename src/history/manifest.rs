//! Manifests: all documents of a complete run, so that anybody can check a mirror without this program.
//! Lines of JSON, compressed with Zstandard. The first line is the header; the others are documents in path order, ignoring
//! case. `docs/history.md` shows how to check a mirror with a manifest. Input is untrusted: line lengths are limited, and
//! only the format is relied on.

use std::io::{self, BufRead, BufReader, Read, Write as _};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256 as Hasher};
use zstd::stream::{read::Decoder, write::Encoder};

use super::Error;
use crate::{
    mirror::{Mirror, Root, Stage},
    model::{BinderId, DocumentId, Sha256, VersionId},
    state::{Mirrored, Run, State},
};

/// The end of a manifest's name, after the run's id.
pub(super) const SUFFIX: &str = ".manifest.jsonl.zst";

/// The only format that is written and read.
const FORMAT: u32 = 1;

/// The fastest level; higher ones take longer and save little, since most data are hashes.
const LEVEL: i32 = 1;

/// Compressed bytes that are collected before they are written.
const PIECE: usize = 256 << 10;

/// The longest line that is read, in bytes; the longest path, escaped, takes a third of that.
const LONGEST: u64 = 64 << 10;

/// The largest window that a decoder allocates, as a power of two of bytes.
const WINDOW: u32 = 24;

/// The first line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version.
    pub format: u32,
    /// The organisation of the documents.
    pub organisation_id: String,
    /// The run that wrote it.
    pub run_id: String,
    /// When the mirror was in this state.
    pub finished_at: Timestamp,
    /// The number of documents.
    pub documents: u64,
    /// Their total size in bytes.
    pub bytes: u64,
}

/// A document's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: DocumentId,
    /// The version in its file.
    pub version_id: VersionId,
    /// Its binder.
    pub binder_id: BinderId,
    /// The path of its file, below the destination.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The hash of the service's bytes.
    pub sha256: Sha256,
    /// The hash of its metadata as JSON text; `None` without metadata.
    pub metadata_sha256: Option<Sha256>,
    /// The file's modification time.
    pub modified_at: Timestamp,
}

/// Why a manifest can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BadManifest {
    /// It is truncated or damaged, or the disk fails.
    #[error("the manifest can't be read: {0}")]
    Read(#[from] io::Error),
    /// A newer program wrote it.
    #[error("the manifest has format {0}, and this program reads format {FORMAT}; use a newer ibinder-sync")]
    Format(u32),
    /// A line is invalid.
    #[error("line {number} of the manifest can't be used: {why}")]
    Line {
        /// Its number, from 1.
        number: u64,
        /// What is wrong.
        why: String,
    },
    /// It has fewer or more documents than announced.
    #[error("the manifest announces {announced} documents and has {found}")]
    Count {
        /// The number in its header.
        announced: u64,
        /// The number of its lines.
        found: u64,
    },
}

/// Whether the mirror has changed since the last manifest was written, or there is none.
pub fn manifest_is_due(mirror: &Mirror, state: &State) -> Result<bool, Error> {
    let names = mirror.state_files("runs")?;
    let starts = state.read(|r| r.starts())?;
    let has_manifest = |run: &Run| names.binary_search(&format!("{}{SUFFIX}", run.id)).is_ok();
    let newest = starts.iter().rev().find(|start| has_manifest(&start.run)).map(|start| start.run.number);
    Ok(newest.is_none() || state.read(|r| r.changed_run())? > newest)
}

/// The size of each manifest in bytes.
pub fn manifest_sizes(root: &Root) -> Result<Vec<u64>, Error> {
    Ok(root.note_sizes("runs", SUFFIX)?)
}

/// Writes a run's manifest; it becomes visible when it is complete and durable.
pub fn write_manifest(mirror: &Mirror, state: &State, run: &Run, finished: Timestamp) -> Result<(), Error> {
    let mut stage = Stage::create(mirror, false)?;
    state.read(|r| {
        let totals = r.totals()?;
        let mut lines = Lines::new(&mut stage)?;
        lines.write(&Header {
            format: FORMAT,
            organisation_id: r.setting("organisation")?.unwrap_or_default(),
            run_id: run.id.clone(),
            finished_at: finished,
            documents: totals.documents,
            bytes: totals.bytes,
        })?;
        r.inventory(|mirrored| lines.write(&entry(mirrored)))?;
        lines.end()
    })?;
    Ok(mirror.keep_state_file(stage, &format!("runs/{}{SUFFIX}", run.id))?)
}

/// Removes a document from a manifest. An unreadable manifest is deleted, because it may contain the document.
pub(super) fn forget_document(mirror: &Mirror, name: &str, document: &DocumentId) -> Result<(), Error> {
    let Some(bytes) = mirror.read_state_file(name)? else { return Ok(()) };
    match Manifest::read(&*bytes).and_then(|manifest| without(manifest, document)) {
        Ok((_, None)) => Ok(()),
        Ok((header, Some(_))) => {
            let mut stage = Stage::create(mirror, false)?;
            let mut lines = Lines::new(&mut stage)?;
            lines.write(&header)?;
            for entry in Manifest::read(&*bytes).into_iter().flatten().flatten().filter(|e| e.id != *document) {
                lines.write(&entry)?;
            }
            lines.end()?;
            Ok(mirror.keep_state_file(stage, name)?)
        }
        Err(error) => {
            tracing::warn!("{name} is deleted because it can't be read: {error}");
            Ok(mirror.remove_state_file(name)?)
        }
    }
}

/// The header of a manifest without a document, and the document's entry if there is one.
fn without(mut manifest: Manifest<&[u8]>, document: &DocumentId) -> Result<(Header, Option<Entry>), BadManifest> {
    let mut header = manifest.header().clone();
    let mut gone = None;
    while let Some(entry) = manifest.next().transpose()? {
        if entry.id == *document {
            header.documents -= 1;
            header.bytes = header.bytes.saturating_sub(entry.size);
            gone = Some(entry);
        }
    }
    Ok((header, gone))
}

fn entry(mirrored: &Mirrored<'_>) -> Entry {
    Entry {
        id: mirrored.id.clone(),
        version_id: mirrored.version.clone(),
        binder_id: mirrored.binder.clone(),
        path: mirrored.path.to_owned(),
        size: mirrored.size,
        sha256: mirrored.sha256,
        metadata_sha256: mirrored.metadata.map(|json| Sha256::new(Hasher::digest(json).into())),
        // Every 64-bit number of nanoseconds is a valid time.
        modified_at: Timestamp::from_nanosecond(mirrored.mtime.into()).unwrap_or_default(),
    }
}

/// Writes compressed lines into a staged file.
struct Lines<'s> {
    stage: &'s mut Stage,
    encoder: Encoder<'static, Vec<u8>>,
    line: Vec<u8>,
}

impl<'s> Lines<'s> {
    fn new(stage: &'s mut Stage) -> Result<Self, Error> {
        let mut encoder = Encoder::new(Vec::with_capacity(PIECE), LEVEL).map_err(Error::Compress)?;
        encoder.include_checksum(true).map_err(Error::Compress)?;
        Ok(Self { stage, encoder, line: Vec::new() })
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), Error> {
        // A call of the encoder costs more than the few bytes of a field.
        self.line.clear();
        // Numbers, texts and times always serialize, and writing to memory never fails.
        serde_json::to_writer(&mut self.line, line).map_err(|e| Error::Compress(e.into()))?;
        self.line.push(b'\n');
        self.encoder.write_all(&self.line).map_err(Error::Compress)?;
        let gathered = self.encoder.get_mut();
        if gathered.len() >= PIECE {
            self.stage.write(gathered)?;
            gathered.clear();
        }
        Ok(())
    }

    fn end(self) -> Result<(), Error> {
        let rest = self.encoder.finish().map_err(Error::Compress)?;
        Ok(self.stage.write(&rest)?)
    }
}

/// Reads a manifest: its header, then its documents one at a time.
pub struct Manifest<R: Read> {
    header: Header,
    lines: BufReader<Decoder<'static, BufReader<R>>>,
    found: u64,
    ended: bool,
}

impl<R: Read> Manifest<R> {
    /// Reads the header.
    pub fn read(from: R) -> Result<Self, BadManifest> {
        let mut decoder = Decoder::new(from)?;
        decoder.window_log_max(WINDOW)?;
        let mut lines = BufReader::new(decoder);
        let first = next_line(&mut lines, 1, LONGEST)?.unwrap_or_default();
        // The header of a later format may differ in everything except `format`.
        let version: Version = parse_line(&first, 1)?;
        if version.format != FORMAT {
            return Err(BadManifest::Format(version.format));
        }
        Ok(Self { header: parse_line(&first, 1)?, lines, found: 0, ended: false })
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn entry(&mut self) -> Result<Option<Entry>, BadManifest> {
        let number = self.found.saturating_add(2);
        let Some(text) = next_line(&mut self.lines, number, LONGEST)? else {
            let (announced, found) = (self.header.documents, self.found);
            return if announced == found { Ok(None) } else { Err(BadManifest::Count { announced, found }) };
        };
        self.found += 1;
        parse_line(&text, number).map(Some)
    }
}

impl<R: Read> Iterator for Manifest<R> {
    type Item = Result<Entry, BadManifest>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.entry().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// The next line of a manifest without its line end, of at most `longest` bytes; `None` after the last one.
pub fn next_line(from: &mut impl BufRead, number: u64, longest: u64) -> Result<Option<Vec<u8>>, BadManifest> {
    let mut text = Vec::new();
    from.take(longest).read_until(b'\n', &mut text)?;
    match text.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(text)),
        Some(_) => Err(BadManifest::Line { number, why: "it has no end".to_owned() }),
    }
}

/// Reads a line of a manifest.
pub fn parse_line<T: serde::de::DeserializeOwned>(text: &[u8], number: u64) -> Result<T, BadManifest> {
    serde_json::from_slice(text).map_err(|e| BadManifest::Line { number, why: e.to_string() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = r#"{"format":1,"organisation_id":"o","run_id":"000001-x","finished_at":"2026-01-01T00:00:00Z","documents":1,"bytes":2}"#;

    fn document() -> String {
        let hash = "00".repeat(32);
        format!(
            r#"{{"id":"a","version_id":"v","binder_id":"b","path":"B/a.txt","size":2,"sha256":"{hash}","metadata_sha256":null,"modified_at":"2026-01-01T00:00:00Z"}}"#
        )
    }

    /// Reads a text; returns the number of entries and the error, if any.
    fn read(text: &str) -> (usize, Option<String>) {
        let packed = zstd::stream::encode_all(text.as_bytes(), 1).unwrap();
        read_bytes(&packed)
    }

    fn read_bytes(bytes: &[u8]) -> (usize, Option<String>) {
        let manifest = match Manifest::read(bytes) {
            Ok(manifest) => manifest,
            Err(error) => return (0, Some(error.to_string())),
        };
        let (mut count, mut error) = (0, None);
        for entry in manifest {
            match entry {
                Ok(_) => count += 1,
                Err(bad) => error = Some(bad.to_string()),
            }
        }
        (count, error)
    }

    #[test]
    fn invalid_manifests_are_refused() {
        let document = document();
        let long = format!("{HEADER}\n{}\n", "x".repeat(70_000));
        let newer = HEADER.replace("\"format\":1", "\"format\":2");
        for (text, count, error) in [
            (format!("{HEADER}\n{document}\n"), 1, None),
            (format!("{HEADER}\n{document}"), 0, Some("no end")),
            (format!("{HEADER}\n"), 0, Some("announces 1 documents and has 0")),
            (format!("{HEADER}\n{document}\n{document}\n"), 2, Some("has 2")),
            (format!("{HEADER}\n{}\n", document.replace("00\"", "\"")), 0, Some("line 2")),
            (format!("{HEADER}\n\n"), 0, Some("line 2")),
            (format!("{newer}\n"), 0, Some("format 2")),
            (long, 0, Some("no end")),
            (String::new(), 0, Some("line 1")),
        ] {
            let (found, said) = read(&text);
            assert_eq!(found, count, "{said:?}");
            assert_eq!(said.is_some(), error.is_some(), "{said:?}");
            assert!(said.unwrap_or_default().contains(error.unwrap_or_default()), "{error:?}");
        }
    }

    #[test]
    fn truncation_is_noticed_everywhere() {
        let whole = zstd::stream::encode_all(format!("{HEADER}\n{}\n", document()).as_bytes(), 1).unwrap();
        for end in 0..whole.len() {
            assert!(read_bytes(&whole[..end]).1.is_some(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, text in ".{0,300}", at: prop::sample::Index, flip: u8) {
            let _ = read_bytes(&bytes);
            let _ = read(&text);
            let _ = read(&format!("{HEADER}\n{text}\n"));
            let mut damaged = zstd::stream::encode_all(format!("{HEADER}\n{}\n", document()).as_bytes(), 1).unwrap();
            let at = at.index(damaged.len());
            damaged[at] ^= flip;
            let _ = read_bytes(&damaged);
        }
    }
}
