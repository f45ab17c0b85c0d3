//! What one listed document needs.

/// What a look at the document's file found, compared with the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// As it was published.
    AsPublished,
    /// Somebody changed or replaced it.
    Changed,
    /// It is gone.
    Missing,
}

/// What is known of a mirrored document, compared with what was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFacts {
    /// Whether the listed version is the mirrored one; true where none was given.
    pub same_version: bool,
    /// Whether it is listed where, and as what, its file is.
    pub same_place: bool,
    /// Its file.
    pub file: FileState,
}

/// Everything that the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// None: never mirrored, or removed.
    pub known: Option<KnownFacts>,
    /// Whether the filters let it through.
    pub wanted: bool,
    /// Whether the service named a version.
    pub has_version: bool,
}

/// What a document needs. Moves come on top and are decided when all binders were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leave it out, and leave what there is of it as it is.
    Filter,
    /// Nothing can be fetched, since the service names no version; warn.
    NoVersion,
    /// Bring it over.
    Add,
    /// Bring the new version over, and hold the old one.
    Update,
    /// The file is missing from the tree: bring the same version over again.
    BringBack,
    /// Its file stays.
    Keep {
        /// Somebody changed the file: warn.
        changed: bool,
        /// It is listed in another place, or under another name.
        moved: bool,
    },
}

/// The truth table.
pub fn decide(facts: Facts) -> Action {
    let Facts { known, wanted, has_version } = facts;
    match (known, wanted, has_version) {
        (_, false, _) => Action::Filter,
        (None, true, false) => Action::NoVersion,
        (None, true, true) => Action::Add,
        // A missing version keeps what is held.
        (Some(known), true, has_version) => match (known.same_version || !has_version, known.file) {
            (false, _) => Action::Update,
            (true, FileState::Missing) if has_version => Action::BringBack,
            (true, FileState::Missing) => Action::NoVersion,
            (true, file) => Action::Keep { changed: file == FileState::Changed, moved: !known.same_place },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Add, BringBack, Filter, Keep, NoVersion, Update};
    use FileState::{AsPublished, Changed, Missing};

    #[test]
    fn the_truth_table() {
        let known = |same_version, same_place, file| Some(KnownFacts { same_version, same_place, file });
        #[rustfmt::skip]
        let table = [
            // known                            wanted has_version
            (None,                              true,  true,  Add),
            (None,                              true,  false, NoVersion),
            (None,                              false, true,  Filter),
            (known(true,  true,  AsPublished),  true,  true,  Keep { changed: false, moved: false }),
            (known(true,  false, AsPublished),  true,  true,  Keep { changed: false, moved: true }),
            (known(true,  true,  Changed),      true,  true,  Keep { changed: true, moved: false }),
            (known(true,  true,  Missing),      true,  true,  BringBack),
            (known(true,  false, Missing),      true,  true,  BringBack),
            (known(false, true,  AsPublished),  true,  true,  Update),
            (known(false, false, Changed),      true,  true,  Update),
            (known(false, true,  Missing),      true,  true,  Update),
            // No version named: what is held is kept.
            (known(true,  true,  AsPublished),  true,  false, Keep { changed: false, moved: false }),
            (known(false, true,  AsPublished),  true,  false, Keep { changed: false, moved: false }),
            (known(true,  true,  Missing),      true,  false, NoVersion),
            // A filter never touches what is mirrored.
            (known(false, false, Missing),      false, true,  Filter),
            (known(true,  true,  AsPublished),  false, true,  Filter),
        ];
        for (known, wanted, has_version, expected) in table {
            let facts = Facts { known, wanted, has_version };
            assert_eq!(decide(facts), expected, "{facts:?}");
        }
    }
}
