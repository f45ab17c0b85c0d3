//! Named points on the way from arrived bytes to a committed row, at which a test can kill the process.
//!
//! Without the feature `crash-points`, which only the tests turn on, a point is nothing. With it, it
//! is still nothing until a test's own process installs a watcher: no flag and no variable does. The
//! watcher learns the order of what happened on the disk, so that it can show as well what a power
//! cut would find.

use std::fmt::Display;

/// What is called at each point.
#[cfg(feature = "crash-points")]
pub type Watcher = Box<dyn Fn(Point, &dyn Display) + Send + Sync>;

#[cfg(feature = "crash-points")]
static WATCHER: std::sync::OnceLock<Watcher> = std::sync::OnceLock::new();

/// Installs the process's watcher; only the first one counts.
#[cfg(feature = "crash-points")]
pub fn watch(watcher: Watcher) {
    let _ = WATCHER.set(watcher);
}

/// A point is passed. `names` is what it happened to; several names have tabs between them.
#[cfg(feature = "crash-points")]
pub(crate) fn point(point: Point, names: impl Display) {
    if let Some(watcher) = WATCHER.get() {
        watcher(point, &names);
    }
}

/// A point is passed.
#[cfg(not(feature = "crash-points"))]
#[inline]
pub(crate) fn point(_: Point, _: impl Display) {}

macro_rules! points {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What has just happened.
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
    /// A piece of bytes was written to a staged file.
    Arrived,
    /// A staged file has all its bytes and its time.
    Written,
    /// A staged file is durable by itself, where groups can't be synced.
    FileSynced,
    /// A staged file is ready to be published.
    Staged,
    /// A partial download is kept.
    PartialKept,
    /// A partial download is open again, and hashed.
    Resumed,
    /// A group's barrier comes next.
    Grouped,
    /// Everything staged and renamed so far is durable.
    Synced,
    /// A transaction is written and not committed.
    Committing,
    /// A transaction is committed.
    Committed,
    /// An intent is committed: its path, and the file below `tmp/` that it publishes, if any.
    Begun,
    /// A folder of the tree was made in this one.
    FolderMade,
    /// The names in a path's folder are durable, where groups can't be synced.
    FolderSynced,
    /// A file has its new name and still its old one, where no rename refuses a taken name.
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
    /// A file has left the tree and lies below `tmp/`.
    Parked,
    /// An object is a copy, and its source is still below `tmp/`.
    CopiedOut,
    /// An object has its place: its hash, and the file below `tmp/` that it was.
    Held,
    /// A file of the tree was deleted for good.
    Erased,
    /// An object was deleted for good.
    Freed,
    /// A file below `tmp/` was deleted.
    Discarded,
    /// An intent is carried out, and the next one comes.
    CarriedOut,
    /// An intent of an earlier run is carried out.
    Replayed,
    /// An empty folder was removed.
    Pruned,
    /// The rows of what was carried out are committed: a path.
    Recorded,
    /// A file of the state (a report, a copy of the database) was renamed to its place.
    StateFileWritten,
}
