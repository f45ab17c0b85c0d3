//! Copies of a state.

use std::{os::unix::ffi::OsStrExt as _, path::Path};

use rusqlite::Connection;
use rusqlite_migration::Migrations;

use super::{
    Error,
    connection::place,
    files::{has_journal, part},
    migrations::MIGRATIONS,
    view::immutable,
};

/// A consistent copy, from a schema that this program knows.
pub(super) fn copy_of(source: &Connection, copy: &Path) -> Result<(), Error> {
    Migrations::from_slice(MIGRATIONS).current_version(source)?;
    // As bytes: a path need not be UTF-8.
    source.execute("VACUUM INTO CAST(?1 AS TEXT)", [place(copy)?.as_os_str().as_bytes()])?;
    Ok(())
}

/// A copy that ends with this process, and so needs not outlive a power cut.
pub(super) fn passing_copy_of(source: &Connection, copy: &Path) -> Result<(), Error> {
    source.pragma_update(None, "synchronous", "OFF")?;
    copy_of(source, copy)
}

/// Copies a state that nobody writes, byte by byte; false where somebody does, or did meanwhile.
pub(super) fn is_copied_at_rest(path: &Path, copy: &Path) -> Result<bool, Error> {
    // A state of another program is refused before a byte is copied.
    Migrations::from_slice(MIGRATIONS).current_version(&immutable(path)?)?;
    let look = || std::fs::metadata(path).and_then(|found| Ok((found.len(), found.modified()?))).ok();
    let Some(before) = look().filter(|_| !has_journal(path)) else { return Ok(false) };
    std::fs::File::open(path).map_err(|e| Error::Look(path.to_owned(), e))?;
    std::fs::copy(path, copy).map_err(|e| Error::scratch(copy, e))?;
    Ok(!has_journal(path) && look() == Some(before))
}

/// Copies a state that a command left which was cut off, with its journal.
pub(super) fn copy_parts(path: &Path, copy: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-journal"] {
        let from = part(path, suffix);
        if from.exists() {
            std::fs::File::open(&from).map_err(|e| Error::Look(from.clone(), e))?;
            std::fs::copy(from, part(copy, suffix)).map_err(|e| Error::scratch(copy, e))?;
        }
    }
    Ok(())
}
