//! Every document with its data for a catalogue, now or at the end of a run.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Error, Reader, documents::sha256};
use crate::model::Sha256;

/// A mirrored document with its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogued {
    /// Its id.
    pub document: String,
    /// The version in its file.
    pub version: String,
    /// Its binder's id.
    pub binder: String,
    /// Its name at the service.
    pub file_name: String,
    /// The path of its file.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The hash of the version's bytes.
    pub sha256: Sha256,
    /// The file's modification time, in nanoseconds since the epoch.
    pub mtime: i64,
    /// When this version was mirrored, in seconds since the epoch.
    pub mirrored_at: i64,
    /// Its metadata as the service sent them.
    pub metadata: Option<String>,
}

/// A binder's data for a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Its id.
    pub binder: String,
    /// Its name at the service.
    pub name: String,
    /// Its metadata elements as the service last sent them.
    pub schema: Option<String>,
}

/// The current documents, in the order of an index.
const NOW: &str = "
    SELECT d.id, d.version, d.binder, d.file_name, d.path, d.size, d.sha256, d.mtime, d.mirrored_at, m.json
    FROM documents d LEFT JOIN metadata m ON m.document = d.number ORDER BY d.path_key";

/// The documents at the end of run ?1, like `TREE` in `history`.
const THEN: &str = "
    SELECT d.id, d.version, coalesce(p.binder, d.binder), coalesce(p.file_name, d.file_name), coalesce(p.path, d.path) AS path,
        d.size, d.sha256, d.mtime, d.mirrored_at
    FROM documents d LEFT JOIN past_places p
        ON d.place_run > ?1 AND p.document = d.id AND p.first_run <= ?1 AND p.ended_run > ?1
    WHERE d.version_run <= ?1
    UNION ALL
    SELECT v.document, v.version, coalesce(p.binder, v.binder), coalesce(p.file_name, v.file_name), coalesce(p.path, v.path),
        coalesce(v.version_size, v.size), v.sha256, v.mtime, v.mirrored_at
    FROM past_versions v LEFT JOIN past_places p
        ON v.place_run > ?1 AND p.document = v.document AND p.first_run <= ?1 AND p.ended_run > ?1
    WHERE v.first_run <= ?1 AND v.ended_run > ?1
    ORDER BY path";

/// The metadata of document ?1 at the end of run ?2.
const METADATA: &str = "
    SELECT json FROM metadata WHERE document = (SELECT number FROM documents WHERE id = ?1) AND run <= ?2
    UNION ALL
    SELECT json FROM past_metadata WHERE document = ?1 AND first_run <= ?2 AND ended_run > ?2 LIMIT 1";

impl Reader<'_> {
    /// Calls `each` for every document in path order, at the end of a run or now, until it returns `false`. Only one row is
    /// in memory at a time.
    pub fn catalogue<E: From<Error>>(
        &self,
        then: Option<i64>,
        mut each: impl FnMut(&Catalogued) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut statement = self.0.prepare_cached(if then.is_some() { THEN } else { NOW }).map_err(Error::from)?;
        let mut metadata = self.0.prepare_cached(METADATA).map_err(Error::from)?;
        let mut rows = match then {
            Some(run) => statement.query([run]),
            None => statement.query([]),
        }
        .map_err(Error::from)?;
        while let Some(row) = rows.next().map_err(Error::from)? {
            let mut document = catalogued(row)?;
            document.metadata = match then {
                None => row.get(9).map_err(Error::from)?,
                Some(run) => {
                    let found = metadata.query_row(params![document.document, run], |row| row.get(0));
                    found.optional().map_err(Error::from)?
                }
            };
            if !each(&document)? {
                break;
            }
        }
        Ok(())
    }

    /// The binders' names and metadata elements.
    pub fn labels(&self) -> Result<Vec<Labels>, Error> {
        let mut statement = self.0.prepare_cached("SELECT id, name, schema FROM binders ORDER BY id")?;
        let rows = statement
            .query_map([], |row| Ok(Labels { binder: row.get(0)?, name: row.get(1)?, schema: row.get(2)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The name of a tab or folder.
    pub fn folder_name(&self, binder: &str, folder: &str) -> Result<Option<String>, Error> {
        let mut statement =
            self.0.prepare_cached("SELECT name FROM folders WHERE binder = ?1 AND id = ?2 AND known = 1")?;
        Ok(statement.query_row([binder, folder], |row| row.get(0)).optional()?)
    }
}

pub(super) fn catalogued(row: &Row<'_>) -> Result<Catalogued, Error> {
    Ok(Catalogued {
        document: row.get(0)?,
        version: row.get(1)?,
        binder: row.get(2)?,
        file_name: row.get(3)?,
        path: row.get(4)?,
        size: row.get::<_, i64>(5)?.cast_unsigned(),
        sha256: sha256(&row.get::<_, Vec<u8>>(6)?)?,
        mtime: row.get(7)?,
        mirrored_at: row.get(8)?,
        metadata: None,
    })
}
