//! Bytes that are read in order to write them elsewhere.

use std::{
    fs::File,
    io::{self, Read},
};

/// Why bytes could not be read, if it is not their own damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFailure {
    /// They are not there.
    Absent,
    /// They can't be read for now, in words.
    Failed(String),
}

/// Bytes that are read in order to write them elsewhere.
pub trait ContentReader: Read {
    /// How many are announced.
    fn size(&self) -> io::Result<u64>;

    /// The file that has them, whose extents a new file may share.
    fn as_file(&self) -> Option<&File> {
        None
    }

    /// Why reading has failed.
    fn failure(&self) -> Option<ReadFailure> {
        None
    }
}

impl ContentReader for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn as_file(&self) -> Option<&File> {
        Some(self)
    }
}
