//! What a handover reads: every version, and what is missing. And how a copy of the state is reduced to some binders.

use std::rc::Rc;

use rusqlite::{Row, params, types::Value};

use super::{
    Error, Reader, Writer,
    documents::{id, sha256},
    history::path,
};
use crate::model::{DocumentId, Failure, RelPath, Sha256, VersionId};

/// A version, current or past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// The document.
    pub document: DocumentId,
    /// The version.
    pub version: VersionId,
    /// Its binder, then.
    pub binder: String,
    /// Its name at the service, then.
    pub file_name: String,
    /// The path of its file, then.
    pub path: RelPath,
    /// The version's size in bytes.
    pub size: u64,
    /// The hash of the version's bytes.
    pub sha256: Sha256,
    /// The hash and size of the bytes that are kept. They differ from the version's if its file had been edited.
    pub held: Option<(Sha256, u64)>,
    /// The modification time of its file, in nanoseconds since the epoch.
    pub mtime: i64,
    /// The run that mirrored it.
    pub first_run: i64,
    /// When it was mirrored, in seconds since the epoch.
    pub mirrored_at: i64,
    /// Its end; `None` if it is current.
    pub ended: Option<Ended>,
    /// The inode of the current version's file.
    pub inode: Option<u64>,
}

/// How a version left the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The run that took it out of the tree.
    pub run: i64,
    /// When, in seconds since the epoch.
    pub at: i64,
    /// Why: replaced or removed.
    pub cause: String,
    /// The run whose retention deleted the bytes.
    pub freed_run: Option<i64>,
}

/// The last run, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// Its number.
    pub number: i64,
    /// Its id.
    pub id: String,
    /// When it ended, in seconds since the epoch; `None` if it is active or was killed.
    pub finished_at: Option<i64>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Whether the mirror had everything that the service listed.
    pub whole: bool,
}

/// A version that may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The document.
    pub document: DocumentId,
    /// The version.
    pub version: VersionId,
    /// The path of the document, if an earlier version is mirrored.
    pub path: Option<String>,
}

const CURRENT: &str = "
    SELECT id, version, binder, file_name, path, size, sha256, sha256, size, mtime, version_run, mirrored_at,
        NULL, NULL, NULL, NULL, inode
    FROM documents ORDER BY path_key";

const PAST: &str = "
    SELECT document, version, binder, file_name, path, coalesce(version_size, size), sha256, held_sha256, size, mtime,
        first_run, mirrored_at, ended_run, ended_at, cause, freed_run, NULL
    FROM past_versions ORDER BY path, document, number";

const HELD: &str = "
    SELECT document, version, binder, file_name, path, coalesce(version_size, size), sha256, held_sha256, size, mtime,
        first_run, mirrored_at, ended_run, ended_at, cause, freed_run, NULL
    FROM past_versions WHERE held_sha256 IS NOT NULL ORDER BY document, number";

impl Reader<'_> {
    /// Calls `each` for every version until it returns `false`: first those in the tree, then the past ones.
    pub fn versions<E: From<Error>>(&self, mut each: impl FnMut(VersionRow) -> Result<bool, E>) -> Result<(), E> {
        for query in [CURRENT, PAST] {
            if !self.each_version(query, &mut each)? {
                break;
            }
        }
        Ok(())
    }

    /// Calls `each` for every old version whose bytes are kept, by document and oldest first.
    pub fn each_held_version<E: From<Error>>(
        &self,
        mut each: impl FnMut(VersionRow) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_version(HELD, &mut |row| each(row).map(|()| true)).map(drop)
    }

    /// Whether `each` never returned `false`.
    fn each_version<E: From<Error>>(
        &self,
        query: &str,
        each: &mut dyn FnMut(VersionRow) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let mut statement = self.0.prepare_cached(query).map_err(Error::from)?;
        let mut rows = statement.query([]).map_err(Error::from)?;
        while let Some(row) = rows.next().map_err(Error::from)? {
            if !each(version(row)?)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The last run.
    pub fn last_mirror_run(&self) -> Result<Option<LastRun>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT number, id, finished_at, outcome, whole FROM runs WHERE command IN ('run', 'adopt')
             ORDER BY number DESC LIMIT 1",
        )?;
        let mut rows = statement.query([])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(LastRun {
            number: row.get(0)?,
            id: row.get(1)?,
            finished_at: row.get(2)?,
            outcome: row.get(3)?,
            whole: row.get(4)?,
        }))
    }

    /// Documents that failed, and that are not mirrored in the version that is listed.
    pub fn unresolved_failures(&self) -> Result<Vec<Failure>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT document, binder, version, file_name, error FROM failures f WHERE NOT EXISTS
             (SELECT 1 FROM documents d WHERE d.id = f.document AND d.version IS f.version) ORDER BY file_name, document",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Failure {
                document_id: row.get(0)?,
                binder_id: row.get(1)?,
                version_id: row.get(2)?,
                file_name: row.get(3)?,
                error: row.get(4)?,
                ..Failure::default()
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Versions whose absence was acknowledged.
    pub fn acknowledged_versions(&self) -> Result<Vec<Acknowledged>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT a.document, a.version, d.path FROM acknowledged a LEFT JOIN documents d ON d.id = a.document
             ORDER BY d.path, a.document",
        )?;
        let rows = statement.query_and_then([], |row| {
            Ok(Acknowledged {
                document: id(&row.get::<_, String>(0)?, DocumentId::parse)?,
                version: id(&row.get::<_, String>(1)?, VersionId::parse)?,
                path: row.get(2)?,
            })
        })?;
        rows.collect()
    }
}

fn version(row: &Row<'_>) -> Result<VersionRow, Error> {
    let hash = |column: usize| -> Result<Option<Sha256>, Error> {
        row.get::<_, Option<Vec<u8>>>(column)?.map(|bytes| sha256(&bytes)).transpose()
    };
    let held_size = row.get::<_, i64>(8)?.cast_unsigned();
    let ended = match row.get::<_, Option<i64>>(12)? {
        Some(run) => Some(Ended { run, at: row.get(13)?, cause: row.get(14)?, freed_run: row.get(15)? }),
        None => None,
    };
    Ok(VersionRow {
        document: id(&row.get::<_, String>(0)?, DocumentId::parse)?,
        version: id(&row.get::<_, String>(1)?, VersionId::parse)?,
        binder: row.get(2)?,
        file_name: row.get(3)?,
        path: path(&row.get::<_, String>(4)?)?,
        size: row.get::<_, i64>(5)?.cast_unsigned(),
        sha256: sha256(&row.get::<_, Vec<u8>>(6)?)?,
        held: hash(7)?.map(|held| (held, held_size)),
        mtime: row.get(9)?,
        first_run: row.get(10)?,
        mirrored_at: row.get(11)?,
        ended,
        inode: row.get::<_, Option<i64>>(16)?.map(i64::cast_unsigned),
    })
}

/// What goes from a copy that keeps the binders ?1, in this order. A version stays if its document is in one of them, or was
/// when the version ended.
const OTHERS: [&str; 11] = [
    "DELETE FROM acknowledged WHERE document IN (SELECT id FROM documents WHERE binder NOT IN (SELECT value FROM rarray(?1)))",
    "DELETE FROM documents WHERE binder NOT IN (SELECT value FROM rarray(?1))",
    "DELETE FROM metadata WHERE document NOT IN (SELECT number FROM documents)",
    "DELETE FROM past_versions WHERE binder NOT IN (SELECT value FROM rarray(?1)) AND document NOT IN (SELECT id FROM documents)",
    "DELETE FROM past_places WHERE binder NOT IN (SELECT value FROM rarray(?1)) AND document NOT IN (SELECT id FROM documents)",
    "DELETE FROM past_metadata WHERE document NOT IN (SELECT id FROM documents UNION SELECT document FROM past_versions)",
    "DELETE FROM failures WHERE binder NOT IN (SELECT value FROM rarray(?1))",
    "DELETE FROM withheld WHERE document NOT IN (SELECT id FROM documents)",
    "DELETE FROM provisional WHERE document NOT IN (SELECT id FROM documents)",
    "DELETE FROM folders WHERE binder NOT IN (SELECT value FROM rarray(?1))",
    "DELETE FROM binders WHERE id NOT IN (SELECT value FROM rarray(?1))",
];

impl Writer<'_> {
    /// Removes everything about other binders. Only for copies: nothing in the tree changes with it.
    pub fn keep_binders(&self, binders: &[String]) -> Result<(), Error> {
        let binders: Rc<Vec<Value>> = Rc::new(binders.iter().cloned().map(Value::Text).collect());
        for query in OTHERS {
            let takes_binders = query.contains("?1");
            let mut statement = self.0.prepare(query)?;
            if takes_binders {
                statement.execute(params![binders])?
            } else {
                statement.execute([])?
            };
        }
        Ok(())
    }
}
