//! File metadata that shows, without reading the file, whether it changed.

use serde::{Deserialize, Serialize};

use super::Sha256;

/// Inode, size and modification time. If two stamps of a path are equal, nobody changed the file in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since the epoch.
    pub mtime: i64,
}

impl Stamp {
    /// Whether two stamps show the same unchanged file. On network file systems inodes may change with each mount, so they
    /// can be ignored.
    pub fn is_same(&self, other: &Self, inodes_count: bool) -> bool {
        self.size == other.size && self.mtime == other.mtime && (!inodes_count || self.inode == other.inode)
    }
}

/// Complete, hashed bytes in `tmp/` that wait to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Their path below `tmp/`.
    pub name: String,
    /// The file's stamp; renaming it into the tree keeps its inode.
    pub stamp: Stamp,
    /// The hash of its bytes.
    pub sha256: Sha256,
}
