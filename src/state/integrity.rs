//! Checks whether a state can be trusted, without changing anything.
//!
//! `SQLite` repairs databases when it opens them: the first one who may write applies the journal, which destroys the
//! evidence beside a damaged database. A database with a journal is therefore opened read-only or examined in a copy, and
//! one without is opened as an immutable file.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::Migrations;

use super::{
    Error,
    connection::prepare,
    copy::copy_parts,
    files::{are_files, has_journal},
    migrations::MIGRATIONS,
    view::{Isolation, connect, immutable},
};

/// The condition of an undamaged state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The database has no journal.
    AtRest,
    /// Its newest changes are in a journal, as an interrupted command leaves it.
    WithJournal,
    /// It has no tables: a command was interrupted before it created them, or they were lost.
    Empty,
}

/// How thoroughly a state is checked. One with a journal is always read completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckLevel {
    /// Used before every command: all pages are read only if the last run did not record its end.
    Quick,
    /// Every page.
    Pages,
    /// Every page, and every index against its table.
    Full,
}

/// Returns how the last command left a state, or an error that says how it is damaged.
pub fn examine(path: &Path, level: CheckLevel) -> Result<Condition, Error> {
    are_files(path)?;
    if !has_journal(path) {
        let connection = immutable(path)?;
        whole_pages(path, &connection)?;
        if !has_schema(&connection)? {
            return Ok(Condition::Empty);
        }
        match level {
            CheckLevel::Quick if ended(&connection)? => {}
            CheckLevel::Quick | CheckLevel::Pages => check(&connection, "quick_check")?,
            CheckLevel::Full => check(&connection, "integrity_check")?,
        }
        return Ok(Condition::AtRest);
    }
    // A journal with its index is read in place; opening any other kind would apply it.
    let folder;
    let connection = if let Some((connection, _)) = connect(path, Isolation::Snapshot)? {
        connection
    } else {
        folder = tempfile::tempdir().map_err(|e| Error::scratch(&std::env::temp_dir(), e))?;
        let copy = folder.path().join("state.db");
        copy_parts(path, &copy)?;
        Connection::open(&copy)?
    };
    prepare(&connection)?;
    if !has_schema(&connection)? {
        return Ok(Condition::Empty);
    }
    check(&connection, if level == CheckLevel::Full { "integrity_check" } else { "quick_check" })?;
    Ok(Condition::WithJournal)
}

/// Checks a state that a run may be changing: every page, in one snapshot.
pub fn examine_in_use(path: &Path) -> Result<(), Error> {
    if !has_journal(path) {
        let found = examine(path, CheckLevel::Pages);
        // If a run begins now, it changes the file that this reader takes for immutable.
        if !has_journal(path) {
            return found.map(|_| ());
        }
    }
    match connect(path, Isolation::Snapshot)? {
        Some((connection, _)) => check(&connection, "quick_check"),
        None => examine(path, CheckLevel::Pages).map(|_| ()),
    }
}

/// Whether a file is a copy from which a state can be made: complete, and made while no change was under way.
pub fn is_good_copy(path: &Path) -> Result<bool, Error> {
    Ok(examine(path, CheckLevel::Full)? != Condition::Empty
        && !immutable(path)?.prepare("SELECT 1 FROM intents")?.exists([])?)
}

/// Whether the tables exist. They must be those of this program, in the version that the file names.
pub(super) fn has_schema(connection: &Connection) -> Result<bool, Error> {
    let migrations = Migrations::from_slice(MIGRATIONS);
    migrations.current_version(connection)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).ok().filter(|v| *v <= MIGRATIONS.len()).ok_or(Error::Newer)?;
    let mut model = Connection::open_in_memory()?;
    migrations.to_version(&mut model, version)?;
    let found = tables(connection)?;
    if found != tables(&model)? {
        return Err(Error::InvalidValue("its tables are not those of a state".to_owned()));
    }
    Ok(version > 0)
}

pub(super) fn tables(connection: &Connection) -> Result<Vec<(String, Option<String>)>, Error> {
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A file that was truncated within its last page would be read as if the rest were zeros.
pub(super) fn whole_pages(path: &Path, connection: &Connection) -> Result<(), Error> {
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))?.unsigned_abs();
    let length = path.metadata().map_err(|e| Error::Unreadable(path.to_owned(), e))?.len();
    if length.is_multiple_of(page) { Ok(()) } else { Err(Error::Damaged("its last page is truncated".to_owned())) }
}

fn ended(connection: &Connection) -> Result<bool, Error> {
    let last = "SELECT 1 FROM runs WHERE number = (SELECT max(number) FROM runs) AND finished_at IS NULL";
    Ok(!connection.prepare(last)?.exists([])?)
}

pub(super) fn check(connection: &Connection, how: &str) -> Result<(), Error> {
    let said: String = connection.pragma_query_value(None, how, |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(Error::Damaged(said)) }
}
