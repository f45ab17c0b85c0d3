//! A connection to the database, and how it is set up.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OpenFlags};

use super::Error;

/// How long one connection waits for another.
pub(super) const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

pub(super) fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic in the middle of a transaction has rolled it back: the connection is sound.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn prepare(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    rusqlite::vtab::array::load_module(connection)?;
    Ok(())
}

/// Chooses the kind of journal. `SQLite` names the new one, and only then commits the change, which may fail: the
/// statement must be carried on to its end.
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
    let reader = Connection::open_with_flags(place(path)?, flags)?;
    prepare(&reader)?;
    Ok(reader)
}

/// A path as `SQLite` takes it for one: a relative one may look like a URI, `file:///…`, which this build reads as such.
pub(super) fn place(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|e| Error::Odd(format!("{}: {e}", path.display())))
}
