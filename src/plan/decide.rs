//! What a listed document needs.

/// The state of the document's file, compared with its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// As it was published.
    AsPublished,
    /// Somebody changed or replaced it.
    Changed,
    /// It is missing.
    Missing,
}

/// A mirrored document's record compared with its listing entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFacts {
    /// Whether the listed version is the mirrored one; `true` if none was listed.
    pub same_version: bool,
    /// Whether it is listed at the folder and name of its file.
    pub same_place: bool,
    /// Its file.
    pub file: FileState,
}

/// Everything that the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// `None` if it was never mirrored, or was removed.
    pub known: Option<KnownFacts>,
    /// Whether it passes the filters.
    pub wanted: bool,
    /// Whether the service named a version.
    pub has_version: bool,
}

/// What a document needs. Moves are decided separately, after all binders were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Skip it, and leave its file unchanged.
    Filter,
    /// Warn that it can't be downloaded, since the service names no version.
    NoVersion,
    /// Download it.
    Add,
    /// Download the new version, and keep the old one.
    Update,
    /// Download the same version again, because its file is missing.
    Restore,
    /// Keep its file.
    Keep {
        /// Somebody changed the file: warn.
        changed: bool,
        /// It is listed in another folder, or under another name.
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
        // Without a listed version, the mirrored one stays.
        (Some(known), true, has_version) => match (known.same_version || !has_version, known.file) {
            (false, _) => Action::Update,
            (true, FileState::Missing) if has_version => Action::Restore,
            (true, FileState::Missing) => Action::NoVersion,
            (true, file) => Action::Keep { changed: file == FileState::Changed, moved: !known.same_place },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Add, Filter, Keep, NoVersion, Restore, Update};
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
            (known(true,  true,  Missing),      true,  true,  Restore),
            (known(true,  false, Missing),      true,  true,  Restore),
            (known(false, true,  AsPublished),  true,  true,  Update),
            (known(false, false, Changed),      true,  true,  Update),
            (known(false, true,  Missing),      true,  true,  Update),
            // Without a listed version, the mirrored one stays.
            (known(true,  true,  AsPublished),  true,  false, Keep { changed: false, moved: false }),
            (known(false, true,  AsPublished),  true,  false, Keep { changed: false, moved: false }),
            (known(true,  true,  Missing),      true,  false, NoVersion),
            // A filter never touches a mirrored document.
            (known(false, false, Missing),      false, true,  Filter),
            (known(true,  true,  AsPublished),  false, true,  Filter),
        ];
        for (known, wanted, has_version, expected) in table {
            let facts = Facts { known, wanted, has_version };
            assert_eq!(decide(facts), expected, "{facts:?}");
        }
    }
}
