//! Figures for monitoring: pending failures, their age, and the size of the mirror.

use super::{Error, Reader};

/// Known failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// Documents that failed and aren't mirrored in the listed version.
    pub versions: u64,
    /// When the run began in which the first of them failed, in seconds since the epoch.
    pub since: Option<i64>,
    /// Documents that failed although they are mirrored in the listed version: a lookup could not say whether they still
    /// exist.
    pub unconfirmed: u64,
}

/// The objects that rows need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Objects {
    /// Their number.
    pub objects: u64,
    /// Their total size in bytes.
    pub bytes: u64,
}

/// A run's times, in seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTimes {
    /// The run's id.
    pub id: String,
    /// When it began.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: i64,
}

impl Reader<'_> {
    /// Failures that wait for another run. One that was resolved since then doesn't count, even if the run that resolved it
    /// was filtered and therefore deleted no failures.
    pub fn pending(&self, run: i64) -> Result<Pending, Error> {
        const RESOLVED: &str = "EXISTS (SELECT 1 FROM documents d WHERE d.id = f.document AND d.version IS f.version)";
        let waits = format!(
            "SELECT count(*), min(r.started_at) FROM failures f LEFT JOIN runs r ON r.number = f.first_run WHERE NOT {RESOLVED}"
        );
        let (versions, since): (i64, _) = self.0.query_row(&waits, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let held = format!("SELECT count(*) FROM failures f WHERE f.last_run = ?1 AND {RESOLVED}");
        let unconfirmed: i64 = self.0.query_row(&held, [run], |row| row.get(0))?;
        Ok(Pending { versions: versions.unsigned_abs(), since, unconfirmed: unconfirmed.unsigned_abs() })
    }

    /// When the first run began after the last complete one. Whatever is undone reached the service after that complete
    /// run, and was first seen in this run or later.
    pub fn first_start_after_complete(&self) -> Result<Option<i64>, Error> {
        let query = "SELECT started_at FROM runs WHERE command IN ('run', 'adopt')
             AND number > (SELECT coalesce(max(number), 0) FROM runs WHERE whole) ORDER BY number LIMIT 1";
        let mut statement = self.0.prepare_cached(query)?;
        let mut rows = statement.query([])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// The last run that was complete with the configured filters.
    pub fn last_complete(&self) -> Result<Option<RunTimes>, Error> {
        let query = "SELECT id, started_at, finished_at FROM runs WHERE outcome = 'complete'
             AND finished_at IS NOT NULL AND command IN ('run', 'adopt')
             AND (whole OR number = (SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'complete_run'))
             ORDER BY number DESC LIMIT 1";
        let mut statement = self.0.prepare_cached(query)?;
        let mut rows = statement.query([])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(RunTimes { id: row.get(0)?, started_at: row.get(1)?, finished_at: row.get(2)? }))
    }

    /// The objects of old versions, each counted once. Scans the whole history.
    pub fn objects(&self) -> Result<Objects, Error> {
        let query = "SELECT count(*), coalesce(sum(size), 0) FROM
             (SELECT max(size) AS size FROM past_versions WHERE held_sha256 IS NOT NULL GROUP BY held_sha256)";
        let row: (i64, i64) = self.0.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Objects { objects: row.0.unsigned_abs(), bytes: row.1.unsigned_abs() })
    }
}
