//! Where a document may go when it is renamed.

use crate::{
    model::{Listed, RelPath},
    naming,
    state::Known,
    sync::Fatal,
};

/// How many names a mover may choose from.
const CANDIDATES: usize = 5;

/// Where a document may go: the name that it has, if its folder alone is another; else what its
/// own name gives.
pub(crate) fn candidates(item: &Listed, known: &Known, dir: &RelPath) -> Result<Vec<RelPath>, Fatal> {
    let kept = (item.file_name == known.file_name && item.folder == known.folder && item.binder == known.binder)
        .then(|| known.path.leaf().to_owned());
    // A name that still means the same keeps the form that it was given.
    let same_dir = known.path.parent().as_ref() == Some(dir);
    let kept = kept.or_else(|| {
        let renamed = naming::portable(&item.file_name) != naming::portable(&known.file_name);
        (same_dir && !renamed).then(|| known.path.leaf().to_owned())
    });
    let names = naming::document_names(&item.file_name, &item.id).take(CANDIDATES);
    kept.into_iter().chain(names).map(|name| dir.join(&name).map_err(|e| Fatal::Internal(e.to_string()))).collect()
}
