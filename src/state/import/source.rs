//! The database that is not trusted.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Statement, config::DbConfig, limits::Limit};

use super::tables::{Kind, Table};
use crate::state::{
    Error, ErrorKind,
    files::are_files,
    integrity::{has_schema, whole_pages},
    view::url_of,
};

/// The oldest version of the schema in a copy. Its tables may lack columns that came later.
const OLDEST: i64 = 6;

/// The longest value in bytes. Metadata of a document are the longest ones.
const LONGEST: i32 = 16 << 20;

/// The longest statement in bytes, which is one of the schema.
const LONGEST_SQL: i32 = 64 << 10;

/// Opens a database to read its tables, and nothing else of it. It must have exactly the tables of a state.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    are_files(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(url_of(path, "immutable=1")?.as_str(), flags)?;
    harden(&connection)?;
    examine(path, &connection).map_err(|error| failed(None, error))?;
    Ok(connection)
}

fn harden(connection: &Connection) -> Result<(), Error> {
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, LONGEST_SQL)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA query_only = ON")?;
    Ok(())
}

fn examine(path: &Path, connection: &Connection) -> Result<(), Error> {
    whole_pages(path, connection)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if !has_schema(connection)? || version < OLDEST {
        return Err(Error::InvalidValue(format!(
            "its schema has version {version}, and no copy has one before {OLDEST}"
        )));
    }
    Ok(())
}

/// Prepares a query.
pub(super) fn read<'c>(connection: &'c Connection, query: &str) -> Result<Statement<'c>, Error> {
    connection.prepare(query).map_err(|error| failed(None, error.into()))
}

/// The columns of a table that the database has, too.
pub(super) fn columns_of(connection: &Connection, table: &Table) -> Result<Vec<(&'static str, Kind)>, Error> {
    let mut statement = read(connection, "SELECT name FROM pragma_table_info(?1)")?;
    let names =
        statement.query_map([table.name], |row| row.get(0)).and_then(|rows| rows.collect::<Result<Vec<String>, _>>());
    let names = names.map_err(|error| failed(None, error.into()))?;
    Ok(table.columns.iter().copied().filter(|(name, _)| names.iter().any(|found| found == name)).collect())
}

/// An error in reading the database, which is about its content unless the disk failed or the program is too old.
pub(super) fn failed(at: Option<(&'static str, i64)>, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Damaged | ErrorKind::Internal => {}
        ErrorKind::Disk | ErrorKind::Refused | ErrorKind::Busy => return error,
    }
    let why = match error {
        Error::InvalidValue(why) | Error::Damaged(why) => why,
        Error::Sqlite(error) => error.to_string(),
        other => other.to_string(),
    };
    Error::Import { at, why }
}
