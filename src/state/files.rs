//! The files of a database.

use std::path::{Path, PathBuf};

use super::Error;

/// Whether a journal lies beside a database: a run is at work, or one was killed.
pub(super) fn has_journal(path: &Path) -> bool {
    ["-wal", "-journal"].into_iter().any(|suffix| std::fs::metadata(part(path, suffix)).is_ok_and(|m| m.len() > 0))
}

/// The file of a database that has a suffix.
pub(super) fn part(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What `SQLite` keeps beside a database, by suffix; the first one is the database itself.
pub const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Refuses what `SQLite` would only fail to open.
pub(super) fn are_files(path: &Path) -> Result<(), Error> {
    let odd = PARTS
        .map(|suffix| part(path, suffix))
        .into_iter()
        .find(|part| part.symlink_metadata().is_ok_and(|found| !found.is_file()));
    odd.map_or(Ok(()), |part| Err(Error::NotAFile(part.file_name().unwrap_or_default().to_string_lossy().into_owned())))
}
