//! What a look at a file, without reading it, says about which bytes it holds.

use serde::{Deserialize, Serialize};

use super::Sha256;

/// Inode, size and modification time. Two equal stamps of one path mean: nobody touched the file.
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
    /// Whether two looks saw one untouched file. Over a network inodes may change with each
    /// mount, and don't count.
    pub fn is_same(&self, other: &Self, inodes_count: bool) -> bool {
        self.size == other.size && self.mtime == other.mtime && (!inodes_count || self.inode == other.inode)
    }
}

/// Bytes that lie in `tmp/`, complete and hashed, and wait to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Where below `tmp/`.
    pub name: String,
    /// The file's stamp. It keeps its inode when it is renamed into the tree.
    pub stamp: Stamp,
    /// The hash of its bytes.
    pub sha256: Sha256,
}
