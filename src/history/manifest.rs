//! A manifest: every document of a complete run, so that anybody can check the mirror without
//! this program.
//!
//! Lines of JSON, compressed with Zstandard. The first line is the header, the others are documents
//! in the order of their paths, case aside. `docs/history.md` shows how to check a mirror with it. What
//! is read may be anything: lines have a longest length, and nothing of it is believed but its shape.

use std::io::{self, BufRead, BufReader, Read, Write as _};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256 as Hasher};
use zstd::stream::{read::Decoder, write::Encoder};

use super::Error;
use crate::{
    mirror::{Mirror, Stage},
    model::{BinderId, DocumentId, Sha256, VersionId},
    state::{Mirrored, Run, State},
};

/// What a manifest's name ends with, behind the run's id.
pub(super) const SUFFIX: &str = ".manifest.jsonl.zst";

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// The least that pays: higher levels take longer and save little of what is mostly hashes.
const LEVEL: i32 = 1;

/// Compressed bytes that are gathered before they are written.
const PIECE: usize = 256 << 10;

/// The longest line that is read, in bytes; the longest path, escaped, takes a third of it.
const LONGEST: u64 = 64 << 10;

/// The largest window that a decoder makes room for, as a power of two of bytes.
const WINDOW: u32 = 24;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version.
    pub format: u32,
    /// Whose documents.
    pub organisation_id: String,
    /// The run that wrote it.
    pub run_id: String,
    /// When everything was as it says.
    pub finished_at: Timestamp,
    /// How many documents follow.
    pub documents: u64,
    /// How many bytes they have together.
    pub bytes: u64,
}

/// A line of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: DocumentId,
    /// The version that its file holds.
    pub version_id: VersionId,
    /// Its binder.
    pub binder_id: BinderId,
    /// Where its file is, below the destination.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// The hash of the bytes that the service had.
    pub sha256: Sha256,
    /// The hash of its metadata, as JSON text; none where it has none.
    pub metadata_sha256: Option<Sha256>,
    /// The file's time.
    pub modified_at: Timestamp,
}

/// Why a manifest can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BadManifest {
    /// It is cut short or damaged, or the disk fails.
    #[error("the manifest can't be read: {0}")]
    Read(#[from] io::Error),
    /// A newer program wrote it.
    #[error("the manifest has format {0}, and this program reads format {FORMAT}; use a newer ibinder-sync")]
    Format(u32),
    /// A line is no line of a manifest.
    #[error("line {number} of the manifest can't be used: {why}")]
    Line {
        /// Which, from 1.
        number: u64,
        /// Why.
        why: String,
    },
    /// Documents are missing at its end, or there are too many.
    #[error("the manifest announces {announced} documents and has {found}")]
    Count {
        /// So many by its header.
        announced: u64,
        /// So many lines.
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

/// Writes the manifest of a run; nobody sees it before it is whole and durable.
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

/// Takes a document out of a manifest. One that can't be read is deleted: what it says is unknown.
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
            tracing::warn!("{name} is deleted, since nobody can tell what is in it: {error}");
            Ok(mirror.remove_state_file(name)?)
        }
    }
}

/// The header of a manifest without a document, and the document's line if there is one.
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
        // Any number of nanoseconds in 64 bits is a time.
        modified_at: Timestamp::from_nanosecond(mirrored.mtime.into()).unwrap_or_default(),
    }
}

/// Lines on their way into a staged file.
struct Lines<'s> {
    stage: &'s mut Stage,
    encoder: Encoder<'static, Vec<u8>>,
}

impl<'s> Lines<'s> {
    fn new(stage: &'s mut Stage) -> Result<Self, Error> {
        let mut encoder = Encoder::new(Vec::with_capacity(PIECE), LEVEL).map_err(Error::Compress)?;
        encoder.include_checksum(true).map_err(Error::Compress)?;
        Ok(Self { stage, encoder })
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), Error> {
        // Numbers, texts and times always serialize; writing to memory never fails.
        serde_json::to_writer(&mut self.encoder, line).map_err(|e| Error::Compress(e.into()))?;
        self.encoder.write_all(b"\n").map_err(Error::Compress)?;
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

/// A manifest that is read: its header, and its documents one after the other.
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
        let first = line(&mut lines, 1)?.unwrap_or_default();
        // A later format may have any header, as long as it says which.
        let version: Version = parse(&first, 1)?;
        if version.format != FORMAT {
            return Err(BadManifest::Format(version.format));
        }
        Ok(Self { header: parse(&first, 1)?, lines, found: 0, ended: false })
    }

    /// Its first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn entry(&mut self) -> Result<Option<Entry>, BadManifest> {
        let number = self.found.saturating_add(2);
        let Some(text) = line(&mut self.lines, number)? else {
            let (announced, found) = (self.header.documents, self.found);
            return if announced == found { Ok(None) } else { Err(BadManifest::Count { announced, found }) };
        };
        self.found += 1;
        parse(&text, number).map(Some)
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

/// The next line without its end; none behind the last one.
fn line(from: &mut impl BufRead, number: u64) -> Result<Option<Vec<u8>>, BadManifest> {
    let mut text = Vec::new();
    from.take(LONGEST).read_until(b'\n', &mut text)?;
    match text.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(text)),
        Some(_) => Err(BadManifest::Line { number, why: "it has no end".to_owned() }),
    }
}

fn parse<T: serde::de::DeserializeOwned>(text: &[u8], number: u64) -> Result<T, BadManifest> {
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

    /// What reading some text says: the entries, and how it ends.
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
    fn what_is_no_manifest_is_refused() {
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
    fn one_that_is_cut_short_is_noticed_wherever() {
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
