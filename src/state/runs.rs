//! Runs, and the documents that failed in them.

use std::sync::atomic::Ordering::Relaxed;

use rusqlite::params;

use super::{Error, Reader, Writer, now};
use crate::model::Failure;

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number, which orders runs.
    pub number: i64,
    /// Its id, which names its report.
    pub id: String,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunEnd<'e> {
    /// The outcome's name.
    pub outcome: &'e str,
    /// Whether the mirror has everything that the service listed: complete, and without filters.
    pub whole: bool,
    /// Whether it becomes the last complete run: complete with the configured filters.
    pub complete: bool,
    /// Its changes as JSON.
    pub changes: Option<&'e str>,
}

/// A run and its start, which dates its report and manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The run.
    pub run: Run,
    /// When it began, or the start of an earlier run if that is later, in seconds since the epoch.
    pub at: i64,
}

impl Reader<'_> {
    /// The latest time at which any run began or ended, in seconds since the epoch; 0 if there is none.
    pub fn latest_time(&self) -> Result<i64, Error> {
        Ok(self.0.query_row(
            "SELECT coalesce(max(max(started_at, coalesce(finished_at, 0))), 0) FROM runs",
            [],
            |row| row.get(0),
        )?)
    }

    /// When the previous run began or ended, whichever is later, in seconds since the epoch.
    pub fn time_before(&self, run: i64) -> Result<Option<i64>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT max(started_at, coalesce(finished_at, 0)) FROM runs WHERE number < ?1 ORDER BY number DESC LIMIT 1",
        )?;
        let mut rows = statement.query([run])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// Every run and its start, in order. Each start is at least that of the runs before, even if the clock was behind.
    pub fn starts(&self) -> Result<Vec<Start>, Error> {
        let mut statement = self.0.prepare_cached("SELECT number, id, started_at FROM runs ORDER BY number")?;
        let mut latest = i64::MIN;
        let rows = statement.query_map([], |row| {
            latest = latest.max(row.get(2)?);
            Ok(Start { run: Run { number: row.get(0)?, id: row.get(1)? }, at: latest })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The last run that changed a row of a document; `None` if nothing has changed yet.
    pub fn changed_run(&self) -> Result<Option<i64>, Error> {
        let text = self.setting("changed_run")?;
        text.map(|text| text.parse().map_err(|_| Error::InvalidValue(format!("changed_run is {text:?}")))).transpose()
    }

    /// Documents that failed when they were last tried, without the step and the cause.
    pub fn failures(&self) -> Result<Vec<Failure>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT document, binder, version, file_name, error, attempts, trace_id FROM failures ORDER BY document",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Failure {
                document_id: row.get(0)?,
                binder_id: row.get(1)?,
                version_id: row.get(2)?,
                file_name: row.get(3)?,
                error: row.get(4)?,
                attempts: row.get(5)?,
                trace_id: row.get(6)?,
                ..Failure::default()
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Records the start of a run, or of another command that changes the mirror.
    pub fn begin_run(&self, started: jiff::Timestamp, command: &str) -> Result<Run, Error> {
        self.begin_run_above(0, started, command)
    }

    /// The same, with a number above those that files of a lost state mention, so that no number is used twice.
    pub fn begin_run_above(&self, above: i64, started: jiff::Timestamp, command: &str) -> Result<Run, Error> {
        let number: i64 =
            self.0.query_row("SELECT max(coalesce(max(number), 0), ?1) + 1 FROM runs", [above], |row| row.get(0))?;
        let id = format!("{number:06}-{}", started.strftime("%Y%m%dT%H%M%SZ"));
        self.0.execute(
            "INSERT INTO runs (number, id, started_at, command) VALUES (?1, ?2, ?3, ?4)",
            params![number, id, started.as_second(), command],
        )?;
        self.1.fetch_max(started.as_second(), Relaxed);
        Ok(Run { number, id })
    }

    /// Records the end of a run.
    pub fn end_run(&self, run: i64, end: &RunEnd<'_>) -> Result<(), Error> {
        let finished = now();
        self.0.execute(
            "UPDATE runs SET finished_at = ?2, outcome = ?3, whole = ?4, changes = ?5 WHERE number = ?1",
            params![run, finished, end.outcome, end.whole, end.changes],
        )?;
        self.1.fetch_max(finished, Relaxed);
        if end.complete { self.set("complete_run", &run.to_string()) } else { Ok(()) }
    }

    /// Records that a run changed something that a manifest contains.
    pub fn changed(&self, run: i64) -> Result<(), Error> {
        self.set("changed_run", &run.to_string())
    }

    /// A document of a binder failed in a run.
    pub fn record_failure(&self, run: i64, failure: &Failure) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT INTO failures (document, binder, version, file_name, error, attempts, trace_id, first_run, last_run)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                 ON CONFLICT (document) DO UPDATE SET binder = ?2, version = ?3, file_name = ?4, error = ?5, attempts = ?6, trace_id = ?7, last_run = ?8",
            )?
            .execute(params![
                failure.document_id, failure.binder_id, failure.version_id, failure.file_name, failure.error,
                failure.attempts, failure.trace_id, run
            ])?;
        Ok(())
    }

    /// Forgets failures that a run did not see again.
    pub fn forget_failures_before(&self, run: i64) -> Result<(), Error> {
        self.0.execute("DELETE FROM failures WHERE last_run < ?1", [run])?;
        Ok(())
    }
}
