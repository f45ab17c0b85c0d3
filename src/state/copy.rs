//! Copies of a state database.

use std::{os::unix::ffi::OsStrExt as _, path::Path};

use rusqlite::Connection;
use rusqlite_migration::Migrations;

use super::{
    Error,
    connection::absolute_path,
    files::{has_journal, part},
    migrations::MIGRATIONS,
    view::immutable,
};

/// Makes a consistent copy. The schema must be known to this program.
pub(super) fn copy_of(source: &Connection, copy: &Path) -> Result<(), Error> {
    Migrations::from_slice(MIGRATIONS).current_version(source)?;
    // As bytes: a path need not be UTF-8.
    source.execute("VACUUM INTO CAST(?1 AS TEXT)", [absolute_path(copy)?.as_os_str().as_bytes()])?;
    Ok(())
}

/// Makes a temporary copy, which needn't be durable.
pub(super) fn temporary_copy_of(source: &Connection, copy: &Path) -> Result<(), Error> {
    source.pragma_update(None, "synchronous", "OFF")?;
    copy_of(source, copy)
}

/// Copies a state byte by byte; `false` if somebody writes to it, or did in the meantime.
pub(super) fn copy_if_idle(path: &Path, copy: &Path) -> Result<bool, Error> {
    // Refuse another program's state before anything is copied.
    Migrations::from_slice(MIGRATIONS).current_version(&immutable(path)?)?;
    let look = || std::fs::metadata(path).and_then(|found| Ok((found.len(), found.modified()?))).ok();
    let Some(before) = look().filter(|_| !has_journal(path)) else { return Ok(false) };
    std::fs::File::open(path).map_err(|e| Error::Unreadable(path.to_owned(), e))?;
    std::fs::copy(path, copy).map_err(|e| Error::scratch(copy, e))?;
    Ok(!has_journal(path) && look() == Some(before))
}

/// Copies a state with its journal, as an interrupted command left it.
pub(super) fn copy_parts(path: &Path, copy: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-journal"] {
        let from = part(path, suffix);
        if from.exists() {
            std::fs::File::open(&from).map_err(|e| Error::Unreadable(from.clone(), e))?;
            std::fs::copy(from, part(copy, suffix)).map_err(|e| Error::scratch(copy, e))?;
        }
    }
    Ok(())
}
