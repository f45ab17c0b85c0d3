//! The bytes of replaced and removed versions, stored under the hash of their actual content.
//!
//! An object is never written in place: bytes enter by a rename from `tmp/`, and leave as a copy. A file with other hard
//! links is copied, so that no edit through another name can reach the object.

use std::{fs::File, io, io::Read as _};

use rustix::{fd::OwnedFd, fs::AtFlags, io::Errno};

use crate::{
    failpoints::{self, Point},
    mirror::{
        ContentLocation, Error, ErrorKind, Mirror, Stage,
        read::{digest, open},
        state_dir, sys,
    },
    model::{Outgoing, RelPath, Sha256, Staged},
};

/// Hashes an open file to its end.
fn hash(file: &mut File) -> io::Result<Sha256> {
    digest(file, |_| Ok(()))
}

/// Whether an object exists with the bytes that its name promises; `false` if it is damaged or unreadable.
pub(super) fn has_undamaged(object_dir: &OwnedFd, hex: &str) -> Result<bool, Error> {
    match open(object_dir, hex) {
        Ok(mut file) => Ok(hash(&mut file).is_ok_and(|found| found.hex() == hex)),
        Err(Errno::NOENT | Errno::LOOP | Errno::ACCESS | Errno::PERM) => Ok(false),
        Err(error) => Err(Error::io("open the object", hex, error)),
    }
}

impl Mirror {
    /// The actual content of a file of the tree, before it is taken out; `None` if it is missing.
    pub fn outgoing(&self, path: &RelPath) -> Result<Option<Outgoing>, Error> {
        let Some(mut file) = self.root.read(ContentLocation::Tree(path))? else { return Ok(None) };
        let sha256 = hash(&mut file).map_err(|e| Error::io("read", path.as_str(), e))?;
        let stamp = sys::stamp_of(&file).map_err(|e| Error::io("look at", path.as_str(), e))?;
        Ok(Some(Outgoing { stamp, sha256 }))
    }

    /// Moves a file below `tmp/` into `objects/`. `expected` is its last known content, which is believed while its stamp
    /// is the same.
    pub(super) fn hold(&self, name: &str, expected: Option<&Outgoing>) -> Result<Outgoing, Error> {
        let (dir, leaf) = self.state_dir.tmp(name)?;
        let mut file = open(dir, leaf).map_err(|e| Error::io("open", name, e))?;
        let stamp = sys::stamp_of(&file).map_err(|e| Error::io("look at", name, e))?;
        let sha256 = match expected {
            Some(known) if known.stamp == stamp => known.sha256,
            _ => hash(&mut file).map_err(|e| Error::io("read", name, e))?,
        };
        let hex = sha256.hex();
        let object_dir = state_dir::make(&self.state_dir.objects, &hex[..2], 0o700)?;
        let shared = rustix::fs::fstat(&file).map_err(|e| Error::io("look at", name, e))?.st_nlink > 1;
        if has_undamaged(&object_dir, &hex)? {
            rustix::fs::unlinkat(dir, leaf, AtFlags::empty()).map_err(|e| Error::io("remove", name, e))?;
        } else if shared {
            let copy = self.copy_to_tmp(&mut file)?;
            let (from, copied) = self.state_dir.tmp(&copy.name)?;
            rustix::fs::renameat(from, copied, &object_dir, &hex).map_err(|e| Error::io("keep the object", &hex, e))?;
            failpoints::point(Point::CopiedOut, format_args!("{hex}\t{}", copy.name));
            rustix::fs::unlinkat(dir, leaf, AtFlags::empty()).map_err(|e| Error::io("remove", name, e))?;
        } else {
            rustix::fs::renameat(dir, leaf, &object_dir, &hex).map_err(|e| Error::io("keep the object", &hex, e))?;
        }
        failpoints::point(Point::Held, format_args!("{hex}\t{name}"));
        self.sync_folder(&object_dir, &hex)?;
        self.sync_folder(&self.state_dir.objects, "objects")?;
        Ok(Outgoing { stamp, sha256 })
    }

    /// Copies an object to `tmp/`, ready to be published; `None` if it is missing or damaged.
    pub fn stage_object(&self, sha256: &Sha256, mtime: Option<jiff::Timestamp>) -> Result<Option<Staged>, Error> {
        self.stage_copy(ContentLocation::Object(sha256), sha256, mtime)
    }

    /// Copies bytes from anywhere in the mirror to `tmp/`; `None` if they are missing or have another hash.
    pub fn stage_copy(
        &self,
        place: ContentLocation<'_>,
        sha256: &Sha256,
        mtime: Option<jiff::Timestamp>,
    ) -> Result<Option<Staged>, Error> {
        let mut file = match self.root.read(place) {
            Ok(Some(file)) => file,
            // Unreadable bytes count as missing, since the service may still have them.
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Document => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut stage = Stage::create(self, false)?;
        match copy(&mut file, &mut stage) {
            Err(error) if error.kind() == ErrorKind::Document => return Ok(None),
            other => other?,
        }
        let staged = stage.finish(mtime)?;
        if staged.sha256 == *sha256 {
            return Ok(Some(staged));
        }
        self.discard(&staged.name)?;
        Ok(None)
    }

    /// Turns staged bytes into an object, replacing a missing or damaged one.
    pub fn repair_object(&self, staged: &Staged) -> Result<(), Error> {
        // The bytes first: the name must never be durable before them.
        self.barrier()?;
        self.put_object(staged)?;
        self.barrier()
    }

    /// Gives staged bytes their name in `objects/`, replacing a missing or damaged object. There must have been a barrier since they
    /// were staged, and the next one makes the name durable.
    pub fn put_object(&self, staged: &Staged) -> Result<(), Error> {
        let hex = staged.sha256.hex();
        let object_dir = state_dir::make(&self.state_dir.objects, &hex[..2], 0o700)?;
        let (dir, leaf) = self.named(staged)?;
        rustix::fs::renameat(dir, leaf, &object_dir, &hex).map_err(|e| Error::io("keep the object", &hex, e))?;
        failpoints::point(Point::Held, format_args!("{hex}\t{}", staged.name));
        self.sync_folder(&object_dir, &hex)?;
        self.sync_folder(&self.state_dir.objects, "objects")
    }

    /// Makes a copy that is durable at once, because its source may be deleted right after.
    pub(super) fn copy_to_tmp(&self, file: &mut File) -> Result<Staged, Error> {
        rustix::fs::seek(&*file, rustix::fs::SeekFrom::Start(0)).map_err(|e| Error::io("rewind", "tmp", e))?;
        let mut stage = Stage::create(self, false)?.synced();
        copy(file, &mut stage)?;
        stage.finish(None)
    }
}

fn copy(from: &mut File, to: &mut Stage) -> Result<(), Error> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match from.read(&mut buffer).map_err(|e| Error::io("read", "objects", e))? {
            0 => return Ok(()),
            read => to.write(&buffer[..read])?,
        }
    }
}
