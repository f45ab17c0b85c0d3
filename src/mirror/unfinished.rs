//! A folder that is filled over several attempts: a file in it says with what, until it is complete.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

use super::{Error, Target, read, target::refused};

/// The file. No document's path is only this name.
const MARK: &str = ".ibinder-sync-unfinished";

/// The most that is read of it, in bytes.
const LONGEST: u64 = 64 << 10;

impl Target {
    /// Opens an empty folder, or continues one that an earlier attempt began to fill with the same. `what` tells whether it is.
    pub fn open_or_resume(path: &Path, what: &str) -> Result<Self, Error> {
        if path.join(MARK).symlink_metadata().is_err() {
            let target = Self::open_empty(path)?;
            target.mark(what)?;
            return Ok(target);
        }
        let target = Self::begin(path, true)?;
        if target.marked()? != what.as_bytes() {
            return Err(refused(
                path,
                "has the files of another restore that was not finished: give it the same options again, or another folder",
            ));
        }
        Ok(target)
    }

    fn mark(&self, what: &str) -> Result<(), Error> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.root().handle(), MARK, flags, Mode::from_bits_truncate(0o666));
        let written = file.map_err(Into::into).and_then(|file| File::from(file).write_all(what.as_bytes()));
        written.map_err(|e| Error::io("write", MARK, e))
    }

    fn marked(&self) -> Result<Vec<u8>, Error> {
        let failed = |e| Error::io("read", MARK, e);
        let file = read::open(self.root().handle(), MARK).map_err(|e| failed(e.into()))?;
        let mut found = Vec::new();
        file.take(LONGEST).read_to_end(&mut found).map_err(failed)?;
        Ok(found)
    }

    /// Says that the folder is complete.
    pub fn complete(&self) -> Result<(), Error> {
        match rustix::fs::unlinkat(self.root().handle(), MARK, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(Error::io("delete", MARK, error)),
        }
    }
}
