//! The files of a database.

use std::path::{Path, PathBuf};

use super::Error;

/// Whether a database has a journal: a run is active or was killed.
pub(super) fn has_journal(path: &Path) -> bool {
    ["-wal", "-journal"].into_iter().any(|suffix| std::fs::metadata(part(path, suffix)).is_ok_and(|m| m.len() > 0))
}

/// The database's file with this suffix.
pub(super) fn part(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Suffixes of the files that `SQLite` uses; the first one is the database itself.
pub const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Rejects anything that `SQLite` could only fail to open.
pub(super) fn are_files(path: &Path) -> Result<(), Error> {
    let invalid = PARTS
        .map(|suffix| part(path, suffix))
        .into_iter()
        .find(|part| part.symlink_metadata().is_ok_and(|found| !found.is_file()));
    invalid.map_or(Ok(()), |part| {
        Err(Error::NotAFile(part.file_name().unwrap_or_default().to_string_lossy().into_owned()))
    })
}
