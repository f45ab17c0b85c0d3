//! What a catalogue for people needs besides the documents: which binders changed since it was written, and versions.

use std::collections::HashSet;

use rusqlite::params;

use super::{Catalogued, Error, FOUND, Reader, catalogue::catalogued, documents::sha256};
use crate::model::{DocumentId, Sha256};

/// When a binder was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinderMark {
    /// Its id.
    pub id: String,
    /// When its metadata elements last changed.
    pub schema_changed_at: Option<i64>,
    /// The last run that listed it, and when that run ended (or began, if it did not end).
    pub listed: Option<(i64, i64)>,
}

/// An earlier version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierVersion {
    /// Its id.
    pub version: String,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Whether the mirror has its bytes.
    pub held: bool,
    /// When it was mirrored, in seconds since the epoch.
    pub mirrored_at: i64,
}

/// Binders with documents that came, changed, moved or left after run ?1.
const CHANGED: &str = "
    SELECT binder FROM documents WHERE first_run > ?1 OR version_run > ?1 OR place_run > ?1
    UNION SELECT d.binder FROM metadata m JOIN documents d ON d.number = m.document WHERE m.run > ?1
    UNION SELECT binder FROM past_places WHERE ended_run > ?1
    UNION SELECT binder FROM past_versions WHERE ended_run > ?1 OR freed_run > ?1";

/// A current document by its number.
const ONE: &str = "
    SELECT d.id, d.version, d.binder, d.file_name, d.path, d.size, d.sha256, d.mtime, d.mirrored_at, m.json
    FROM documents d LEFT JOIN metadata m ON m.document = d.number WHERE d.number = ?1";

impl Reader<'_> {
    /// When each binder was read.
    pub fn binder_marks(&self) -> Result<Vec<BinderMark>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT b.id, b.schema_changed_at, r.number, coalesce(r.finished_at, r.started_at)
             FROM binders b LEFT JOIN runs r ON r.number = b.listed_run",
        )?;
        let rows = statement.query_map([], |row| {
            let listed: Option<i64> = row.get(2)?;
            let listed = listed.map(|run| Ok::<_, rusqlite::Error>((run, row.get(3)?))).transpose()?;
            Ok(BinderMark { id: row.get(0)?, schema_changed_at: row.get(1)?, listed })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The ids of binders in which anything changed after a run. Reads all documents once.
    pub fn binders_changed_after(&self, run: i64) -> Result<HashSet<String>, Error> {
        let mut statement = self.0.prepare_cached(CHANGED)?;
        let rows = statement.query_map([run], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether bytes of old versions were deleted after a run.
    pub fn has_freed_after(&self, run: i64) -> Result<bool, Error> {
        Ok(self.0.prepare_cached("SELECT 1 FROM past_versions WHERE freed_run > ?1 LIMIT 1")?.exists([run])?)
    }

    /// The number of the latest run; 0 if there is none.
    pub fn latest_run(&self) -> Result<i64, Error> {
        Ok(self.0.query_row("SELECT coalesce(max(number), 0) FROM runs", [], |row| row.get(0))?)
    }

    /// The binders in which a document is or was.
    pub fn binders_of(&self, document: &DocumentId) -> Result<HashSet<String>, Error> {
        let mut statement = self.0.prepare(
            "SELECT binder FROM documents WHERE id = ?1 UNION SELECT binder FROM past_places WHERE document = ?1
             UNION SELECT binder FROM past_versions WHERE document = ?1",
        )?;
        let rows = statement.query_map([document.as_str()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Calls `each` for every document of a binder in path order. Only one row and the rows' numbers are in memory.
    pub fn catalogue_of<E: From<Error>>(
        &self,
        binder: &str,
        mut each: impl FnMut(&Catalogued) -> Result<(), E>,
    ) -> Result<(), E> {
        let numbers = self.numbers_in_order(binder)?;
        let mut statement = self.0.prepare_cached(ONE).map_err(Error::from)?;
        for number in numbers {
            let mut rows = statement.query([number]).map_err(Error::from)?;
            let Some(row) = rows.next().map_err(Error::from)? else { continue };
            let metadata = row.get(9).map_err(Error::from)?;
            each(&Catalogued { metadata, ..catalogued(row)? })?;
        }
        Ok(())
    }

    fn numbers_in_order(&self, binder: &str) -> Result<Vec<i64>, Error> {
        let mut statement =
            self.0.prepare_cached("SELECT number FROM documents WHERE binder = ?1 ORDER BY path_key")?;
        let rows = statement.query_map([binder], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The versions that a document had before, newest first.
    pub fn earlier_versions(&self, document: &str) -> Result<Vec<EarlierVersion>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT version, coalesce(version_size, size), sha256, held_sha256 IS NOT NULL, mirrored_at
             FROM past_versions WHERE document = ?1 AND version <> ?2 AND first_run < ended_run ORDER BY number DESC",
        )?;
        let rows = statement.query_and_then(params![document, FOUND], |row| -> Result<_, Error> {
            Ok(EarlierVersion {
                version: row.get(0)?,
                size: row.get::<_, i64>(1)?.cast_unsigned(),
                sha256: sha256(&row.get::<_, Vec<u8>>(2)?)?,
                held: row.get(3)?,
                mirrored_at: row.get(4)?,
            })
        })?;
        rows.collect()
    }
}
