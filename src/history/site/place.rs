//! A catalogue, and where it is.

use super::{pair::Pair, record, survey::Surveyed};
use crate::{
    history::Error,
    mirror::{Mirror, Root, Shelf},
    model::{CATALOGUE_DATA, RelPath},
    site::SiteOptions,
    state::State,
};

/// Where a catalogue is.
pub enum SitePlace<'p> {
    /// At the top of the tree, and in the folders of binders.
    Mirror(&'p Mirror),
    /// Outside of the mirror.
    Elsewhere {
        /// The mirror.
        root: &'p Root,
        /// The catalogue's folder.
        shelf: &'p Shelf<'p>,
        /// The way from there to the tree's root: empty, or it ends in `/`.
        way: String,
    },
}

/// A catalogue.
pub struct Site<'s> {
    pub(super) state: &'s State,
    pub(super) place: SitePlace<'s>,
    pub(super) options: SiteOptions,
}

impl<'s> Site<'s> {
    /// A catalogue with these options. Outside of the mirror, it has no part for each binder.
    pub fn new(state: &'s State, place: SitePlace<'s>, options: &SiteOptions) -> Self {
        let per_binder = options.per_binder && matches!(place, SitePlace::Mirror(_));
        Self { state, place, options: SiteOptions { per_binder, ..options.clone() } }
    }

    /// The catalogue that a mirror has, as it was last written; `None` if it has none. One that was deleted is none, whatever
    /// the state remembers.
    pub fn existing(state: &'s State, mirror: &'s Mirror) -> Result<Option<Self>, Error> {
        if Pair::open(top(mirror)?)?.previous.start.is_none() {
            return Ok(None);
        }
        // Its record may be lost with a newer state.
        let options = record::read(state)?.map(|record| record.options).unwrap_or_default();
        Ok(Some(Self::new(state, SitePlace::Mirror(mirror), &options)))
    }

    /// The page and data of all binders, or of one.
    pub(super) fn pair(&self, binder: Option<&Surveyed>) -> Result<Option<Pair<'_>>, Error> {
        let shelf = match (&self.place, binder) {
            (SitePlace::Mirror(mirror), None) => Some(top(mirror)?),
            (SitePlace::Mirror(mirror), Some(binder)) => RelPath::new(&binder.summary.folder)
                .ok()
                .map(|path| Shelf::of_mirror(mirror, Some(&path)))
                .transpose()?
                .flatten(),
            (SitePlace::Elsewhere { shelf, .. }, _) => Some(shelf.again()?),
        };
        let Some(shelf) = shelf else { return Ok(None) };
        if let Some(path) = shelf.obstacle()? {
            return Err(Error::CatalogueObstacle(path));
        }
        Pair::open(shelf).map(Some)
    }

    pub(super) fn root(&self) -> &Root {
        match &self.place {
            SitePlace::Mirror(mirror) => mirror.root(),
            SitePlace::Elsewhere { root, .. } => root,
        }
    }
}

fn top(mirror: &Mirror) -> Result<Shelf<'_>, Error> {
    let missing = || Error::CatalogueObstacle(CATALOGUE_DATA.to_owned());
    Shelf::of_mirror(mirror, None)?.ok_or_else(missing)
}
