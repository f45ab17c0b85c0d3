//! When binders were last read, and what is mirrored of them.

use std::collections::HashMap;

use rusqlite::{Row, params};

use super::{Error, Reader, Writer};
use crate::model::BinderId;

/// A binder for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinderSummary {
    /// Its id.
    pub id: String,
    /// Its name at the service.
    pub name: String,
    /// Its folder below the destination.
    pub folder: String,
    /// The number of mirrored documents.
    pub documents: u64,
    /// Their total size in bytes.
    pub bytes: u64,
    /// The last run that certified its listing, and when that run ended (or began, if it did not end).
    pub certified: Option<(String, i64)>,
    /// The first run since then that had no access to it, and when it began.
    pub lost: Option<(String, i64)>,
}

pub(super) const SUMMARIES: &str = "
    SELECT b.id, b.name, b.segment, coalesce(t.documents, 0), coalesce(t.bytes, 0),
        c.id, coalesce(c.finished_at, c.started_at), l.id, l.started_at
    FROM binders b
    LEFT JOIN (SELECT binder, count(*) AS documents, sum(size) AS bytes FROM documents GROUP BY binder) t ON t.binder = b.id
    LEFT JOIN runs c ON c.number = b.certified_run
    LEFT JOIN runs l ON l.number = b.lost_run
    ORDER BY b.segment_key";

pub(super) const COUNTS: &str = "
    SELECT id, (SELECT count(*) FROM documents WHERE binder = b.id), certified_run IS NOT NULL FROM binders b";

impl Reader<'_> {
    /// How many documents of each known binder are mirrored, and whether its listing was ever certified.
    pub fn binder_counts(&self) -> Result<HashMap<String, (u64, bool)>, Error> {
        let mut statement = self.0.prepare_cached(COUNTS)?;
        let rows =
            statement.query_map([], |row| Ok((row.get(0)?, (row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every known binder, ordered by its folder's name.
    pub fn binder_summaries(&self) -> Result<Vec<BinderSummary>, Error> {
        let mut statement = self.0.prepare_cached(SUMMARIES)?;
        let rows = statement.query_map([], |row| {
            Ok(BinderSummary {
                id: row.get(0)?,
                name: row.get(1)?,
                folder: row.get(2)?,
                documents: row.get::<_, i64>(3)?.unsigned_abs(),
                bytes: row.get::<_, i64>(4)?.unsigned_abs(),
                certified: run(row, 5)?,
                lost: run(row, 7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn run(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<(String, i64)>> {
    let id: Option<String> = row.get(column)?;
    id.map(|id| Ok((id, row.get(column + 1)?))).transpose()
}

impl Writer<'_> {
    /// Records that a binder's listing was read completely, and whether it was certified.
    pub fn binder_was_read(&self, run: i64, binder: &BinderId, certified: bool) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "UPDATE binders SET certified_run = iif(?3, ?2, certified_run), lost_run = NULL WHERE id = ?1",
            )?
            .execute(params![binder.as_str(), run, certified])?;
        Ok(())
    }

    /// Records that a run had no access to a binder.
    pub fn binder_was_inaccessible(&self, run: i64, binder: &BinderId) -> Result<(), Error> {
        self.0
            .prepare_cached("UPDATE binders SET lost_run = coalesce(lost_run, ?2) WHERE id = ?1")?
            .execute(params![binder.as_str(), run])?;
        Ok(())
    }
}
