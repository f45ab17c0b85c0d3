//! Deletes bytes permanently. Nothing else in the mirror deletes published files.

use std::io;

use rustix::{fs::AtFlags, io::Errno};

use super::{Error, Mirror, sys};
use crate::{
    failpoints::{self, Point},
    model::{RelPath, Sha256},
};

impl Mirror {
    /// Deletes a file of the tree, and folders that become empty. Anything that is not a regular file, or is behind a link,
    /// stays, because the mirror did not create it.
    pub fn erase(&self, path: &RelPath) -> Result<(), Error> {
        let failed = |e: io::Error| Error::io("erase", path.as_str(), e);
        match self.root.folder_of(path) {
            Ok(dir) => match sys::look(&dir, path.leaf()).map_err(failed)? {
                sys::EntryKind::File(_) => {
                    rustix::fs::unlinkat(&dir, path.leaf(), AtFlags::empty()).map_err(|e| failed(e.into()))?;
                    failpoints::point(Point::Erased, path);
                    self.sync_folder(&dir, path.as_str())?;
                }
                // An earlier crash may have left its folder.
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

    /// Deletes an object. Returns its size; `None` if there was none.
    pub fn drop_object(&self, sha256: &Sha256) -> Result<Option<u64>, Error> {
        let hex = sha256.hex();
        let object_dir = match sys::open_folder(&self.state_dir.objects, &hex[..2]) {
            Ok(object_dir) => object_dir,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(Error::io("open the folder of the object", &hex, error)),
        };
        let sys::EntryKind::File(stamp) = sys::look(&object_dir, &hex).map_err(|e| Error::io("look at", &hex, e))?
        else {
            return Ok(None);
        };
        rustix::fs::unlinkat(&object_dir, &*hex, AtFlags::empty())
            .map_err(|e| Error::io("delete the object", &hex, e))?;
        failpoints::point(Point::Freed, &hex);
        self.sync_folder(&object_dir, &hex)?;
        Ok(Some(stamp.size))
    }
}
