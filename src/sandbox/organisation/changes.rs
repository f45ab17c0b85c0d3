//! Counts the changes of a day by kind.

/// Documents and folders changed by the last day of a generated organisation.
///
/// No document counts as two kinds, except that `moved_between_binders` is a part of `moved`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayChanges {
    /// Documents with a new version.
    pub revised: usize,
    /// Documents with a new name.
    pub renamed: usize,
    /// Documents in another folder.
    pub moved: usize,
    /// Moved documents that changed their binder.
    pub moved_between_binders: usize,
    /// Removed documents.
    pub removed: usize,
    /// New documents.
    pub added: usize,
    /// Folders with a new name.
    pub folders_renamed: usize,
    /// Documents whose path changed only because a folder above them was renamed.
    pub below_renamed_folders: usize,
}
