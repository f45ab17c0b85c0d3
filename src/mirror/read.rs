//! Reads files of the tree and objects.

use std::{fs::File, io, io::Read as _};

use rustix::{
    fd::OwnedFd,
    fs::{Mode, OFlags},
    io::Errno,
};

use crate::{
    mirror::{Error, Root, digests::Digests, io_counter, sys},
    model::{CATALOGUE_HEAD, RelPath, STATE_FOLDER, Sha256, Stamp, catalogue_head},
};

/// Size of one read.
const PIECE: usize = 256 * 1024;

/// Where bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentLocation<'p> {
    /// In the tree.
    Tree(&'p RelPath),
    /// In `objects/`.
    Object(&'p Sha256),
}

impl Root {
    /// Opens a regular file of the tree, or an object; `None` if it is missing. The caller must check the bytes.
    pub fn read(&self, place: ContentLocation<'_>) -> Result<Option<File>, Error> {
        match place {
            ContentLocation::Tree(path) => {
                let dir = match self.folder_of(path) {
                    Ok(dir) => dir,
                    Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                };
                match sys::look(&dir, path.leaf()).map_err(|e| Error::io("look at", path.as_str(), e))? {
                    sys::EntryKind::Nothing => return Ok(None),
                    sys::EntryKind::File(_) => {}
                    sys::EntryKind::Other(what) => return Err(Error::InTheWay { path: path.to_string(), what }),
                }
                found(open(&dir, path.leaf()), path.as_str())
            }
            ContentLocation::Object(sha256) => {
                let hex = sha256.hex();
                let object_dir = sys::open_folder(self.handle(), &format!("{STATE_FOLDER}/objects/{}", &hex[..2]));
                found(object_dir.and_then(|object_dir| open(&object_dir, &hex)), &hex)
            }
        }
    }
}

impl Root {
    /// Opens a file in the state folder; `None` if it is missing. The caller must check the bytes.
    pub fn open_state_file(&self, name: &str) -> Result<Option<File>, Error> {
        let file = sys::open_folder(self.handle(), STATE_FOLDER).and_then(|folder| open(&folder, name));
        found(file, name)
    }

    /// The first bytes of a file of the tree, at most `most`; `None` if it is missing.
    pub fn sample(&self, path: &RelPath, most: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.read(ContentLocation::Tree(path))? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(most);
        file.take(most as u64).read_to_end(&mut bytes).map_err(|e| Error::io("read", path.as_str(), e))?;
        Ok(Some(bytes))
    }
}

impl Root {
    /// Whether a file of the tree is one of the catalogue's: by its name and its first bytes.
    pub fn is_of_catalogue(&self, path: &RelPath) -> bool {
        let Some(head) = catalogue_head(path.as_str()) else { return false };
        let sample = self.sample(path, CATALOGUE_HEAD);
        matches!(sample, Ok(Some(bytes)) if bytes.starts_with(head.as_bytes()))
    }
}

fn found(file: rustix::io::Result<File>, name: &str) -> Result<Option<File>, Error> {
    match file {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(Error::io("open", name, error)),
    }
}

/// Opens a file for reading. Follows no link, and doesn't block on a pipe.
pub(super) fn open(dir: &OwnedFd, name: &str) -> rustix::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?.into())
}

/// The stamp of an open file.
pub fn stamp_of(file: &File) -> io::Result<Stamp> {
    sys::stamp_of(file)
}

/// Reads an open file to its end, passes the bytes on piece by piece, and returns their hash.
pub fn digest(file: &mut File, each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Sha256> {
    digest_with(&mut vec![0; PIECE], file, each)
}

/// The same with the caller's buffer, for reading many files.
pub fn digest_with(
    buffer: &mut [u8],
    file: &mut File,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Sha256> {
    let mut digests = Digests::new(false);
    read_all(buffer, file, |piece| {
        digests.update(piece);
        each(piece)
    })?;
    Ok(digests.sha256())
}

/// The hashes of an open file from where it is to its end, with its MD5.
pub(super) fn digests(file: &mut File) -> io::Result<Digests> {
    let mut digests = Digests::new(true);
    read_all(&mut vec![0; PIECE], file, |piece| {
        digests.update(piece);
        Ok(())
    })?;
    Ok(digests)
}

fn read_all(buffer: &mut [u8], file: &mut File, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    sys::read_ahead(&*file);
    loop {
        match file.read(buffer)? {
            0 => return Ok(()),
            read => {
                io_counter::count(read);
                each(&buffer[..read])?;
            }
        }
    }
}
