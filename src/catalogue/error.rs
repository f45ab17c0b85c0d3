//! Why a catalogue could not be written.

use std::{io, path::PathBuf};

use crate::state;

/// Why a catalogue could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state.
    #[error(transparent)]
    State(#[from] state::Error),
    /// Nobody takes what is written.
    #[error("the catalogue can't be written: {0}")]
    Write(#[from] io::Error),
    /// The rows of a workbook have no place.
    #[error(
        "cannot write temporary files in {}: {}; free some space there, or set TMPDIR to a folder with room that you may write to",
        .0.display(), .1
    )]
    Temporary(PathBuf, io::Error),
    /// A workbook can't be made.
    #[error("the workbook can't be made: {0}")]
    Workbook(String),
    /// The folder of sidecars can't be used.
    #[error(transparent)]
    Sidecars(#[from] Refused),
}

/// Why a folder can't have the sidecars.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It holds something.
    #[error(
        "{} is not empty, and export deletes nothing; give a folder that does not exist yet, such as one with the date in its name, or delete it yourself",
        .0.display()
    )]
    NotEmpty(PathBuf),
    /// It can't be made.
    #[error("cannot {} {}: {}", .0, .1.display(), .2)]
    Disk(&'static str, PathBuf, io::Error),
}
