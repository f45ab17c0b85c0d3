//! Where a document may go when it is renamed.

use crate::{
    model::{Listed, RelPath},
    naming,
    state::Known,
    sync::{Fatal, decide::reservations::Reservations},
};

/// How many names a mover may choose from.
const CANDIDATES: usize = 5;

/// Where a document may go: the name that it has, if its folder alone is another; else what its
/// own name gives. A name that the file system refuses is not kept.
pub(crate) fn candidates(
    reservations: &Reservations,
    item: &Listed,
    known: &Known,
    dir: &RelPath,
) -> Result<Vec<RelPath>, Fatal> {
    let kept = (item.file_name == known.file_name && item.folder == known.folder && item.binder == known.binder)
        .then(|| known.path.leaf().to_owned());
    // A name that still means the same keeps the form that it was given.
    let same_dir = known.path.parent().as_ref() == Some(dir);
    let kept = kept.or_else(|| {
        let renamed = naming::portable(&item.file_name) != naming::portable(&known.file_name);
        (same_dir && !renamed).then(|| known.path.leaf().to_owned())
    });
    let kept = kept.filter(|name| reservations.limit().takes(name));
    let given = reservations.of(&item.file_name, &item.id).take(CANDIDATES);
    kept.into_iter().chain(given).map(|name| dir.join(&name).map_err(|e| Fatal::Internal(e.to_string()))).collect()
}
