//! History: the runs, and all that is known about one document.
//!
//! No state is rebuilt step by step. Each row says from which run to which it was valid: `documents`, `metadata` and their
//! predecessors in `past_versions`, `past_places` and `past_metadata`. A version was in the tree at the end of a run if it
//! came in that run or earlier and had not ended by then. Its place is the one that was valid then, which may differ from
//! the place at which it ended.

use rusqlite::{Row, params};

use super::{
    Error, Reader,
    documents::{id, sha256},
};
use crate::model::{DocumentId, RelPath, Sha256, Stamp, VersionId};

/// A run, or another command that changed the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    /// Its number, which orders runs.
    pub number: i64,
    /// Its id.
    pub id: String,
    /// When it began, in seconds since the epoch.
    pub started_at: i64,
    /// When it ended; `None` if it is active or was killed.
    pub finished_at: Option<i64>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The command.
    pub command: String,
    /// Whether the mirror had everything that the service listed.
    pub whole: bool,
    /// Its changes as JSON; `None` if unknown.
    pub changes: Option<String>,
}

/// A document as it was mirrored at some time, and where its bytes are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastDocument {
    /// The document.
    pub document: DocumentId,
    /// The version in its file.
    pub version: VersionId,
    /// The path of its file.
    pub path: RelPath,
    /// The version's size in bytes.
    pub size: u64,
    /// The hash of the version's bytes.
    pub sha256: Sha256,
    /// The modification time of its file, in nanoseconds since the epoch.
    pub mtime: i64,
    /// A file in the current tree that should have these bytes, with its recorded stamp.
    pub file: Option<(RelPath, Stamp)>,
    /// Whether `objects/` should have these bytes; not asked for a version that is current.
    pub object: bool,
    /// The hash of the bytes that are kept instead, if the file had been edited before it was replaced or removed.
    pub edited: Option<Sha256>,
    /// Whether retention deleted the bytes.
    pub freed: bool,
}

/// A version of a document, from one run to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSpan {
    /// Its id.
    pub version: VersionId,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// The modification time of its file, in nanoseconds since the epoch.
    pub mtime: i64,
    /// The run that mirrored it.
    pub first_run: i64,
    /// The run that took it out of the tree; `None` if it is current.
    pub ended_run: Option<i64>,
    /// Why it ended: replaced or removed.
    pub cause: Option<String>,
    /// The hash of the kept object; differs from the version's if the file had been edited.
    pub held: Option<Sha256>,
    /// The run whose retention deleted the bytes.
    pub freed_run: Option<i64>,
}

/// A document's place and name, from one run to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceSpan {
    /// The path of its file.
    pub path: RelPath,
    /// Its name at the service.
    pub file_name: String,
    /// The binder's id.
    pub binder: String,
    /// The run that moved it there.
    pub first_run: i64,
    /// The run that moved it away; `None` if it is current.
    pub ended_run: Option<i64>,
}

/// A document's metadata, from one run to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataSpan {
    /// As the service sent them.
    pub json: String,
    /// The run in which they came.
    pub first_run: i64,
    /// The run in which they ended; `None` if they are current.
    pub ended_run: Option<i64>,
}

/// Everything known about a document, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentTimeline {
    /// Its id.
    pub document: DocumentId,
    /// Its versions.
    pub versions: Vec<VersionSpan>,
    /// Its places.
    pub places: Vec<PlaceSpan>,
    /// Its metadata.
    pub metadata: Vec<MetadataSpan>,
}

/// A version, current or past.
const VERSION: &str = "
    SELECT d.id AS document, d.version, d.path, d.size, d.sha256, d.mtime, d.number AS file, NULL AS held, 0 AS freed,
        1 AS present, 0 AS row
    FROM documents d WHERE d.version = ?1
    UNION ALL
    SELECT v.document, v.version, v.path, coalesce(v.version_size, v.size), v.sha256, v.mtime,
        (SELECT c.number FROM documents c WHERE c.sha256 = v.sha256 LIMIT 1), v.held_sha256, v.freed_run IS NOT NULL,
        0, v.number
    FROM past_versions v WHERE v.version = ?1";

/// The columns of [`PastDocument`], for the rows above.
const MIRRORED: &str = "t.document, t.version, t.path, t.size, t.sha256, t.mtime, f.path, f.inode, f.size, f.mtime,
    EXISTS (SELECT 1 FROM past_versions h WHERE h.held_sha256 = t.sha256), t.held, t.freed";

/// The versions of document ?1; the current one comes last, at ?2.
pub(super) const VERSIONS_OF: &str = "
    SELECT version, coalesce(version_size, size), sha256, mtime, first_run, ended_run, cause, held_sha256, freed_run,
        number AS place FROM past_versions WHERE document = ?1
    UNION ALL
    SELECT version, size, sha256, mtime, version_run, NULL, NULL, NULL, NULL, ?2 FROM documents WHERE id = ?1
    ORDER BY place";

/// The places of document ?1. The last one of a removed document is stored with its last version.
pub(super) const PLACES_OF: &str = "
    SELECT * FROM (
        SELECT path, file_name, binder, first_run, ended_run FROM past_places WHERE document = ?1
        UNION ALL
        SELECT path, file_name, binder, place_run, ended_run FROM past_versions WHERE document = ?1 AND cause = 'removed'
        UNION ALL
        SELECT path, file_name, binder, place_run, NULL FROM documents WHERE id = ?1
    ) ORDER BY first_run, ended_run IS NULL, ended_run";

/// The metadata of document ?1.
pub(super) const METADATA_OF: &str = "
    SELECT * FROM (
        SELECT json, first_run, ended_run FROM past_metadata WHERE document = ?1
        UNION ALL
        SELECT json, run, NULL FROM metadata WHERE document = (SELECT number FROM documents WHERE id = ?1)
    ) ORDER BY first_run, ended_run IS NULL, ended_run";

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

    /// A version, as it was last mirrored.
    pub fn version(&self, version: &VersionId) -> Result<Option<PastDocument>, Error> {
        let sql = format!(
            "SELECT {MIRRORED} FROM ({VERSION}) t LEFT JOIN documents f ON f.number = t.file
             ORDER BY t.present DESC, t.row DESC LIMIT 1"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query([version.as_str()])?;
        rows.next()?.map(mirrored).transpose()
    }

    /// Everything known about a document; `None` if it was never mirrored.
    pub fn timeline(&self, document: &DocumentId) -> Result<Option<DocumentTimeline>, Error> {
        let versions = self.versions_of(document)?;
        if versions.is_empty() {
            return Ok(None);
        }
        let (places, metadata) = (self.places_of(document)?, self.metadata_of(document)?);
        Ok(Some(DocumentTimeline { document: document.clone(), versions, places, metadata }))
    }

    /// A document's versions, oldest first.
    pub fn versions_of(&self, document: &DocumentId) -> Result<Vec<VersionSpan>, Error> {
        let mut statement = self.0.prepare_cached(VERSIONS_OF)?;
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

    /// A document's places, oldest first.
    pub fn places_of(&self, document: &DocumentId) -> Result<Vec<PlaceSpan>, Error> {
        let mut statement = self.0.prepare_cached(PLACES_OF)?;
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
        let mut statement = self.0.prepare_cached(METADATA_OF)?;
        let rows = statement.query_map([document.as_str()], |row| {
            Ok(MetadataSpan { json: row.get(0)?, first_run: row.get(1)?, ended_run: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

pub(super) fn path(text: &str) -> Result<RelPath, Error> {
    RelPath::new(text).map_err(|e| Error::InvalidValue(e.to_string()))
}

pub(super) fn mirrored(row: &Row<'_>) -> Result<PastDocument, Error> {
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
    Ok(PastDocument {
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
