//! Errors of catalogues.

use std::{io, path::PathBuf};

use crate::state;

/// Why a catalogue could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state can't be read.
    #[error(transparent)]
    State(#[from] state::Error),
    /// The output can't be written.
    #[error("the catalogue can't be written: {0}")]
    Write(#[from] io::Error),
    /// The temporary files of a workbook can't be written.
    #[error(
        "cannot write temporary files in {}: {}; free some space there, or set TMPDIR to a folder with room that you may write to",
        .0.display(), .1
    )]
    Temporary(PathBuf, io::Error),
    /// The workbook can't be built.
    #[error("the workbook can't be made: {0}")]
    Workbook(String),
    /// The folder for sidecars can't be used.
    #[error(transparent)]
    Sidecars(#[from] Refused),
}

/// Why sidecars can't be written into a folder.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is not empty.
    #[error(
        "{} is not empty, and export deletes nothing; give a folder that does not exist yet, such as one with the date in its name, or delete it yourself",
        .0.display()
    )]
    NotEmpty(PathBuf),
    /// It can't be created.
    #[error("cannot {} {}: {}", .0, .1.display(), .2)]
    Disk(&'static str, PathBuf, io::Error),
}
