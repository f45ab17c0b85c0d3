//! What became of each listed document, and whether that makes a run complete.

/// What became of a document, by rank: of two, the higher one counts. A document without one is mirrored as listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// To be brought over. A run that ends early leaves some at that.
    Planned,
    /// Listed without a version, and nothing is held of it.
    NoVersion,
    /// Left out by a filter.
    Filtered,
    /// Left out because it was erased on request.
    Purged,
    /// Its file was there, and was proved.
    Adopted,
    /// New in the tree.
    Added,
    /// At another path.
    Moved,
    /// With another version.
    Updated,
    /// Not to be had, and somebody acknowledged that of this version.
    Acknowledged,
    /// Failed.
    Failed,
}

impl Change {
    /// Everything that can become of a document.
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

    /// Whether the run owes the document nothing: this is the one decision on what keeps a run from being complete.
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
    fn what_is_listed_and_not_brought_keeps_a_run_from_being_complete() {
        let owed: Vec<Change> = Change::ALL.into_iter().filter(|change| !change.is_settled()).collect();
        assert_eq!(owed, [Change::Planned, Change::Failed]);
    }
}
