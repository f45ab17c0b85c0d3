//! A zip file outside of the mirror for verified files.
//!
//! Texts are compressed; everything else is stored as it is, since most documents are compressed already. A file is hashed while it is written, and
//! taken back if it has other content than expected. Files beyond 4 GiB and more than 65,535 of them are possible (zip64).

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest as _, Sha256 as Hasher};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::{
    ContentReader, Error,
    target::{FileTarget, WriteFile, WriteOutcome},
};
use crate::model::{RelPath, Sha256};

/// Bytes are copied in pieces of this size.
const PIECE: usize = 256 * 1024;

/// From this size on, a file's entry has fields for sizes of 64 bits.
const LARGE: u64 = 0xFFFF_0000;

/// Endings of files that are compressed.
const TEXTS: [&str; 7] = [".csv", ".jsonl", ".json", ".html", ".txt", ".xml", ".svg"];

/// The archive.
#[derive(Debug)]
pub struct Archive {
    zip: Mutex<Option<ZipWriter<BufWriter<File>>>>,
    /// The folder in the archive that has everything.
    folder: String,
}

impl Archive {
    /// Begins an archive in an empty file.
    pub fn new(file: File, folder: &str) -> Self {
        let zip = ZipWriter::new(BufWriter::with_capacity(PIECE, file));
        Self { zip: Mutex::new(Some(zip)), folder: folder.to_owned() }
    }

    /// Writes the list of its files, and makes it durable.
    pub fn close(self) -> Result<(), Error> {
        let zip = self.zip.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Some(zip) = zip else { return Ok(()) };
        let failed = |e: io::Error| Error::io("finish", "the archive", e);
        let out = zip.finish().map_err(|e| failed(e.into()))?;
        out.into_inner().map_err(|e| failed(e.into_error()))?.sync_all().map_err(failed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<ZipWriter<BufWriter<File>>>> {
        self.zip.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(
        &self,
        path: &RelPath,
        from: &mut dyn ContentReader,
        (sha256, mtime): (&Sha256, i64),
        buffer: &mut [u8],
        ended: &dyn Fn() -> bool,
    ) -> io::Result<WriteOutcome> {
        let mut zip = self.lock();
        let Some(zip) = zip.as_mut() else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let size = from.size()?;
        let options = SimpleFileOptions::default()
            .compression_method(method(path))
            .large_file(size >= LARGE)
            .last_modified_time(dos_time(mtime))
            .unix_permissions(0o644);
        zip.start_file(format!("{}/{path}", self.folder), options)?;
        let outcome = fill(zip, from, sha256, size, buffer, ended)?;
        if !matches!(outcome, WriteOutcome::Written(_)) {
            zip.abort_file()?;
        }
        Ok(outcome)
    }
}

fn method(path: &RelPath) -> CompressionMethod {
    let is_text = TEXTS.iter().any(|ending| path.as_str().ends_with(ending));
    if is_text { CompressionMethod::Deflated } else { CompressionMethod::Stored }
}

/// Fills the entry that was begun. A source that is longer than it was is another one.
fn fill(
    zip: &mut ZipWriter<BufWriter<File>>,
    from: &mut dyn ContentReader,
    sha256: &Sha256,
    announced: u64,
    buffer: &mut [u8],
    ended: &dyn Fn() -> bool,
) -> io::Result<WriteOutcome> {
    let (mut hasher, mut size) = (Hasher::new(), 0);
    loop {
        let Ok(read) = from.read(buffer) else { return Ok(WriteOutcome::Unreadable) };
        let piece = &buffer[..read];
        if read == 0 {
            let whole = Sha256::new(hasher.finalize().into()) == *sha256;
            return Ok(if whole { WriteOutcome::Written(size) } else { WriteOutcome::Different });
        }
        hasher.update(piece);
        size += read as u64;
        if size > announced {
            return Ok(WriteOutcome::Different);
        }
        zip.write_all(piece)?;
        if ended() {
            return Ok(WriteOutcome::Cancelled);
        }
    }
}

/// A time as archives have it: UTC, from 1980 to 2107; the nearest one if it is outside.
fn dos_time(mtime: i64) -> DateTime {
    let time = Timestamp::from_nanosecond(mtime.into()).unwrap_or_default().to_zoned_datetime(TimeZone::UTC);
    let of = |field: i8| u8::try_from(field).unwrap_or_default();
    let year = u16::try_from(time.year()).unwrap_or_default();
    match year {
        ..1980 => DateTime::DEFAULT,
        1980..=2107 => DateTime::from_date_and_time(
            year,
            of(time.month()),
            of(time.day()),
            of(time.hour()),
            of(time.minute()),
            of(time.second()),
        )
        .unwrap_or(DateTime::DEFAULT),
        2108.. => DateTime::from_date_and_time(2107, 12, 31, 23, 59, 58).unwrap_or(DateTime::DEFAULT),
    }
}

impl FileTarget for Archive {
    fn writer(&self) -> Box<dyn WriteFile + '_> {
        Box::new(ArchiveWriter { archive: self, buffer: vec![0; PIECE] })
    }

    fn finish(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Writes files into an [`Archive`], one at a time.
struct ArchiveWriter<'a> {
    archive: &'a Archive,
    buffer: Vec<u8>,
}

impl WriteFile for ArchiveWriter<'_> {
    fn write_file(
        &mut self,
        path: &RelPath,
        from: &mut dyn ContentReader,
        sha256: &Sha256,
        mtime: i64,
        ended: &dyn Fn() -> bool,
    ) -> Result<WriteOutcome, Error> {
        let written = self.archive.put(path, from, (sha256, mtime), &mut self.buffer, ended);
        written.map_err(|e| Error::io("write", path.as_str(), e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_archives() {
        for (time, shown) in [
            ("2026-11-03T02:00:30Z", "2026-11-03 02:00:30"),
            ("1969-12-31T23:59:59Z", "1980-01-01 00:00:00"),
            ("2261-01-01T00:00:00Z", "2107-12-31 23:59:58"),
        ] {
            let time: Timestamp = time.parse().unwrap();
            assert_eq!(dos_time(i64::try_from(time.as_nanosecond()).unwrap()).to_string(), shown);
        }
    }
}
