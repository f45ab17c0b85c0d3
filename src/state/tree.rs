//! The tree at the end of any run, read by parts.
//!
//! Documents that were then where they are now are found by the index on normalised paths, page by page. Those that lay
//! elsewhere, and versions that have ended since, are found by the indexes on earlier paths; usually they are few.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use rusqlite::{params, types::Value};

use super::{
    Error, PastDocument, Reader,
    documents::{id, sha256},
    history::{mirrored, path},
};
use crate::model::{DocumentId, RelPath, Sha256, Stamp};

/// Texts from one, up to and without another one, in the order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextRange {
    /// The first text.
    pub from: String,
    /// The text behind the last one; `None` if the range has no end.
    pub to: Option<String>,
}

impl TextRange {
    /// Whether it contains a text.
    pub fn contains(&self, text: &str) -> bool {
        *text >= *self.from && self.is_before_end(text)
    }

    /// Whether a text comes before the end.
    pub fn is_before_end(&self, text: &str) -> bool {
        self.to.as_deref().is_none_or(|to| text < to)
    }

    /// The end as a value. Every blob is greater than any text.
    fn end(&self) -> Value {
        self.to.clone().map_or_else(|| Value::Blob(Vec::new()), Value::Text)
    }
}

/// The rows of [`PastDocument`], of documents that were at the end of run ?1 where they are now. Whatever has no recorded
/// place from then is where it is now.
pub(super) const UNMOVED: &str = "
    SELECT d.id, d.version, d.path, d.size, d.sha256, d.mtime, d.path, d.inode, d.size, d.mtime, 0, NULL, 0, d.path_key
    FROM documents d
    WHERE d.path_key >= ?2 AND d.path_key < ?3 AND d.version_run <= ?1
        AND (d.place_run <= ?1 OR NOT EXISTS (SELECT 1 FROM past_places p
            WHERE p.document = d.id AND p.first_run <= ?1 AND p.ended_run > ?1))
    ORDER BY d.path_key LIMIT ?4";

/// The same, of current versions that lay elsewhere then.
pub(super) const MOVED: &str = "
    SELECT d.id, d.version, p.path, d.size, d.sha256, d.mtime, d.path, d.inode, d.size, d.mtime, 0, NULL, 0
    FROM past_places p CROSS JOIN documents d ON d.id = p.document
    WHERE p.path >= ?2 AND p.path < ?3 AND p.first_run <= ?1 AND p.ended_run > ?1
        AND d.version_run <= ?1 AND d.place_run > ?1";

/// The same, of versions that have ended since where they were then.
pub(super) const ENDED: &str = "
    SELECT v.document, v.version, v.path, coalesce(v.version_size, v.size), v.sha256, v.mtime, NULL, NULL, NULL, NULL,
        EXISTS (SELECT 1 FROM past_versions h WHERE h.held_sha256 = v.sha256), v.held_sha256, v.freed_run IS NOT NULL
    FROM past_versions v
    WHERE v.path >= ?2 AND v.path < ?3 AND v.first_run <= ?1 AND v.ended_run > ?1
        AND (v.place_run <= ?1 OR NOT EXISTS (SELECT 1 FROM past_places p
            WHERE p.document = v.document AND p.first_run <= ?1 AND p.ended_run > ?1))";

/// The same, of versions that have ended since elsewhere.
pub(super) const MOVED_AND_ENDED: &str = "
    SELECT v.document, v.version, p.path, coalesce(v.version_size, v.size), v.sha256, v.mtime, NULL, NULL, NULL, NULL,
        EXISTS (SELECT 1 FROM past_versions h WHERE h.held_sha256 = v.sha256), v.held_sha256, v.freed_run IS NOT NULL
    FROM past_places p CROSS JOIN past_versions v ON v.document = p.document
    WHERE p.path >= ?2 AND p.path < ?3 AND p.first_run <= ?1 AND p.ended_run > ?1
        AND v.first_run <= ?1 AND v.ended_run > ?1 AND v.place_run > ?1";

/// The documents that are or were at path ?1, whose normalised form is ?2.
pub(super) const AT_PATH: &str = "
    SELECT id FROM documents WHERE path_key = ?2 AND path = ?1
    UNION ALL SELECT document FROM past_versions WHERE path = ?1
    UNION ALL SELECT document FROM past_places WHERE path = ?1";

impl Reader<'_> {
    /// The first documents of a range of normalised paths that were at the end of a run where they are now, with these
    /// paths.
    pub fn unmoved(&self, run: i64, range: &TextRange, most: usize) -> Result<Vec<(String, PastDocument)>, Error> {
        let mut statement = self.0.prepare_cached(UNMOVED)?;
        let parameters = params![run, range.from, range.end(), most.cast_signed()];
        let rows = statement.query_and_then(parameters, |row| Ok((row.get(13)?, mirrored(row)?)))?;
        rows.collect()
    }

    /// All other documents of the tree at the end of a run whose path is in the range, in any order.
    pub fn moved_or_ended(&self, run: i64, range: &TextRange) -> Result<Vec<PastDocument>, Error> {
        let mut found = Vec::new();
        for query in [MOVED, ENDED, MOVED_AND_ENDED] {
            let mut statement = self.0.prepare_cached(query)?;
            for document in statement.query_and_then(params![run, range.from, range.end()], mirrored)? {
                found.push(document?);
            }
        }
        Ok(found)
    }

    /// The number of the last run, which may be active.
    pub fn last_run(&self) -> Result<i64, Error> {
        Ok(self.0.query_row("SELECT coalesce(max(number), 0) FROM runs", [], |row| row.get(0))?)
    }

    /// A current file for each of these contents that is in the tree. Reads all documents.
    pub fn files_with(&self, contents: &HashSet<Sha256>) -> Result<HashMap<Sha256, (RelPath, Stamp)>, Error> {
        let contents: Vec<Value> = contents.iter().map(|hash| Value::Blob(hash.as_bytes().to_vec())).collect();
        let mut statement = self.0.prepare_cached(
            "SELECT sha256, path, inode, size, mtime FROM documents
             WHERE sha256 IN (SELECT value FROM rarray(?1)) ORDER BY number",
        )?;
        let mut rows = statement.query([Rc::new(contents)])?;
        let mut files = HashMap::new();
        while let Some(row) = rows.next()? {
            let (inode, size): (i64, i64) = (row.get(2)?, row.get(3)?);
            let stamp = Stamp { inode: inode.cast_unsigned(), size: size.cast_unsigned(), mtime: row.get(4)? };
            let hash = sha256(&row.get::<_, Vec<u8>>(0)?)?;
            files.entry(hash).or_insert((path(&row.get::<_, String>(1)?)?, stamp));
        }
        Ok(files)
    }

    /// The documents that are or were at a path, whose normalised form is `key`; some may come twice.
    pub fn documents_at(&self, path: &str, key: &str) -> Result<Vec<DocumentId>, Error> {
        let mut statement = self.0.prepare_cached(AT_PATH)?;
        let rows = statement.query_and_then([path, key], |row| id(&row.get::<_, String>(0)?, DocumentId::parse))?;
        rows.collect()
    }
}
