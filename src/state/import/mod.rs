//! Takes over a state that somebody else may have written.
//!
//! A state from an object store is data, and nothing else of the file is used: it must have exactly the tables of a state,
//! so it brings no trigger, view, virtual table, generated column or check. Each row is read by its types, checked, and
//! inserted into a new state. Indexes, counts and normalised paths are computed anew. A row that no state has is an error,
//! and none is left out.

mod checks;
mod source;
mod tables;
#[cfg(test)]
mod tests;

use std::{fmt::Display, fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};

use rusqlite::{
    Connection, ErrorCode, ToSql,
    types::{ToSqlOutput, ValueRef},
};
use rusqlite_migration::Migrations;

use super::{
    Error, Fingerprint, Reader, State,
    connection::{absolute_path, prepare},
    documents::id,
    fingerprint,
    migrations::MIGRATIONS,
};
use crate::model::DocumentId;
use checks::Rules;
use tables::{OTHERS, RUNS, SETTINGS, Table};

/// Page cache while a state is filled, in KiB; `SQLite` wants it negative.
const CACHE_KIB: i64 = -8192;

/// A document at a path below which another one's file lies.
const FILES_ABOVE_FILES: &str = "
    SELECT number, path FROM documents d WHERE EXISTS
        (SELECT 1 FROM documents b WHERE b.path_key > d.path_key || '/' AND b.path_key < d.path_key || '0') LIMIT 1";

const SECONDARY_INDEXES: &str = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";

/// Says what is wrong with a row.
fn refused(table: &'static str, row: i64, why: &dyn Display) -> Error {
    Error::Import { at: Some((table, row)), why: why.to_string() }
}

impl State {
    /// Makes a new state at `into` from a state of which nothing is trusted. Nothing is there after an error. `path_key`
    /// normalises a path or a step of one, and returns `None` if no document or folder can have it.
    ///
    /// It holds what the other mirror knew, without anything about its machine, and without confirmed removals. Files have
    /// other stamps on this machine. An erasure that was begun has ended in it.
    pub fn import(
        from: &Path,
        into: &Path,
        network: bool,
        path_key: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let failed = |error| Error::scratch(into, error);
        let source = source::open(from)?;
        let folder = into.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // What else is created there has the permissions that the process gives.
        let mut name = tempfile::Builder::new();
        let file = name.prefix(".import-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder);
        let file = file.map_err(failed)?;
        fill(&source, file.path(), path_key)
            .and_then(|()| end_purges(file.path(), network))
            .map_err(|e| e.in_copy(into))?;
        file.persist_noclobber(into).map_err(|e| failed(e.error))?;
        Self::open_existing(into, network)
    }
}

/// Fills a new state. It needs no journal: after an error the file is deleted.
fn fill(source: &Connection, path: &Path, path_key: &dyn Fn(&str) -> Option<String>) -> Result<(), Error> {
    let mut target = Connection::open(absolute_path(path)?)?;
    prepare(&target)?;
    target.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    target.pragma_update(None, "cache_size", CACHE_KIB)?;
    Migrations::from_slice(MIGRATIONS).to_latest(&mut target)?;
    let indexes = indexes(&target)?;
    target.execute_batch("BEGIN")?;
    // Built at the end, an index is sorted once.
    indexes.iter().try_for_each(|(name, _)| target.execute_batch(&format!("DROP INDEX {name}")))?;
    let mut rules = Rules { path_key, latest_run: checks::HIGHEST };
    copy(source, &target, &RUNS, &rules)?;
    rules.latest_run = Reader(&target).last_run()?;
    OTHERS.iter().try_for_each(|table| copy(source, &target, table, &rules))?;
    copy_settings(source, &target, &rules)?;
    indexes.iter().try_for_each(|(_, sql)| target.execute_batch(sql))?;
    check_paths(&target)?;
    check_purges(&target)?;
    target.execute_batch("COMMIT")?;
    target.close().map_err(|(_, error)| error.into())
}

fn indexes(target: &Connection) -> Result<Vec<(String, String)>, Error> {
    let mut statement = target.prepare(SECONDARY_INDEXES)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A value as it was read, after it was checked.
struct Raw<'r>(ValueRef<'r>);

impl ToSql for Raw<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

/// Copies all rows of a table.
fn copy(source: &Connection, target: &Connection, table: &Table, rules: &Rules<'_>) -> Result<(), Error> {
    let columns = source::columns_of(source, table)?;
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let keyed = table.key.and_then(|(of, key)| Some((names.iter().position(|name| *name == of)?, key)));
    let targets: Vec<&str> = names.iter().copied().chain(keyed.map(|(_, key)| key)).collect();
    let blanks = vec!["?"; targets.len()].join(", ");
    let mut insert =
        target.prepare(&format!("INSERT INTO {} ({}) VALUES ({blanks})", table.name, targets.join(", ")))?;
    let mut statement = source::read(source, &format!("SELECT {} FROM {} NOT INDEXED", names.join(", "), table.name))?;
    let mut rows = statement.raw_query();
    let mut row_number = 0;
    loop {
        row_number += 1;
        let next = rows.next().map_err(|e| source::failed(Some((table.name, row_number)), e.into()))?;
        let Some(row) = next else { return Ok(()) };
        if let (Some(&"number"), ValueRef::Integer(number)) = (names.first(), row.get_ref(0)?) {
            row_number = number;
        }
        for (at, (name, kind)) in columns.iter().enumerate() {
            let value = row.get_ref(at)?;
            rules.check(*kind, value).map_err(|why| refused(table.name, row_number, &format!("{name} {why}")))?;
            insert.raw_bind_parameter(at + 1, Raw(value))?;
        }
        if let Some((of, _)) = keyed {
            let key = row.get_ref(of)?.as_str().ok().and_then(rules.path_key);
            insert.raw_bind_parameter(targets.len(), key)?;
        }
        insert.raw_execute().map_err(|error| duplicate(table.name, row_number, error))?;
    }
}

fn duplicate(table: &'static str, row: i64, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => refused(table, row, &error),
        _ => error.into(),
    }
}

fn copy_settings(source: &Connection, target: &Connection, rules: &Rules<'_>) -> Result<(), Error> {
    let mut statement = source::read(source, "SELECT key, value FROM settings NOT INDEXED")?;
    let mut rows = statement.raw_query();
    let mut row_number = 0;
    loop {
        row_number += 1;
        let at = ("settings", row_number);
        let next = rows.next().map_err(|e| source::failed(Some(at), e.into()))?;
        let Some(row) = next else { return Ok(()) };
        let invalid = |why: String| refused("settings", row_number, &why);
        let key = row.get_ref(0)?.as_str().map_err(|e| invalid(format!("key is no text: {e}")))?;
        let Some((_, setting)) = SETTINGS.iter().find(|(name, _)| *name == key) else { continue };
        let value = row.get_ref(1)?.as_str().map_err(|e| invalid(format!("{key} is no text: {e}")))?;
        rules.check_setting(*setting, value).map_err(|why| invalid(format!("{key} {why}")))?;
        let inserted = target.execute("INSERT INTO settings (key, value) VALUES (?1, ?2)", [key, value]);
        inserted.map_err(|error| duplicate("settings", row_number, error))?;
    }
}

/// Two files can't be above each other.
fn check_paths(target: &Connection) -> Result<(), Error> {
    let mut statement = target.prepare(FILES_ABOVE_FILES)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let path: String = row.get(1)?;
    Err(refused("documents", row.get(0)?, &format!("path {path:?} is a file and a folder")))
}

/// An erasure that was begun names its document.
fn check_purges(target: &Connection) -> Result<(), Error> {
    let mut statement =
        target.prepare("SELECT number, document, fingerprint FROM purges WHERE document IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let document = id(&row.get::<_, String>(1)?, DocumentId::parse)?;
        if row.get::<_, Fingerprint>(2)? != fingerprint(&document) {
            return Err(refused("purges", row.get(0)?, &"fingerprint is not that of its document"));
        }
    }
    Ok(())
}

/// Ends the erasures that were begun, as far as the state goes. If the next command continued them, it could delete files
/// that were here before.
fn end_purges(path: &Path, network: bool) -> Result<(), Error> {
    let state = State::open_existing(path, network)?;
    for purge in state.read(|r| r.purges())? {
        state.write(|w| w.forget_document(&purge))?;
        state.compact()?;
        state.end_purge(&purge)?;
    }
    Ok(())
}
