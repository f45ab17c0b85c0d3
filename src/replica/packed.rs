//! Compressed files of a copy: written with their hash, and read without trusting a size in them.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use sha2::{Digest as _, Sha256 as Hasher};
use zstd::stream::{read::Decoder, write::Encoder};

use super::{
    Error,
    commit::Named,
    store::{ObjectReader, Store},
};
use crate::model::Sha256;

/// The fastest level; higher ones take longer and save little.
const LEVEL: i32 = 1;

/// The largest window that a decoder allocates, as a power of two of bytes.
const WINDOW: u32 = 24;

/// Bytes that are read or written at once.
const PIECE: usize = 256 << 10;

/// Hashes and counts what passes.
struct Counted<T> {
    inner: T,
    hasher: Hasher,
    bytes: u64,
}

impl<T> Counted<T> {
    fn new(inner: T) -> Self {
        Self { inner, hasher: Hasher::new(), bytes: 0 }
    }

    fn count(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    fn hash(&self) -> Sha256 {
        Sha256::new(self.hasher.clone().finalize().into())
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.count(&into[..read]);
        Ok(read)
    }
}

/// A compressed file that is being written.
pub(super) struct Packing {
    encoder: Encoder<'static, Counted<io::BufWriter<File>>>,
    unpacked: u64,
}

/// A compressed file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) sha256: Sha256,
    pub(super) size: u64,
    pub(super) unpacked_size: u64,
}

impl Packed {
    pub(super) fn named(&self, key: String) -> Named {
        Named { key, sha256: self.sha256, size: self.size, unpacked_size: self.unpacked_size }
    }
}

impl Packing {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = Counted::new(io::BufWriter::with_capacity(PIECE, File::create(path)?));
        let mut encoder = Encoder::new(file, LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self { encoder, unpacked: 0 })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unpacked += bytes.len() as u64;
        self.encoder.write_all(bytes)
    }

    pub(super) fn finish(self) -> io::Result<Packed> {
        let mut file = self.encoder.finish()?;
        file.flush()?;
        Ok(Packed { sha256: file.hash(), size: file.bytes, unpacked_size: self.unpacked })
    }
}

/// Compresses a file into another one.
pub(super) fn pack_file(from: &Path, into: &Path) -> io::Result<Packed> {
    let (mut file, mut packing) = (File::open(from)?, Packing::create(into)?);
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer)? {
            0 => return packing.finish(),
            read => packing.write(&buffer[..read])?,
        }
    }
}

/// A compressed file of a copy that is being read. No more is unpacked than its commit announces.
pub(super) struct Unpacking<'s> {
    decoder: Decoder<'static, io::BufReader<Counted<ObjectReader<'s>>>>,
    named: Named,
    left: u64,
}

impl<'s> Unpacking<'s> {
    pub(super) fn open(store: &'s Store, named: &Named) -> Result<Self, Error> {
        let found = store.read(&named.key)?.ok_or_else(|| Error::MissingFile(named.key.clone()))?;
        let damaged = |why: String| Error::DamagedFile { key: named.key.clone(), why };
        if found.size() != named.size {
            return Err(damaged(format!("it has {} bytes instead of {}", found.size(), named.size)));
        }
        let reader = io::BufReader::with_capacity(PIECE, Counted::new(found));
        let mut decoder = Decoder::with_buffer(reader).map_err(|e| damaged(e.to_string()))?;
        decoder.window_log_max(WINDOW).map_err(|e| damaged(e.to_string()))?;
        Ok(Self { decoder, named: named.clone(), left: named.unpacked_size })
    }

    /// Reads the rest and compares the whole with what the commit announced.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let key = self.named.key.clone();
        let damaged = |why: String| Error::DamagedFile { key: key.clone(), why };
        io::copy(&mut self, &mut io::sink()).map_err(|e| Error::of_reading(&key, &e))?;
        let left = self.left;
        let mut stored = self.decoder.finish();
        // What lies behind the compressed data counts, too.
        io::copy(&mut stored, &mut io::sink()).map_err(|e| Error::of_reading(&key, &e))?;
        if left > 0 || stored.get_ref().hash() != self.named.sha256 {
            return Err(damaged("its bytes are not those that its commit names".to_owned()));
        }
        Ok(())
    }
}

impl Read for Unpacking<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(into)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!(
                "it unpacks to more than the {} bytes that its commit announces",
                self.named.unpacked_size
            ))
        })?;
        Ok(read)
    }
}
