//! The state database: what was mirrored, where it lies, and what was begun.
//!
//! The only module that knows SQL. There is one writing connection, behind a lock, so writers
//! never meet `SQLITE_BUSY`; reads go through a second one, which sees every committed row at
//! once because it never keeps a transaction open. A committed row implies durable bytes: the
//! journal is synced at each commit (`synchronous=FULL`), and the caller commits a row only
//! after the file system was synced.
//!
//! No time in a row lies before an earlier run: a clock that lost its battery would otherwise make
//! everything look old enough to be let go. A clock that was ahead only keeps things longer.
//!
//! On network file systems WAL can't work: there the one connection locks the file for itself
//! and keeps a rollback journal, and reads share it.

mod acknowledged;
mod catalogue;
mod changes;
mod connection;
mod copy;
mod documents;
mod error;
mod evidence;
mod files;
mod folders;
mod health;
mod history;
#[cfg(test)]
mod history_tests;
mod integrity;
mod intents;
mod inventory;
mod listings;
mod migrations;
mod open;
mod proof;
mod purges;
mod recase;
mod retention;
mod runs;
mod untracked;
mod view;

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use catalogue::{Catalogued, Labels};
pub use changes::{Changed, Happened};
pub use documents::{HeldVersion, Known, metadata_hash};
pub use error::{Error, ErrorKind};
pub use evidence::Provisional;
pub use files::PARTS;
pub use folders::BinderRow;
pub use health::{Objects, Pending, Times};
pub use history::{Life, MetadataSpan, PastRun, PlaceSpan, Remembered, VersionSpan};
pub use integrity::{Left, Look, examine, examine_in_use, is_good_copy};
pub use intents::{Partial, PendingIntent};
pub use inventory::{Mirrored, Totals};
pub use listings::BinderSummary;
pub use proof::{Claimed, Extent, Restamp, Source};
pub use purges::{Fingerprint, Purge, Traces, fingerprint};
pub use retention::Past;
pub use runs::{Run, RunEnd, Start};
pub use untracked::FOUND;
pub use view::Span;

use connection::{BUSY_TIMEOUT, lock};
use copy::copy_of;

use crate::{
    failpoints::{self, Point},
    model::OrganisationId,
};

/// The opened state.
#[derive(Debug)]
pub struct State {
    // Dropped before the writer: only a last connection that may write brings the journal over into
    // the database and removes it, so that `state.db` alone is a whole state.
    reader: Option<Mutex<Connection>>,
    writer: Mutex<Connection>,
    /// The latest time that any run began or ended.
    floor: AtomicI64,
    /// Reads and transactions so far.
    uses: AtomicU64,
    /// Set where the file is read as if nobody changed it.
    still: Option<view::Still>,
}

/// Reads of the state.
#[derive(Debug)]
pub struct Reader<'c>(&'c Connection);

/// Reads and writes of one transaction.
#[derive(Debug)]
pub struct Writer<'c>(Transaction<'c>, &'c AtomicI64);

impl Writer<'_> {
    /// The time for a row: now, but never before an earlier run.
    fn now(&self) -> i64 {
        now().max(self.1.load(Relaxed))
    }

    /// The same transaction, to read.
    pub fn reader(&self) -> Reader<'_> {
        Reader(&self.0)
    }
}

impl State {
    /// No row is written with a time before this one (seconds since the epoch): the service's clock
    /// says so, and ours may be behind.
    pub fn not_before(&self, time: i64) {
        self.floor.fetch_max(time, Relaxed);
    }

    /// A consistent copy, which is a whole state by itself. It is written anew from what can be
    /// read, so that a damaged state is never copied.
    pub fn copy_to(&self, copy: &Path) -> Result<(), Error> {
        self.read(|r| copy_of(r.0, copy))
    }

    /// A number that is another one whenever the state was used.
    pub fn uses(&self) -> u64 {
        self.uses.load(Relaxed)
    }

    /// Runs reads.
    pub fn read<R, E: From<Error>>(&self, work: impl FnOnce(&Reader<'_>) -> Result<R, E>) -> Result<R, E> {
        self.uses.fetch_add(1, Relaxed);
        let mut connection = lock(self.reader.as_ref().unwrap_or(&self.writer));
        if let Some(still) = &self.still {
            still.follow(&mut connection).map_err(E::from)?;
        }
        let result = work(&Reader(&connection));
        match &self.still {
            // Whatever was read, or failed, may come of half a change.
            Some(still) if still.has_changed() => Err(E::from(Error::Changed)),
            _ => result,
        }
    }

    /// Runs a transaction, and commits it unless the work fails.
    pub fn write<R, E: From<Error>>(&self, work: impl FnOnce(&Writer<'_>) -> Result<R, E>) -> Result<R, E> {
        self.uses.fetch_add(1, Relaxed);
        let mut connection = lock(&self.writer);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| E::from(e.into()))?;
        let writer = Writer(transaction, &self.floor);
        let result = work(&writer)?;
        failpoints::point(Point::Committing, "");
        writer.0.commit().map_err(|e| E::from(e.into()))?;
        failpoints::point(Point::Committed, "");
        Ok(result)
    }

    /// Brings the journal over into `state.db`, and empties it unless a reader needs it. Closing does so too, and
    /// says nothing if it can't.
    pub fn settle(&self) -> Result<(), Error> {
        let writer = lock(&self.writer);
        writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        // Closing empties nothing while a reader is connected. One in the middle of a read is not waited for.
        writer.busy_timeout(std::time::Duration::ZERO)?;
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(writer.busy_timeout(BUSY_TIMEOUT)?)
    }

    /// Binds a new state to an organisation; refuses the state of another.
    pub fn bind(&self, organisation: &OrganisationId) -> Result<(), Error> {
        self.write(|w| {
            let found: Option<String> = w.reader().setting("organisation")?;
            match found {
                None => w.set("organisation", organisation.as_str()),
                Some(found) if found == organisation.as_str() => Ok(()),
                // Earlier versions stored it in lower case.
                Some(found) if found == organisation.as_str().to_ascii_lowercase() => {
                    w.set("organisation", organisation.as_str())
                }
                Some(found) => Err(Error::OtherOrganisation { found, wanted: organisation.to_string() }),
            }
        })
    }
}

impl Reader<'_> {
    /// A single value of the mirror's own.
    pub fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        let mut statement = self.0.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
        let mut rows = statement.query([key])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }
}

impl Writer<'_> {
    /// Sets a single value of the mirror's own.
    pub fn set(&self, key: &str, value: &str) -> Result<(), Error> {
        self.0.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)", [key, value])?;
        Ok(())
    }

    /// Forgets a single value of the mirror's own.
    pub fn unset(&self, key: &str) -> Result<(), Error> {
        self.0.execute("DELETE FROM settings WHERE key = ?1", [key])?;
        Ok(())
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_synced() {
        const FULL: i64 = 2;
        let folder = tempfile::tempdir().unwrap();
        for (network, journal) in [(false, "wal"), (true, "truncate")] {
            let state = State::open(&folder.path().join(journal), network).unwrap();
            let writer = lock(&state.writer);
            let level: i64 = writer.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
            let mode: String = writer.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
            assert_eq!((level, mode.as_str()), (FULL, journal));
        }
    }
}
