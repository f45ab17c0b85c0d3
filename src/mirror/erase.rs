//! Letting bytes go for good. Nothing else of the mirror deletes what it once published.

use std::io;

use rustix::{fs::AtFlags, io::Errno};

use super::{Error, Mirror, sys};
use crate::{
    failpoints::{self, Point},
    model::{RelPath, Sha256},
};

impl Mirror {
    /// Deletes a file of the tree, and the folders that it leaves empty. What is no regular file, or
    /// lies behind a link, stays: the mirror did not put it there.
    pub fn erase(&self, path: &RelPath) -> Result<(), Error> {
        let failed = |e: io::Error| Error::io("erase", path.as_str(), e);
        match self.root.folder_of(path) {
            Ok(dir) => match sys::look(&dir, path.leaf()).map_err(failed)? {
                sys::EntryKind::File(_) => {
                    rustix::fs::unlinkat(&dir, path.leaf(), AtFlags::empty()).map_err(|e| failed(e.into()))?;
                    failpoints::point(Point::Erased, path);
                    self.sync_folder(&dir, path.as_str())?;
                }
                // A crash may have come before its folder was removed.
                sys::EntryKind::Nothing => {}
                sys::EntryKind::Other(_) => return Ok(()),
            },
            Err(Error::InTheWay { .. }) => return Ok(()),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if let Some(parent) = path.parent() {
            self.root.prune(&parent)?;
        }
        Ok(())
    }

    /// Deletes an object. Returns its size; none where there was none.
    pub fn drop_object(&self, sha256: &Sha256) -> Result<Option<u64>, Error> {
        let hex = sha256.hex();
        let shelf = match sys::open_folder(&self.area.objects, &hex[..2]) {
            Ok(shelf) => shelf,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(Error::io("open the folder of the object", &hex, error)),
        };
        let sys::EntryKind::File(stamp) = sys::look(&shelf, &hex).map_err(|e| Error::io("look at", &hex, e))? else {
            return Ok(None);
        };
        rustix::fs::unlinkat(&shelf, &*hex, AtFlags::empty())
            .map_err(|e| Error::io("let go of the object", &hex, e))?;
        failpoints::point(Point::Freed, &hex);
        self.sync_folder(&shelf, &hex)?;
        Ok(Some(stamp.size))
    }
}
