//! Errors of handovers.

use std::{io, path::PathBuf};

use crate::{catalogue, mirror, state};

/// Why a bag could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The mirror can't be read, or the bag can't be written.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The record can't be read.
    #[error(transparent)]
    State(#[from] state::Error),
    /// A table can't be written.
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
    /// A file that becomes part of the bag can't be prepared.
    #[error("cannot write in {}: {}", .0.display(), .1)]
    Scratch(PathBuf, io::Error),
    /// Somebody put other files into the bag.
    #[error(
        "the folder has files that are not of this bag, such as {0:?}; move them away and run the same command again"
    )]
    Strays(String),
}
