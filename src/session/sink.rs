//! Writes a requested file, or to standard output.

use std::{
    fs::{self, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{
    mirror::{Root, is_inside},
    session::Error,
};

/// The size of the buffer in bytes.
const PIECE: usize = 256 << 10;

/// The target. A file gets its name when it is complete.
pub(crate) enum Sink {
    Standard(BufWriter<io::Stdout>),
    File { new: BufWriter<NamedTempFile>, path: PathBuf, mode: Option<Permissions> },
}

impl Sink {
    /// A file outside of the mirror, or standard output without a path.
    pub(crate) fn open(path: Option<&Path>, mirror: &Root) -> Result<Self, Error> {
        let Some(given) = path else { return Ok(Self::Standard(BufWriter::with_capacity(PIECE, io::stdout()))) };
        let cannot = |error: io::Error| Error::Output(given.to_owned(), error);
        let refused = |why: &str| Error::Output(given.to_owned(), io::Error::new(io::ErrorKind::InvalidInput, why));
        // A symbolic link stays; its target is replaced.
        let path = given.canonicalize().or_else(|_| std::path::absolute(given)).map_err(cannot)?;
        if is_inside(&path, mirror)? {
            return Err(refused("it is inside the mirror, which must contain nothing but iBinder's documents"));
        }
        let mode = match fs::metadata(&path) {
            Ok(found) if !found.is_file() => return Err(refused("it exists and is not a regular file")),
            Ok(found) => Some(found.permissions()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(cannot(error)),
        };
        let folder = path.parent().unwrap_or(&path);
        let new = tempfile::Builder::new()
            .prefix(".ibinder-export-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(cannot)?;
        Ok(Self::File { new: BufWriter::with_capacity(PIECE, new), path, mode })
    }

    pub(crate) fn writer(&mut self) -> &mut (dyn Write + Send) {
        match self {
            Self::Standard(out) => out,
            Self::File { new, .. } => new,
        }
    }

    /// Everything was written. Returns the path of a file.
    pub(crate) fn finish(self) -> Result<Option<PathBuf>, Error> {
        match self {
            Self::Standard(mut out) => match out.flush() {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(Error::Output(PathBuf::from("standard output"), error))
                }
                _ => Ok(None),
            },
            Self::File { new, path, mode } => {
                let cannot = |error: io::Error| Error::Output(path.clone(), error);
                let new = new.into_inner().map_err(|error| cannot(error.into_error()))?;
                if let Some(mode) = mode {
                    new.as_file().set_permissions(mode).map_err(cannot)?;
                }
                new.as_file().sync_all().map_err(cannot)?;
                new.persist(&path).map_err(|error| cannot(error.error))?;
                Ok(Some(path))
            }
        }
    }
}
