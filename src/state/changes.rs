//! Changes that a run made to the tree.
//!
//! Read from the rows right after the run, before others change them. This needs a pass over all documents; an index would
//! cost each first mirror more than it saves in later runs.

use super::{Error, Reader, documents::id};
use crate::model::DocumentId;

/// How a run changed a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentChange {
    /// It is new in the tree.
    Added,
    /// It has a new version.
    Updated,
    /// It moved to another path.
    Moved,
    /// It was removed from the tree.
    Removed,
}

/// A document that a run changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The change.
    pub change: DocumentChange,
    /// Its id.
    pub document: String,
    /// The path of its file, or its last path if it was removed.
    pub path: String,
    /// Its previous path, if it was another one.
    pub before: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

/// Each document counts once. One that was added in the run is new, whatever else happened to it.
const CHANGES: &str = "
    SELECT * FROM (
        SELECT CASE ?1 WHEN d.first_run THEN 0 WHEN d.version_run THEN 1 ELSE 2 END AS kind, d.id, d.path, d.size,
            (SELECT p.path FROM past_places p WHERE p.document = d.id AND p.ended_run = ?1 ORDER BY p.number LIMIT 1) AS before
        FROM documents d WHERE d.first_run = ?1 OR d.version_run = ?1 OR d.place_run = ?1
    ) WHERE kind < 2 OR before <> path
    UNION ALL
    SELECT 3, v.document, v.path, coalesce(v.version_size, v.size), NULL FROM past_versions v
    WHERE v.ended_run = ?1 AND v.cause = 'removed' AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = v.document)
    ORDER BY path";

impl Reader<'_> {
    /// Documents whose version or place at the end of any later run may differ from that at the end of a run.
    pub fn touched_after(&self, run: i64) -> Result<Vec<DocumentId>, Error> {
        // What ended later has a successor, or its document has no row any more.
        let mut statement = self.0.prepare_cached(
            "SELECT id FROM documents WHERE first_run > ?1 OR version_run > ?1 OR place_run > ?1
             UNION ALL
             SELECT DISTINCT v.document FROM past_versions v
             WHERE v.ended_run > ?1 AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = v.document)",
        )?;
        let rows = statement.query_and_then([run], |row| id(&row.get::<_, String>(0)?, DocumentId::parse))?;
        rows.collect()
    }

    /// Calls `each` for everything that the last run changed, in path order.
    pub fn changes_of(&self, run: i64, mut each: impl FnMut(Changed)) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(CHANGES)?;
        let mut rows = statement.query([run])?;
        while let Some(row) = rows.next()? {
            let (path, before): (String, Option<String>) = (row.get(2)?, row.get(4)?);
            each(Changed {
                change: match row.get(0)? {
                    0 => DocumentChange::Added,
                    1 => DocumentChange::Updated,
                    2 => DocumentChange::Moved,
                    _ => DocumentChange::Removed,
                },
                document: row.get(1)?,
                before: before.filter(|before| *before != path),
                path,
                size: row.get::<_, i64>(3)?.cast_unsigned(),
            });
        }
        Ok(())
    }
}
