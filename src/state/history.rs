//! What was: the tree at the end of any run, and everything that is known of one document.
//!
//! Nothing is reconstructed by going back step by step. Each row says from which run up to which it
//! held: `documents`, `metadata` and the rows before them in `past_versions`, `past_places` and
//! `past_metadata`. A version was in the tree at the end of a run if it came in that run or before
//! and had not ended by then; its place is the one that held then, which may have been another
//! than the one it ended at.

use rusqlite::{Row, params};

use super::{
    Error, Reader,
    documents::{id, sha256},
};
use crate::model::{DocumentId, RelPath, Sha256, Stamp, VersionId};

/// A run, or another command that changed the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    /// Its number: runs are ordered by it.
    pub number: i64,
    /// Its id.
    pub id: String,
    /// When it began, seconds since the epoch.
    pub started_at: i64,
    /// When it ended; none: it is at work, or was killed.
    pub finished_at: Option<i64>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The command.
    pub command: String,
    /// Whether the mirror held everything that the service listed.
    pub whole: bool,
    /// What it changed, as JSON; none: nothing is known.
    pub changes: Option<String>,
}

/// A document as it was mirrored at some time, and where its bytes are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The document.
    pub document: DocumentId,
    /// The version that its file held.
    pub version: VersionId,
    /// Where its file was.
    pub path: RelPath,
    /// The version's size in bytes.
    pub size: u64,
    /// The hash of the version's bytes.
    pub sha256: Sha256,
    /// The time that its file had, nanoseconds since the epoch.
    pub mtime: i64,
    /// A file of the present tree that should hold these bytes, with the stamp that it got.
    pub file: Option<(RelPath, Stamp)>,
    /// Whether `objects/` should hold these bytes.
    pub object: bool,
    /// What is held instead, where somebody had edited the file before it left.
    pub edited: Option<Sha256>,
    /// Whether retention let the bytes go.
    pub freed: bool,
}

/// A version of a document, from one run up to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSpan {
    /// Its id.
    pub version: VersionId,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// The time that its file had, nanoseconds since the epoch.
    pub mtime: i64,
    /// The run that brought it.
    pub first_run: i64,
    /// The run that took it out of the tree; none: it is there.
    pub ended_run: Option<i64>,
    /// Why it left: replaced or removed.
    pub cause: Option<String>,
    /// What is held in `objects/`; another hash than the version's if the file had been edited.
    pub held: Option<Sha256>,
    /// The run whose retention let the bytes go.
    pub freed_run: Option<i64>,
}

/// A place and name of a document, from one run up to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceSpan {
    /// Where its file was.
    pub path: RelPath,
    /// What the service called it.
    pub file_name: String,
    /// The binder's id.
    pub binder: String,
    /// The run that put it there.
    pub first_run: i64,
    /// The run that took it away; none: it is there.
    pub ended_run: Option<i64>,
}

/// A document's metadata, from one run up to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataSpan {
    /// As the service sent them.
    pub json: String,
    /// The run that brought them.
    pub first_run: i64,
    /// The run in which they ended; none: they hold.
    pub ended_run: Option<i64>,
}

/// Everything that is known of a document, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Its id.
    pub document: DocumentId,
    /// Its versions.
    pub versions: Vec<VersionSpan>,
    /// Its places.
    pub places: Vec<PlaceSpan>,
    /// Its metadata.
    pub metadata: Vec<MetadataSpan>,
}

/// The tree at the end of run ?1. A place is looked for among the past ones only where the present
/// or last one came later; `held` and `freed` are of a version that has left.
const TREE: &str = "
    SELECT d.id AS document, d.version, coalesce(p.path, d.path) AS path, d.size, d.sha256, d.mtime,
        d.number AS file, NULL AS held, 0 AS freed
    FROM documents d LEFT JOIN past_places p
        ON d.place_run > ?1 AND p.document = d.id AND p.first_run <= ?1 AND p.ended_run > ?1
    WHERE d.version_run <= ?1
    UNION ALL
    SELECT v.document, v.version, coalesce(p.path, v.path), coalesce(v.version_size, v.size), v.sha256, v.mtime,
        c.number, v.held_sha256, v.freed_run IS NOT NULL
    FROM past_versions v LEFT JOIN past_places p
        ON v.place_run > ?1 AND p.document = v.document AND p.first_run <= ?1 AND p.ended_run > ?1
    LEFT JOIN present c ON c.sha256 = v.sha256
    WHERE v.first_run <= ?1 AND v.ended_run > ?1";

/// Files of the tree by content, of the contents that the end of run ?1 had and that have left since. It is
/// gathered once: each past version would be looked for in all documents otherwise.
const PRESENT: &str = "
    present AS MATERIALIZED (SELECT sha256, min(number) AS number FROM documents
        WHERE sha256 IN (SELECT sha256 FROM past_versions WHERE first_run <= ?1 AND ended_run > ?1) GROUP BY sha256)";

/// A version wherever it is, present or past.
const VERSION: &str = "
    SELECT d.id AS document, d.version, d.path, d.size, d.sha256, d.mtime, d.number AS file, NULL AS held, 0 AS freed,
        1 AS present, 0 AS row
    FROM documents d WHERE d.version = ?1
    UNION ALL
    SELECT v.document, v.version, v.path, coalesce(v.version_size, v.size), v.sha256, v.mtime,
        (SELECT c.number FROM documents c WHERE c.sha256 = v.sha256 LIMIT 1), v.held_sha256, v.freed_run IS NOT NULL,
        0, v.number
    FROM past_versions v WHERE v.version = ?1";

/// What of [`Remembered`] is asked for, of rows like those.
const MIRRORED: &str = "t.document, t.version, t.path, t.size, t.sha256, t.mtime, f.path, f.inode, f.size, f.mtime,
    EXISTS (SELECT 1 FROM past_versions h WHERE h.held_sha256 = t.sha256), t.held, t.freed";

impl Reader<'_> {
    /// Every run, oldest first.
    pub fn past_runs(&self) -> Result<Vec<PastRun>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT number, id, started_at, finished_at, outcome, command, whole, changes FROM runs ORDER BY number",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(PastRun {
                number: row.get(0)?,
                id: row.get(1)?,
                started_at: row.get(2)?,
                finished_at: row.get(3)?,
                outcome: row.get(4)?,
                command: row.get(5)?,
                whole: row.get(6)?,
                changes: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The tree at the end of a run, in the order of its paths, until `each` says that it is enough.
    pub fn tree_at<E: From<Error>>(
        &self,
        run: i64,
        mut each: impl FnMut(Remembered) -> Result<bool, E>,
    ) -> Result<(), E> {
        let sql = format!(
            "WITH {PRESENT} SELECT {MIRRORED} FROM ({TREE}) t LEFT JOIN documents f ON f.number = t.file
             ORDER BY t.path, t.document"
        );
        let mut statement = self.0.prepare_cached(&sql).map_err(Error::from)?;
        let mut rows = statement.query([run]).map_err(Error::from)?;
        while let Some(row) = rows.next().map_err(Error::from)? {
            if !each(mirrored(row)?)? {
                break;
            }
        }
        Ok(())
    }

    /// A version, as it was last mirrored.
    pub fn version(&self, version: &VersionId) -> Result<Option<Remembered>, Error> {
        let sql = format!(
            "SELECT {MIRRORED} FROM ({VERSION}) t LEFT JOIN documents f ON f.number = t.file
             ORDER BY t.present DESC, t.row DESC LIMIT 1"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query([version.as_str()])?;
        rows.next()?.map(mirrored).transpose()
    }

    /// The documents that are or were at a path.
    pub fn documents_at(&self, path: &str) -> Result<Vec<DocumentId>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT id FROM documents WHERE path = ?1 UNION SELECT document FROM past_versions WHERE path = ?1
             UNION SELECT document FROM past_places WHERE path = ?1",
        )?;
        let rows = statement.query_and_then([path], |row| id(&row.get::<_, String>(0)?, DocumentId::parse))?;
        rows.collect()
    }

    /// Everything that is known of a document; none where it was never mirrored.
    pub fn life(&self, document: &DocumentId) -> Result<Option<Life>, Error> {
        let versions = self.versions_of(document)?;
        if versions.is_empty() {
            return Ok(None);
        }
        let (places, metadata) = (self.places_of(document)?, self.metadata_of(document)?);
        Ok(Some(Life { document: document.clone(), versions, places, metadata }))
    }

    fn versions_of(&self, document: &DocumentId) -> Result<Vec<VersionSpan>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT version, coalesce(version_size, size), sha256, mtime, first_run, ended_run, cause, held_sha256,
                 freed_run, number AS place FROM past_versions WHERE document = ?1
             UNION ALL
             SELECT version, size, sha256, mtime, version_run, NULL, NULL, NULL, NULL, ?2 FROM documents WHERE id = ?1
             ORDER BY place",
        )?;
        let rows = statement.query_and_then(params![document.as_str(), i64::MAX], |row| {
            Ok(VersionSpan {
                version: id(&row.get::<_, String>(0)?, VersionId::parse)?,
                size: row.get::<_, i64>(1)?.cast_unsigned(),
                sha256: sha256(&row.get::<_, Vec<u8>>(2)?)?,
                mtime: row.get(3)?,
                first_run: row.get(4)?,
                ended_run: row.get(5)?,
                cause: row.get(6)?,
                held: row.get::<_, Option<Vec<u8>>>(7)?.map(|bytes| sha256(&bytes)).transpose()?,
                freed_run: row.get(8)?,
            })
        })?;
        rows.collect()
    }

    /// The last place of a document that was removed is with its last version.
    fn places_of(&self, document: &DocumentId) -> Result<Vec<PlaceSpan>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT * FROM (
             SELECT path, file_name, binder, first_run, ended_run FROM past_places WHERE document = ?1
             UNION ALL
             SELECT path, file_name, binder, place_run, ended_run FROM past_versions
             WHERE document = ?1 AND cause = 'removed'
             UNION ALL
             SELECT path, file_name, binder, place_run, NULL FROM documents WHERE id = ?1
             ) ORDER BY first_run, ended_run IS NULL, ended_run",
        )?;
        let rows = statement.query_and_then([document.as_str()], |row| {
            Ok(PlaceSpan {
                path: path(&row.get::<_, String>(0)?)?,
                file_name: row.get(1)?,
                binder: row.get(2)?,
                first_run: row.get(3)?,
                ended_run: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    fn metadata_of(&self, document: &DocumentId) -> Result<Vec<MetadataSpan>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT * FROM (
             SELECT json, first_run, ended_run FROM past_metadata WHERE document = ?1
             UNION ALL
             SELECT json, run, NULL FROM metadata WHERE document = (SELECT number FROM documents WHERE id = ?1)
             ) ORDER BY first_run, ended_run IS NULL, ended_run",
        )?;
        let rows = statement.query_map([document.as_str()], |row| {
            Ok(MetadataSpan { json: row.get(0)?, first_run: row.get(1)?, ended_run: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn path(text: &str) -> Result<RelPath, Error> {
    RelPath::new(text).map_err(|e| Error::Odd(e.to_string()))
}

fn mirrored(row: &Row<'_>) -> Result<Remembered, Error> {
    let wanted = sha256(&row.get::<_, Vec<u8>>(4)?)?;
    let file = match row.get::<_, Option<String>>(6)? {
        Some(text) => {
            let (inode, size): (i64, i64) = (row.get(7)?, row.get(8)?);
            let stamp = Stamp { inode: inode.cast_unsigned(), size: size.cast_unsigned(), mtime: row.get(9)? };
            Some((path(&text)?, stamp))
        }
        None => None,
    };
    let held = row.get::<_, Option<Vec<u8>>>(11)?.map(|bytes| sha256(&bytes)).transpose()?;
    Ok(Remembered {
        document: id(&row.get::<_, String>(0)?, DocumentId::parse)?,
        version: id(&row.get::<_, String>(1)?, VersionId::parse)?,
        path: path(&row.get::<_, String>(2)?)?,
        size: row.get::<_, i64>(3)?.cast_unsigned(),
        sha256: wanted,
        mtime: row.get(5)?,
        file,
        object: row.get(10)?,
        edited: held.filter(|held| *held != wanted),
        freed: row.get(12)?,
    })
}
