//! All mirrored documents, one at a time.

use super::{
    Error, Reader,
    documents::{id, sha256},
};
use crate::model::{BinderId, DocumentId, Sha256, VersionId};

/// A mirrored document that borrows from its row.
#[derive(Debug)]
pub struct Mirrored<'r> {
    /// Its id.
    pub id: DocumentId,
    /// The version in its file.
    pub version: VersionId,
    /// Its binder.
    pub binder: BinderId,
    /// The path of its file.
    pub path: &'r str,
    /// The size in bytes.
    pub size: u64,
    /// The hash of the version's bytes.
    pub sha256: Sha256,
    /// Its metadata as the service sent them.
    pub metadata: Option<&'r str>,
    /// The file's modification time, in nanoseconds since the epoch.
    pub mtime: i64,
}

/// Totals over all documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// The number of documents.
    pub documents: u64,
    /// Their total size in bytes.
    pub bytes: u64,
}

impl Reader<'_> {
    /// The number and total size of the mirrored documents.
    pub fn totals(&self) -> Result<Totals, Error> {
        let row = self.0.query_row("SELECT count(*), coalesce(sum(size), 0) FROM documents", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?;
        Ok(Totals { documents: row.0.unsigned_abs(), bytes: row.1.unsigned_abs() })
    }

    /// Calls `each` for every document, in the order of an index on normalised paths: nothing is sorted, and only one row
    /// is in memory.
    pub fn inventory<E: From<Error>>(&self, mut each: impl FnMut(&Mirrored<'_>) -> Result<(), E>) -> Result<(), E> {
        let query = "SELECT d.id, d.version, d.binder, d.path, d.size, d.sha256, m.json, d.mtime
             FROM documents d LEFT JOIN metadata m ON m.document = d.number ORDER BY d.path_key";
        let mut statement = self.0.prepare_cached(query).map_err(Error::from)?;
        let mut rows = statement.query([]).map_err(Error::from)?;
        while let Some(row) = rows.next().map_err(Error::from)? {
            each(&mirrored(row)?)?;
        }
        Ok(())
    }
}

fn mirrored<'r>(row: &'r rusqlite::Row<'_>) -> Result<Mirrored<'r>, Error> {
    let invalid = |error: rusqlite::types::FromSqlError| Error::InvalidValue(error.to_string());
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(invalid);
    Ok(Mirrored {
        id: id(text(0)?, DocumentId::parse)?,
        version: id(text(1)?, VersionId::parse)?,
        binder: id(text(2)?, BinderId::parse)?,
        path: text(3)?,
        size: row.get::<_, i64>(4)?.cast_unsigned(),
        sha256: sha256(row.get_ref(5)?.as_blob().map_err(invalid)?)?,
        metadata: row.get_ref(6)?.as_str_or_null().map_err(invalid)?,
        mtime: row.get(7)?,
    })
}
