//! Files of the tree that no row knows, and whose they are.
//!
//! A state that was lost left them behind. A file is proved without its bytes being fetched: it is
//! hashed, and storage is asked for the head of the version alone. What proves it is the MD5 of the
//! whole; a size proves nothing by itself, and with a time only where the user says so. Before a run,
//! rows of an older state whose files are others by now are let go ([`review`]), so that everything
//! doubtful goes one way.

use crate::{
    mirror::{ErrorKind, OnDisk, Root},
    model::{DocumentId, RelPath},
    state::State,
    sync::{
        Fatal,
        decide::reservations::{InFlight, Reservations},
    },
};

/// The file in a folder that bears one of a document's names, reserved for it. The names that
/// show its id come first: such a file was hardly anybody else's.
pub(crate) fn file_of(
    root: &Root,
    names: &mut Reservations,
    state: &State,
    dir: &RelPath,
    entry: (&DocumentId, &InFlight),
) -> Result<Option<RelPath>, Fatal> {
    let (document, coming) = entry;
    let mut candidates: Vec<String> = names.of(coming.file_name(), document).take(3).collect();
    candidates.rotate_left(1);
    for name in candidates {
        let path = dir.join(&name).map_err(|e| Fatal::Internal(e.to_string()))?;
        match root.look(&path) {
            Ok(OnDisk::File(_)) if names.claim(state, &path, entry)? => return Ok(Some(path)),
            Ok(_) => {}
            // What can't be looked at is nobody's, and the publish says why.
            Err(error) if error.kind() == ErrorKind::Document => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
