//! Files of the tree without a row that may be a document's.
//!
//! A lost state leaves them behind. Such a file is reserved for the document whose name it has, and proved without
//! downloading its bytes ([`proof`](crate::sync::fetch::proof)). Before a run, [`review`](crate::sync::review) drops rows of
//! an older state whose files have changed since, so that every doubtful file is adopted in this one way.

use crate::{
    mirror::{ErrorKind, OnDisk, Root},
    model::{DocumentId, RelPath},
    state::State,
    sync::{
        Fatal,
        decide::reservations::{InFlight, Reservations},
    },
};

/// Reserves the file in a folder that has one of a document's names. Names that show its id come first, because such a file
/// is most likely its own.
pub(crate) fn reserve_file(
    root: &Root,
    reservations: &mut Reservations,
    state: &State,
    dir: &RelPath,
    document: &DocumentId,
    in_flight: &InFlight,
) -> Result<Option<RelPath>, Fatal> {
    let mut candidates: Vec<String> = reservations.names_of(in_flight.file_name(), document).take(3).collect();
    candidates.rotate_left(1);
    for name in candidates {
        let path = dir.join(&name).map_err(|e| Fatal::Internal(e.to_string()))?;
        match root.look(&path) {
            Ok(OnDisk::File(_)) if root.is_of_catalogue(&path) => {}
            Ok(OnDisk::File(_)) if reservations.reserve_path(state, &path, document, in_flight)? => {
                return Ok(Some(path));
            }
            Ok(_) => {}
            // Publishing meets the same error and reports it.
            Err(error) if error.kind() == ErrorKind::Document => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
