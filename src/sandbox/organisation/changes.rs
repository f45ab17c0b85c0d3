//! What a day changed, counted by kind.

/// Documents and folders that the last day of a generated organisation changed.
///
/// No document counts under two kinds, except that `moved_between_binders` is a part of `moved`.
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
    /// Documents that are gone.
    pub removed: usize,
    /// Documents that are new.
    pub added: usize,
    /// Folders with a new name.
    pub folders_renamed: usize,
    /// Documents whose path changed because a folder above them was renamed, and for no other reason.
    pub below_renamed_folders: usize,
}
