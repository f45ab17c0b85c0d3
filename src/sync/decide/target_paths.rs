//! The paths that a renamed document may get.

use crate::{
    model::{Listed, RelPath},
    naming,
    state::Known,
    sync::{Fatal, decide::reservations::Reservations},
};

/// How many names are tried for one document.
const CANDIDATES: usize = 5;

/// The paths that a document may get, best first. It keeps its name if only its folder changed and the file system accepts
/// the name.
pub(crate) fn candidates(
    reservations: &Reservations,
    item: &Listed,
    known: &Known,
    dir: &RelPath,
) -> Result<Vec<RelPath>, Fatal> {
    let kept = (item.file_name == known.file_name && item.folder == known.folder && item.binder == known.binder)
        .then(|| known.path.leaf().to_owned());
    // A name whose portable form didn't change keeps its `[id]`, if it has one.
    let same_dir = known.path.parent().as_ref() == Some(dir);
    let kept = kept.or_else(|| {
        let renamed = naming::portable(&item.file_name) != naming::portable(&known.file_name);
        (same_dir && !renamed).then(|| known.path.leaf().to_owned())
    });
    let is_reserved = |name: &str| naming::is_reserved(&naming::key(&format!("{dir}/{name}")));
    let kept = kept.filter(|name| reservations.limit().takes(name) && (same_dir || !is_reserved(name)));
    let names = reservations.names_of(&item.file_name, &item.id);
    let given = names.filter(|name| !is_reserved(name)).take(CANDIDATES);
    kept.into_iter().chain(given).map(|name| dir.join(&name).map_err(|e| Fatal::Internal(e.to_string()))).collect()
}
