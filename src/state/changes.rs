//! What a run changed in the tree.
//!
//! It is read from the rows right after the run, while they still say what it left behind. That takes a
//! pass over all documents: an index would cost each first mirror more than it saves on a night.

use super::{Error, Reader};

/// What happened to a document in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// It is new in the tree.
    Added,
    /// It has another version.
    Updated,
    /// It is at another path.
    Moved,
    /// It left the tree.
    Removed,
}

/// A document that a run changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What happened.
    pub happened: Happened,
    /// Its id.
    pub document: String,
    /// Where its file is, or was when it left.
    pub path: String,
    /// Where its file was before, where that is elsewhere.
    pub before: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

/// A document counts once: one that came in the run is new, whatever else happened to it.
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
    /// Shows what the last run changed, in the order of paths.
    pub fn changes_of(&self, run: i64, mut each: impl FnMut(Changed)) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(CHANGES)?;
        let mut rows = statement.query([run])?;
        while let Some(row) = rows.next()? {
            let (path, before): (String, Option<String>) = (row.get(2)?, row.get(4)?);
            each(Changed {
                happened: match row.get(0)? {
                    0 => Happened::Added,
                    1 => Happened::Updated,
                    2 => Happened::Moved,
                    _ => Happened::Removed,
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
