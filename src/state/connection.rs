//! Database connections and their settings.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OpenFlags};

use super::Error;

/// How long one connection waits for another.
pub(super) const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

pub(super) fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic within a transaction rolls it back, so the connection is still valid.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn prepare(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    rusqlite::vtab::array::load_module(connection)?;
    Ok(())
}

/// Sets the journal mode. `SQLite` returns the new mode first and commits the change afterwards, which may fail, so the
/// statement must run to its end.
pub(super) fn journal(connection: &Connection, mode: &str) -> Result<(), Error> {
    let mut statement = connection.prepare(&format!("PRAGMA journal_mode = {mode}"))?;
    let mut rows = statement.query([])?;
    let mut kept = String::new();
    while let Some(row) = rows.next()? {
        kept = row.get(0)?;
    }
    if kept.eq_ignore_ascii_case(mode) { Ok(()) } else { Err(Error::Journal(kept)) }
}

pub(super) fn read_only(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(absolute_path(path)?, flags)?;
    prepare(&reader)?;
    Ok(reader)
}

/// A path that `SQLite` doesn't take for a URI; this build would read a relative path like `file:///…` as one.
pub(super) fn absolute_path(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|e| Error::InvalidValue(format!("{}: {e}", path.display())))
}
