//! Files that are written for a bag, in contrast to those that are copied into it.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek as _, Write},
    path::Path,
};

use super::Error;
use crate::{
    catalogue,
    mirror::{FileTarget, WriteOutcome, digest},
    model::{RelPath, Sha256},
    state,
};

/// A file of the bag.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) path: RelPath,
    pub(super) sha256: Sha256,
    pub(super) size: u64,
}

/// Writes files into a bag. Each is prepared in a folder outside of it, so that none is there in part.
pub(super) struct Files<'f> {
    pub(super) scratch: &'f Path,
    pub(super) target: &'f dyn FileTarget,
    /// The modification time of all of them, in nanoseconds since the epoch.
    pub(super) mtime: i64,
}

impl Files<'_> {
    /// Writes what `fill` writes.
    pub(super) fn put(
        &self,
        path: &str,
        fill: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), Error>,
    ) -> Result<Written, Error> {
        let failed = |error: io::Error| Error::Scratch(self.scratch.to_owned(), error);
        let path = RelPath::new(path).map_err(|e| state::Error::InvalidValue(e.to_string()))?;
        let mut file = tempfile::tempfile_in(self.scratch).map_err(failed)?;
        let mut out = BufWriter::new(&file);
        fill(&mut out).map_err(|error| match error {
            Error::Catalogue(catalogue::Error::Write(error)) => failed(error),
            other => other,
        })?;
        out.flush().map_err(failed)?;
        drop(out);
        let size = rewound(&mut file).map_err(failed)?;
        let sha256 = digest(&mut file, |_| Ok(())).map_err(failed)?;
        rewound(&mut file).map_err(failed)?;
        match self.target.writer().write_file(&path, &mut file, &sha256, self.mtime, &|| false)? {
            WriteOutcome::Written(_) => Ok(Written { path, sha256, size }),
            WriteOutcome::Different | WriteOutcome::Unreadable | WriteOutcome::Cancelled => {
                Err(failed(io::Error::other("the disk gave other bytes than were written")))
            }
        }
    }

    /// Writes the files of a folder, and of the folders in it.
    pub(super) fn put_folder(&self, from: &Path, to: &str) -> Result<Vec<Written>, Error> {
        let failed = |error: io::Error| Error::Scratch(from.to_owned(), error);
        let entries = fs::read_dir(from).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
        let mut written = Vec::new();
        for entry in entries {
            let path = format!("{to}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(failed)?.is_dir() {
                written.extend(self.put_folder(&entry.path(), &path)?);
                continue;
            }
            let mut file = File::open(entry.path()).map_err(failed)?;
            written.push(self.put(&path, |out| io::copy(&mut file, out).map(drop).map_err(failed))?);
        }
        Ok(written)
    }

    /// Writes a text.
    pub(super) fn put_text(&self, path: &str, text: &str) -> Result<Written, Error> {
        self.put(path, |out| Ok(out.write_all(text.as_bytes()).map_err(catalogue::Error::from)?))
    }
}

/// Goes to the beginning of a file, and returns its length.
fn rewound(file: &mut File) -> io::Result<u64> {
    file.rewind()?;
    Ok(file.metadata()?.len())
}
