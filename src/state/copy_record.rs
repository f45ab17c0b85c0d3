//! What the copy of a mirror in an object store has, as far as this machine knows.
//!
//! It is a cache in a database of its own, which may be deleted or damaged at any time: then it begins anew, empty. It may
//! lack contents that the copy has, which only costs time. A content that it has without reason would never be uploaded, so
//! contents are added only after the store confirmed them.

use std::{
    fs, io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Mutex,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::{
    Error, ErrorKind,
    connection::{journal, lock},
    documents::{id, sha256},
    files::are_files,
    history::path as rel_path,
    integrity::{check, tables},
    view::{opened, url_of},
};
use crate::model::{DocumentId, RelPath, Sha256};

const SCHEMA: &str = "
    CREATE TABLE contents (sha256 BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;";

/// Page cache in KiB; `SQLite` wants it negative. It also limits what is sorted in memory.
const CACHE_KIB: i64 = -4096;

/// Rows that are read at once, so that others can use the database in between.
const PAGE: usize = 1000;

/// The note with the commit.
const HEAD: &str = "head";

/// Every content that the snapshot names, once. One in the tree has the first of its paths; blobs come after texts.
const LACKING: &str = "
    SELECT sha256, size, path, document, min(key) AS key FROM (
        SELECT sha256, size, path, id AS document, path_key AS key FROM snapshot.documents
        UNION ALL
        SELECT held_sha256, size, NULL, document, x'' FROM snapshot.past_versions WHERE held_sha256 IS NOT NULL
    ) WHERE sha256 NOT IN (SELECT sha256 FROM contents) GROUP BY sha256";

/// Sorted first: then they are looked up side by side.
const NAMED: &str = "
    CREATE TEMP TABLE named (sha256 BLOB PRIMARY KEY) WITHOUT ROWID;
    INSERT OR IGNORE INTO named SELECT sha256 FROM (
        SELECT sha256 FROM snapshot.documents
        UNION ALL
        SELECT held_sha256 FROM snapshot.past_versions WHERE held_sha256 IS NOT NULL
    ) ORDER BY sha256";

/// What the copy has.
#[derive(Debug)]
pub struct CopyRecord {
    path: PathBuf,
    connection: Mutex<Connection>,
}

/// The last commit that was written or read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyHead {
    /// Its number.
    pub number: u64,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// The mark of the state in it ([`copy_mark`](super::Reader::copy_mark)).
    pub mark: String,
    /// When it was made, in seconds since the epoch.
    pub committed_at: i64,
    /// The number of its run.
    pub run: i64,
    /// How many contents it lacks.
    pub gaps: u64,
}

/// A content that the copy lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// A file in the tree that should have it; `None` if only old versions have it.
    pub path: Option<RelPath>,
    /// A document that has or had it.
    pub document: DocumentId,
}

/// A number of contents and their total size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContentTotals {
    /// Their number.
    pub contents: u64,
    /// Their total size in bytes.
    pub bytes: u64,
}

impl CopyRecord {
    /// Opens the record. One that is damaged, or was written by another program, is replaced by an empty one.
    pub fn open(path: &Path) -> Result<Self, Error> {
        are_files(path)?;
        let connection = match usable(path) {
            Err(error) if matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Internal) => {
                tracing::debug!("{} can't be used and begins anew", path.display());
                // `SQLite` ignores a journal of a file that is gone.
                delete(path)?;
                usable(path)?
            }
            other => other?,
        };
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// The last commit that was written or read; `None` if it is unknown.
    pub fn head(&self) -> Result<Option<CopyHead>, Error> {
        Ok(self.note(HEAD)?.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Records the commit that was written or read.
    pub fn set_head(&self, head: &CopyHead) -> Result<(), Error> {
        self.set_note(HEAD, &serde_json::to_string(head).map_err(|e| Error::InvalidValue(e.to_string()))?)
    }

    /// A small fact.
    pub fn note(&self, key: &str) -> Result<Option<String>, Error> {
        let connection = lock(&self.connection);
        let mut statement = connection.prepare_cached("SELECT value FROM notes WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Records a small fact.
    pub fn set_note(&self, key: &str, value: &str) -> Result<(), Error> {
        lock(&self.connection).execute("INSERT OR REPLACE INTO notes (key, value) VALUES (?1, ?2)", [key, value])?;
        Ok(())
    }

    /// Whether it has any content.
    pub fn has_any(&self) -> Result<bool, Error> {
        Ok(lock(&self.connection).prepare_cached("SELECT 1 FROM contents LIMIT 1")?.exists([])?)
    }

    /// Whether the copy has a content.
    pub fn has(&self, content: &Sha256) -> Result<bool, Error> {
        let connection = lock(&self.connection);
        Ok(connection.prepare_cached("SELECT 1 FROM contents WHERE sha256 = ?1")?.exists([content.as_bytes()])?)
    }

    /// Records that the copy has these contents, in one transaction.
    pub fn add(&self, contents: &[Sha256]) -> Result<(), Error> {
        let mut connection = lock(&self.connection);
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached("INSERT OR IGNORE INTO contents (sha256) VALUES (?1)")?;
            contents.iter().try_for_each(|content| statement.execute([content.as_bytes()]).map(drop))?;
        }
        Ok(transaction.commit()?)
    }

    /// Records that the copy lacks a content.
    pub fn forget(&self, content: &Sha256) -> Result<(), Error> {
        lock(&self.connection).execute("DELETE FROM contents WHERE sha256 = ?1", [content.as_bytes()])?;
        Ok(())
    }

    /// Records that the copy lacks these contents, in one transaction.
    pub fn forget_each<'c>(&self, contents: impl IntoIterator<Item = &'c Sha256>) -> Result<(), Error> {
        let mut connection = lock(&self.connection);
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached("DELETE FROM contents WHERE sha256 = ?1")?;
            contents.into_iter().try_for_each(|content| statement.execute([content.as_bytes()]).map(drop))?;
        }
        Ok(transaction.commit()?)
    }

    /// Forgets the commit and all contents. Other notes stay.
    pub fn forget_all(&self) -> Result<(), Error> {
        let mut connection = lock(&self.connection);
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM notes WHERE key = ?1", [HEAD])?;
        transaction.execute("DELETE FROM contents", [])?;
        Ok(transaction.commit()?)
    }

    /// Calls `each` for every content of a state that the copy lacks, in the tree and in the history, each once. Those in the
    /// tree come first, in path order. Meanwhile, contents may be added. `snapshot` is a copy of the state that nobody
    /// changes.
    pub fn lacking<E: From<Error>>(
        &self,
        snapshot: &Path,
        each: &mut dyn FnMut(Content) -> Result<(), E>,
    ) -> Result<(), E> {
        let beside = self.beside(snapshot, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let queue = format!(
            "CREATE TEMP TABLE queue AS SELECT sha256, size, path, document FROM ({LACKING}) ORDER BY key, sha256"
        );
        beside.execute_batch(&queue).map_err(Error::from)?;
        let mut queue =
            beside.prepare("SELECT sha256, size, path, document FROM queue ORDER BY rowid").map_err(Error::from)?;
        let mut rows = queue.query([]).map_err(Error::from)?;
        while let Some(row) = rows.next().map_err(Error::from)? {
            each(content(row)?)?;
        }
        Ok(())
    }

    /// How many contents of a state the copy lacks.
    pub fn lacking_totals(&self, snapshot: &Path) -> Result<ContentTotals, Error> {
        let query = format!("SELECT count(*), coalesce(sum(size), 0) FROM ({LACKING})");
        let beside = self.beside(snapshot, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let (contents, bytes): (i64, i64) = beside.query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(ContentTotals { contents: contents.cast_unsigned(), bytes: bytes.cast_unsigned() })
    }

    /// Forgets every content that a state doesn't name; returns how many. Called after a commit: whatever the commit doesn't
    /// name may leave the copy.
    pub fn keep_only(&self, snapshot: &Path) -> Result<u64, Error> {
        let beside = self.beside(snapshot, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        beside.execute_batch(NAMED)?;
        Ok(beside.execute("DELETE FROM contents WHERE sha256 NOT IN (SELECT sha256 FROM named)", [])? as u64)
    }

    /// Calls `each` for every content that the copy has and whose first two bytes lie in a range, in order. Meanwhile,
    /// contents may be added and forgotten.
    pub fn between<E: From<Error>>(
        &self,
        range: &RangeInclusive<u16>,
        each: &mut dyn FnMut(Sha256) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = range.end().checked_add(1).map_or_else(|| vec![u8::MAX; 33], |end| end.to_be_bytes().to_vec());
        let mut after = range.start().to_be_bytes().to_vec();
        loop {
            let page = self.page(&after, &end)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.as_bytes().to_vec();
            page.into_iter().try_for_each(&mut *each)?;
        }
    }

    fn page(&self, after: &[u8], end: &[u8]) -> Result<Vec<Sha256>, Error> {
        let connection = lock(&self.connection);
        let mut statement = connection
            .prepare_cached("SELECT sha256 FROM contents WHERE sha256 > ?1 AND sha256 < ?2 ORDER BY sha256 LIMIT ?3")?;
        statement.query_and_then(params![after, end, PAGE.cast_signed()], |row| hash(row, 0))?.collect()
    }

    /// A connection of its own, with the snapshot beside the record.
    fn beside(&self, snapshot: &Path, access: OpenFlags) -> Result<Connection, Error> {
        let connection = opened(&self.path, "", access)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        connection.execute("ATTACH ?1 AS snapshot", [url_of(snapshot, "immutable=1")?.as_str()])?;
        Ok(connection)
    }
}

/// Opens a record that is whole and has the tables of a record, or creates it.
fn usable(path: &Path) -> Result<Connection, Error> {
    let connection = opened(path, "", OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    journal(&connection, "TRUNCATE")?;
    // After a power failure it may have to begin anew.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    check(&connection, "quick_check")?;
    let model = Connection::open_in_memory()?;
    model.execute_batch(SCHEMA)?;
    let found = tables(&connection)?;
    if found.is_empty() {
        connection.execute_batch(SCHEMA)?;
    } else if found != tables(&model)? {
        return Err(Error::InvalidValue("its tables are not those of a record".to_owned()));
    }
    Ok(connection)
}

fn delete(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Unreadable(path.to_owned(), error)),
        _ => Ok(()),
    }
}

fn hash(row: &Row<'_>, column: usize) -> Result<Sha256, Error> {
    sha256(row.get_ref(column)?.as_blob().map_err(|e| Error::InvalidValue(e.to_string()))?)
}

fn content(row: &Row<'_>) -> Result<Content, Error> {
    Ok(Content {
        sha256: hash(row, 0)?,
        size: row.get::<_, i64>(1)?.cast_unsigned(),
        path: row.get::<_, Option<String>>(2)?.map(|text| rel_path(&text)).transpose()?,
        document: id(&row.get::<_, String>(3)?, DocumentId::parse)?,
    })
}
