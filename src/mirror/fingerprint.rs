//! Identifies the content of existing files, and rescues unknown bytes below `tmp/`.

use std::collections::HashSet;

use super::{ContentLocation, Error, Mirror, objects::has_undamaged, read::digests, sys};
use crate::model::{RelPath, STATE_FOLDER, Sha256, Stamp};

/// A file of the tree with all hashes that can prove its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// The file's stamp, which did not change while it was read.
    pub stamp: Stamp,
    /// The hash used in the state.
    pub sha256: Sha256,
    /// The hash that storage may announce.
    pub md5: [u8; 16],
}

impl Mirror {
    /// Reads a file of the tree; `None` if it is missing or changed while it was read.
    pub fn fingerprint(&self, path: &RelPath) -> Result<Option<Fingerprint>, Error> {
        let Some(mut file) = self.root.read(ContentLocation::Tree(path))? else { return Ok(None) };
        let failed = |e| Error::io("read", path.as_str(), e);
        let before = sys::stamp_of(&file).map_err(failed)?;
        let digests = digests(&mut file).map_err(failed)?;
        // The file may not have been synced when it was put here. Where possible the batch's barrier does.
        if self.syncs_each() {
            file.sync_all().map_err(|e| Error::io("sync", path.as_str(), e))?;
        }
        let stamp = sys::stamp_of(&file).map_err(failed)?;
        let whole = digests.md5().filter(|_| stamp == before);
        Ok(whole.map(|md5| Fingerprint { stamp, sha256: digests.sha256(), md5 }))
    }

    /// Whether `objects/` has these bytes, undamaged.
    pub fn holds(&self, sha256: &Sha256) -> Result<bool, Error> {
        let hex = sha256.hex();
        match sys::open_folder(&self.state_dir.objects, &hex[..2]) {
            Ok(object_dir) => has_undamaged(&object_dir, &hex),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            Err(error) => Err(Error::io("open the folder of", format!("{STATE_FOLDER}/objects/{hex}"), error)),
        }
    }

    /// Moves old bytes below `tmp/` into `objects/`, except for `wanted` files: when a state was lost, so were the intents
    /// that knew of them. Returns their number.
    pub fn rescue<E: From<Error>>(
        &self,
        wanted: &HashSet<String>,
        is_old: impl Fn(&Stamp) -> Result<bool, E>,
    ) -> Result<u64, E> {
        let mut rescued = 0;
        for name in self.names_in_tmp()?.into_iter().filter(|name| !wanted.contains(name)) {
            let (dir, leaf) = self.state_dir.tmp(&name)?;
            let look = sys::look(dir, leaf).map_err(|e| Error::io("look at", &name, e))?;
            if let sys::EntryKind::File(stamp) = look
                && stamp.size > 0
                && is_old(&stamp)?
            {
                self.hold(&name, None)?;
                rescued += 1;
            }
        }
        if rescued > 0 {
            self.barrier()?;
        }
        Ok(rescued)
    }
}
