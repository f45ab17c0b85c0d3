//! What monitoring asks: what waits, since when, and what the mirror takes.

use super::{Error, Reader};

/// Failures that are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// Documents that failed and are not mirrored in the version that was wanted.
    pub versions: u64,
    /// When the run began in which the first of those failed, seconds since the epoch.
    pub since: Option<i64>,
    /// Documents that are mirrored as wanted and failed all the same in a run: nobody says that they are gone.
    pub unconfirmed: u64,
}

/// Objects that a row needs, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Objects {
    /// How many.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A run and its times, seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// The run's id.
    pub id: String,
    /// When it began.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: i64,
}

impl Reader<'_> {
    /// What failed and waits for another run. A failure that was made up for since is no such thing,
    /// even where the run that did so didn't see everything and forgot none.
    pub fn pending(&self, run: i64) -> Result<Pending, Error> {
        const MADE_UP: &str = "EXISTS (SELECT 1 FROM documents d WHERE d.id = f.document AND d.version IS f.version)";
        let waits = format!(
            "SELECT count(*), min(r.started_at) FROM failures f LEFT JOIN runs r ON r.number = f.first_run WHERE NOT {MADE_UP}"
        );
        let (versions, since): (i64, _) = self.0.query_row(&waits, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let held = format!("SELECT count(*) FROM failures f WHERE f.last_run = ?1 AND {MADE_UP}");
        let unconfirmed: i64 = self.0.query_row(&held, [run], |row| row.get(0))?;
        Ok(Pending { versions: versions.unsigned_abs(), since, unconfirmed: unconfirmed.unsigned_abs() })
    }

    /// When the first run began after the last one that was whole: whatever a run leaves undone came
    /// to the service later than that one, and is met in this one at the earliest.
    pub fn first_start_after_whole(&self) -> Result<Option<i64>, Error> {
        let query = "SELECT started_at FROM runs WHERE command IN ('run', 'adopt')
             AND number > (SELECT coalesce(max(number), 0) FROM runs WHERE whole) ORDER BY number LIMIT 1";
        let mut statement = self.0.prepare_cached(query)?;
        let mut rows = statement.query([])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// The last run that was complete, and whose filters were not given by hand.
    pub fn last_complete(&self) -> Result<Option<Times>, Error> {
        let query = "SELECT id, started_at, finished_at FROM runs WHERE outcome = 'complete'
             AND finished_at IS NOT NULL AND command IN ('run', 'adopt')
             AND (whole OR number = (SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'complete_run'))
             ORDER BY number DESC LIMIT 1";
        let mut statement = self.0.prepare_cached(query)?;
        let mut rows = statement.query([])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(Times { id: row.get(0)?, started_at: row.get(1)?, finished_at: row.get(2)? }))
    }

    /// The objects that hold past versions, each content once. It reads the whole history.
    pub fn objects(&self) -> Result<Objects, Error> {
        let query = "SELECT count(*), coalesce(sum(size), 0) FROM
             (SELECT max(size) AS size FROM past_versions WHERE held_sha256 IS NOT NULL GROUP BY held_sha256)";
        let row: (i64, i64) = self.0.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Objects { objects: row.0.unsigned_abs(), bytes: row.1.unsigned_abs() })
    }
}
