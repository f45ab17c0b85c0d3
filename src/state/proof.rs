//! Queries for checking the mirror: every row and every object in a stable order.

use std::{collections::HashSet, rc::Rc};

use rusqlite::{Row, params, types::Value};

use super::{
    Error, Known, Reader, Writer,
    documents::{COLUMNS, id, known, sha256},
};
use crate::model::{BinderId, DocumentId, FolderId, Particulars, RelPath, Sha256, Stamp, VersionId};

/// The amount to check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Documents in the tree.
    pub documents: u64,
    /// Objects that rows need.
    pub objects: u64,
    /// Total size of both in bytes.
    pub bytes: u64,
}

/// An object that some row needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededObject {
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// A version that has or had certain bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The document.
    pub document: DocumentId,
    /// Its path at that time.
    pub path: RelPath,
    /// Its record at that time.
    pub particulars: Particulars,
}

/// A document that has or had a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentUse {
    /// The hash of the content's bytes.
    pub sha256: Sha256,
    /// The document.
    pub document: DocumentId,
    /// The path of its file, or the last path that had this content.
    pub path: RelPath,
    /// Whether it is the current version, rather than a kept old one.
    pub is_current: bool,
}

/// A file with the recorded content but another stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restamp {
    /// The document's row.
    pub number: i64,
    /// The stamp in the row.
    pub old: Stamp,
    /// The stamp of the file.
    pub new: Stamp,
}

impl Reader<'_> {
    /// Documents with row numbers above this one, in order.
    pub fn documents_after(&self, number: i64, most: usize) -> Result<Vec<Known>, Error> {
        let mut statement = self
            .0
            .prepare_cached(&format!("SELECT {COLUMNS} FROM documents WHERE number > ?1 ORDER BY number LIMIT ?2"))?;
        let rows = statement.query_and_then(params![number, most.cast_signed()], known)?;
        rows.collect()
    }

    /// Documents whose file should have these bytes. Scans all rows.
    pub fn documents_with(&self, hash: &Sha256) -> Result<Vec<Known>, Error> {
        let mut statement =
            self.0.prepare_cached(&format!("SELECT {COLUMNS} FROM documents WHERE sha256 = ?1 LIMIT 16"))?;
        let rows = statement.query_and_then([hash.as_bytes()], known)?;
        rows.collect()
    }

    /// The documents that have one of these contents, in the tree or as a kept old version, in path order. Reads all documents
    /// once.
    pub fn uses_of(&self, contents: &HashSet<Sha256>) -> Result<Vec<ContentUse>, Error> {
        let contents: Vec<Value> = contents.iter().map(|hash| Value::Blob(hash.as_bytes().to_vec())).collect();
        let mut statement = self.0.prepare_cached(
            "SELECT sha256, id, path, 1 AS is_current FROM documents WHERE sha256 IN (SELECT value FROM rarray(?1))
             UNION
             SELECT held_sha256, document, path, 0 FROM past_versions WHERE held_sha256 IN (SELECT value FROM rarray(?1))
             ORDER BY path, is_current DESC",
        )?;
        let rows = statement.query_and_then([Rc::new(contents)], |row| -> Result<_, Error> {
            let path = RelPath::new(&row.get::<_, String>(2)?).map_err(|e| Error::InvalidValue(e.to_string()))?;
            let document = id(&row.get::<_, String>(1)?, DocumentId::parse)?;
            Ok(ContentUse { sha256: blob(row, 0)?, document, path, is_current: row.get(3)? })
        })?;
        rows.collect()
    }

    /// Objects that rows need with hashes above this one, in order.
    pub fn objects_after(&self, after: Option<&Sha256>, most: usize) -> Result<Vec<NeededObject>, Error> {
        let after = after.map_or(&[][..], |hash| hash.as_bytes());
        let mut statement = self.0.prepare_cached(
            "SELECT held_sha256, max(size) FROM past_versions WHERE held_sha256 IS NOT NULL AND held_sha256 > ?1
             GROUP BY held_sha256 ORDER BY held_sha256 LIMIT ?2",
        )?;
        let rows = statement.query_and_then(params![after, most.cast_signed()], |row| -> Result<_, Error> {
            Ok(NeededObject { sha256: blob(row, 0)?, size: row.get::<_, i64>(1)?.cast_unsigned() })
        })?;
        rows.collect()
    }

    /// Whether some row needs an object.
    pub fn is_needed(&self, hash: &Sha256) -> Result<bool, Error> {
        let mut statement = self.0.prepare_cached("SELECT 1 FROM past_versions WHERE held_sha256 = ?1 LIMIT 1")?;
        Ok(statement.exists([hash.as_bytes()])?)
    }

    /// Which of these paths belong to a document's file.
    pub fn paths_among(&self, paths: &[&str]) -> Result<HashSet<String>, Error> {
        let values: Vec<Value> = paths.iter().map(|path| Value::Text((*path).to_owned())).collect();
        let mut statement =
            self.0.prepare_cached("SELECT path FROM documents WHERE path IN (SELECT value FROM rarray(?1))")?;
        Ok(statement.query_map([Rc::new(values)], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// The amount to check.
    pub fn checkable(&self) -> Result<Extent, Error> {
        let count = |sql: &str| -> Result<(u64, u64), Error> {
            let row = self.0.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
            Ok((row.0.unsigned_abs(), row.1.unsigned_abs()))
        };
        let (documents, in_tree) = count("SELECT count(*), coalesce(sum(size), 0) FROM documents")?;
        let (objects, held) = count(
            "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT max(size) AS size FROM past_versions
             WHERE held_sha256 IS NOT NULL GROUP BY held_sha256)",
        )?;
        Ok(Extent { documents, objects, bytes: in_tree + held })
    }

    /// Old versions whose original bytes are in this object.
    pub fn sources_of(&self, hash: &Sha256) -> Result<Vec<Source>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT document, version, binder, folder, file_name, path FROM past_versions
             WHERE held_sha256 = ?1 AND sha256 = ?1 ORDER BY number DESC LIMIT 4",
        )?;
        let rows = statement.query_and_then([hash.as_bytes()], |row| -> Result<_, Error> {
            let folder: Option<String> = row.get(3)?;
            Ok(Source {
                document: id(&row.get::<_, String>(0)?, DocumentId::parse)?,
                path: RelPath::new(&row.get::<_, String>(5)?).map_err(|e| Error::InvalidValue(e.to_string()))?,
                particulars: Particulars {
                    binder: id(&row.get::<_, String>(2)?, BinderId::parse)?,
                    folder: folder.map(|f| id(&f, FolderId::parse)).transpose()?,
                    file_name: row.get(4)?,
                    version: id(&row.get::<_, String>(1)?, VersionId::parse)?,
                    metadata: None,
                },
            })
        })?;
        rows.collect()
    }
}

impl Writer<'_> {
    /// Records new stamps of files with the recorded content. Rows that have changed in the meantime stay as they are.
    pub fn restamp(&self, restamps: &[Restamp]) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(
            "UPDATE documents SET inode = ?2, mtime = ?3 WHERE number = ?1 AND size = ?4 AND inode = ?5 AND mtime = ?6",
        )?;
        for Restamp { number, old, new } in restamps {
            statement.execute(params![
                number,
                new.inode.cast_signed(),
                new.mtime,
                old.size.cast_signed(),
                old.inode.cast_signed(),
                old.mtime
            ])?;
        }
        Ok(())
    }
}

fn blob(row: &Row<'_>, column: usize) -> Result<Sha256, Error> {
    sha256(row.get_ref(column)?.as_blob().map_err(|e| Error::InvalidValue(e.to_string()))?)
}
