//! Whether a state can be trusted, found out without changing anything.
//!
//! `SQLite` repairs as it opens: a journal is brought over by the first one who may write, and what was
//! beside a damaged database is gone then. So a database with a journal is opened read-only, or looked at in a
//! copy, and one without is opened as a file that nobody writes.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::Migrations;

use super::{
    Error,
    connection::prepare,
    copy::copy_parts,
    files::{are_files, has_journal},
    migrations::MIGRATIONS,
    view::{Span, connect, immutable},
};

/// What a sound state looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The database is all of it.
    AtRest,
    /// Its end lies in a journal, as a command leaves it that was cut off.
    WithJournal,
    /// It has no table: a command was cut off before it made one, or what made them was lost.
    Blank,
}

/// How thoroughly a state is looked at. One with a journal is always read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As before every command: every page only if the last run did not record its end.
    Glance,
    /// Every page.
    Pages,
    /// Every page, and every index against its table.
    Whole,
}

/// Says how the last command left a state, or how it is damaged.
pub fn examine(path: &Path, look: Look) -> Result<Left, Error> {
    are_files(path)?;
    if !has_journal(path) {
        let connection = immutable(path)?;
        whole_pages(path, &connection)?;
        if !has_schema(&connection)? {
            return Ok(Left::Blank);
        }
        match look {
            Look::Glance if ended(&connection)? => {}
            Look::Glance | Look::Pages => check(&connection, "quick_check")?,
            Look::Whole => check(&connection, "integrity_check")?,
        }
        return Ok(Left::AtRest);
    }
    // A journal whose index is there is read in place; any other would be brought over by whoever opens it.
    let folder;
    let connection = if let Some((connection, _)) = connect(path, Span::Moment)? {
        connection
    } else {
        folder = tempfile::tempdir().map_err(|e| Error::scratch(&std::env::temp_dir(), e))?;
        let copy = folder.path().join("state.db");
        copy_parts(path, &copy)?;
        Connection::open(&copy)?
    };
    prepare(&connection)?;
    if !has_schema(&connection)? {
        return Ok(Left::Blank);
    }
    check(&connection, if look == Look::Whole { "integrity_check" } else { "quick_check" })?;
    Ok(Left::WithJournal)
}

/// Refuses a damaged state that a run may be changing: every page, in one snapshot.
pub fn examine_in_use(path: &Path) -> Result<(), Error> {
    if !has_journal(path) {
        let found = examine(path, Look::Pages);
        // A run that began meanwhile changes what a reader of a database at rest believes in.
        if !has_journal(path) {
            return found.map(|_| ());
        }
    }
    match connect(path, Span::Moment)? {
        Some((connection, _)) => check(&connection, "quick_check"),
        None => examine(path, Look::Pages).map(|_| ()),
    }
}

/// Whether a file is a copy that a state can be made of: whole, and made when nothing was begun.
pub fn is_good_copy(path: &Path) -> Result<bool, Error> {
    Ok(examine(path, Look::Whole)? != Left::Blank && !immutable(path)?.prepare("SELECT 1 FROM intents")?.exists([])?)
}

/// Whether the tables are there; they must be those that this program makes, in the version that
/// the file names.
fn has_schema(connection: &Connection) -> Result<bool, Error> {
    let migrations = Migrations::from_slice(MIGRATIONS);
    migrations.current_version(connection)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).ok().filter(|v| *v <= MIGRATIONS.len()).ok_or(Error::Newer)?;
    let mut model = Connection::open_in_memory()?;
    migrations.to_version(&mut model, version)?;
    let found = tables(connection)?;
    if found != tables(&model)? {
        return Err(Error::Odd("its tables are not those of a state".to_owned()));
    }
    Ok(version > 0)
}

fn tables(connection: &Connection) -> Result<Vec<(String, Option<String>)>, Error> {
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A file that was cut within its last page is read as if the rest were zeros.
fn whole_pages(path: &Path, connection: &Connection) -> Result<(), Error> {
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))?.unsigned_abs();
    let length = path.metadata().map_err(|e| Error::Look(path.to_owned(), e))?.len();
    if length.is_multiple_of(page) { Ok(()) } else { Err(Error::Unsound("its last page is cut".to_owned())) }
}

fn ended(connection: &Connection) -> Result<bool, Error> {
    let last = "SELECT 1 FROM runs WHERE number = (SELECT max(number) FROM runs) AND finished_at IS NULL";
    Ok(!connection.prepare(last)?.exists([])?)
}

fn check(connection: &Connection, how: &str) -> Result<(), Error> {
    let said: String = connection.pragma_query_value(None, how, |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(Error::Unsound(said)) }
}
