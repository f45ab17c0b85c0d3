//! The result for each listed document, and whether it allows a run to be complete.

/// The result for a document, by rank: the higher of two counts. A document without one is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// To be downloaded; left at that by a run that ends early.
    Planned,
    /// Listed without a version, and never mirrored.
    NoVersion,
    /// Excluded by a filter.
    Filtered,
    /// Excluded because it was purged.
    Purged,
    /// Its existing file was adopted.
    Adopted,
    /// New in the tree.
    Added,
    /// Moved or renamed.
    Moved,
    /// Has a new version.
    Updated,
    /// Unavailable, and acknowledged for this version.
    Acknowledged,
    /// Failed.
    Failed,
}

impl Change {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 10] = [
        Self::Planned,
        Self::NoVersion,
        Self::Filtered,
        Self::Purged,
        Self::Adopted,
        Self::Added,
        Self::Moved,
        Self::Updated,
        Self::Acknowledged,
        Self::Failed,
    ];

    /// Whether a run with this result can be complete; decided only here.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Planned | Self::Failed => false,
            Self::Adopted
            | Self::Added
            | Self::Moved
            | Self::Updated
            | Self::NoVersion
            | Self::Filtered
            | Self::Purged
            | Self::Acknowledged => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_document_that_is_missing_prevents_a_complete_run() {
        let owed: Vec<Change> = Change::ALL.into_iter().filter(|change| !change.is_settled()).collect();
        assert_eq!(owed, [Change::Planned, Change::Failed]);
    }
}
