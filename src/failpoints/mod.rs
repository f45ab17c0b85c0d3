//! Named points between received bytes and a committed row, at which a test can kill the process.
//!
//! Points only exist with the feature `crash-points`, which the tests turn on, and only do something once a test's own
//! process installs a watcher; no flag and no variable can. The watcher also sees in which order the disk changed, so
//! that a test can simulate a power cut.

use std::fmt::Display;

/// Called at each point.
#[cfg(feature = "crash-points")]
pub type Watcher = Box<dyn Fn(Point, &dyn Display) + Send + Sync>;

#[cfg(feature = "crash-points")]
static WATCHER: std::sync::OnceLock<Watcher> = std::sync::OnceLock::new();

/// Installs the process's watcher. Only the first one counts.
#[cfg(feature = "crash-points")]
pub fn watch(watcher: Watcher) {
    let _ = WATCHER.set(watcher);
}

/// Reports a point. `names` are the files or rows that it is about, separated by tabs.
#[cfg(feature = "crash-points")]
pub(crate) fn point(point: Point, names: impl Display) {
    if let Some(watcher) = WATCHER.get() {
        watcher(point, &names);
    }
}

/// Does nothing.
#[cfg(not(feature = "crash-points"))]
#[inline]
pub(crate) fn point(_: Point, _: impl Display) {}

macro_rules! points {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What just happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Point {
            $($(#[$doc])* $name,)*
        }

        impl Point {
            /// Every point.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

points! {
    /// A step of a copy elsewhere is done: an upload, or the part of the copy that is complete.
    CopyStep,
    /// A chunk was written to a staged file.
    Arrived,
    /// A staged file has all its bytes and its time.
    Written,
    /// A staged file is durable by itself, because the file system has no barrier for batches.
    FileSynced,
    /// A staged file is ready to be published.
    Staged,
    /// A partial download was kept.
    PartialKept,
    /// A partial download was opened again and hashed.
    Resumed,
    /// A batch is complete; its barrier comes next.
    Grouped,
    /// Everything staged and renamed so far is durable.
    Synced,
    /// A transaction is written but not committed.
    Committing,
    /// A transaction is committed.
    Committed,
    /// An intent is committed: its path, and the file below `tmp/` that it publishes, if any.
    Begun,
    /// A folder was created in this folder of the tree.
    FolderMade,
    /// The names in a path's folder are durable, because the file system has no barrier for batches.
    FolderSynced,
    /// A file has its new name and still its old one, because the file system has no rename that refuses a taken name.
    Linked,
    /// A new file is in the tree.
    Added,
    /// A staged file and the one it replaces have swapped names.
    Exchanged,
    /// The file that will be replaced has a second name below `tmp/`.
    OldLinked,
    /// A staged file was renamed over the one it replaces.
    Replaced,
    /// A file of the tree has another path: from, to.
    Moved,
    /// A file left the tree for `tmp/`.
    Parked,
    /// An object was copied, and its source is still below `tmp/`.
    CopiedOut,
    /// A file below `tmp/` became an object: its hash, and the file.
    Held,
    /// A file of the tree was purged.
    Erased,
    /// An object was deleted.
    Freed,
    /// A file below `tmp/` was deleted.
    Discarded,
    /// An intent was carried out.
    CarriedOut,
    /// An intent of an earlier run was carried out.
    Replayed,
    /// An empty folder was removed.
    Pruned,
    /// The row of an intent that was carried out is committed: its path.
    Recorded,
    /// A state file (a report, a copy of the database) was renamed to its final name.
    StateFileWritten,
    /// A file of the catalogue was renamed to its final name.
    CatalogueWritten,
    /// A file of the catalogue was deleted.
    CatalogueRemoved,
}
