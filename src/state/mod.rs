//! The state database: mirrored documents, old versions, intents and runs.
//!
//! The only module that knows SQL. There is one writing connection, behind a lock, so writers never get `SQLITE_BUSY`.
//! Reads use a second connection, which sees every committed row at once because it never keeps a transaction open. A
//! committed row implies durable bytes: the journal is synced at each commit (`synchronous=FULL`), and the caller commits a
//! row only after it synced the file system.
//!
//! No row gets a time before an earlier run. Otherwise a clock that was reset to the past would later make everything look
//! old enough to be deleted. A clock that was ahead only keeps things longer.
//!
//! WAL doesn't work on network file systems. There one connection locks the file exclusively, keeps a rollback journal, and
//! serves reads, too.

mod acknowledged;
mod catalogue;
mod catalogue_marks;
mod changes;
mod connection;
mod copy;
mod copy_mark;
mod copy_record;
#[cfg(test)]
mod copy_record_tests;
mod document_metadata;
mod documents;
mod error;
mod evidence;
mod files;
mod folders;
mod handover;
mod health;
mod history;
#[cfg(test)]
mod history_tests;
mod import;
mod integrity;
mod intents;
mod inventory;
mod listings;
mod migrations;
mod numbers;
mod open;
mod past_versions;
#[cfg(test)]
mod plans_tests;
mod proof;
mod purges;
mod recase;
mod retention;
mod runs;
mod searchable;
mod tree;
mod untracked;
mod view;
mod withheld;

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use catalogue::{Catalogued, Labels};
pub use catalogue_marks::{BinderMark, EarlierVersion};
pub use changes::{Changed, DocumentChange};
pub use copy_record::{Content, ContentTotals, CopyHead, CopyRecord};
pub use document_metadata::metadata_hash;
pub use documents::{AtPath, Known};
pub use error::{Error, ErrorKind};
pub use evidence::Provisional;
pub use files::PARTS;
pub use folders::BinderRow;
pub use handover::{Acknowledged, Ended, LastRun, VersionRow};
pub use health::{Objects, Pending, RunTimes};
pub use history::{DocumentTimeline, MetadataSpan, PastDocument, PastRun, PlaceSpan, VersionSpan};
pub use integrity::{CheckLevel, Condition, examine, examine_in_use, is_good_copy};
pub use intents::{Partial, PendingIntent};
pub use inventory::{Mirrored, Totals};
pub use listings::BinderSummary;
pub use numbers::{DocumentRow, EachRow, Numbers};
pub use past_versions::HeldVersion;
pub use proof::{ContentUse, Extent, NeededObject, Restamp, Source};
pub use purges::{Fingerprint, Purge, Traces, fingerprint};
pub use retention::Past;
pub use runs::{Run, RunEnd, Start};
pub use searchable::{DocumentKey, FoundDocument, Searchable};
pub use tree::TextRange;
pub use untracked::FOUND;
pub use view::Isolation;
pub use withheld::WithheldDocument;

use connection::{BUSY_TIMEOUT, lock};
use copy::copy_of;

use crate::{
    failpoints::{self, Point},
    model::OrganisationId,
};

/// An open state.
#[derive(Debug)]
pub struct State {
    // Dropped before the writer: only if the last connection may write does it apply the journal and delete it, which
    // leaves a complete state in `state.db` alone.
    reader: Option<Mutex<Connection>>,
    writer: Mutex<Connection>,
    /// The latest time at which any run began or ended.
    floor: AtomicI64,
    /// Counts reads and transactions.
    uses: AtomicU64,
    /// Set if the file is read as if it were immutable.
    immutable: Option<view::ImmutableFile>,
}

/// Queries of the state.
#[derive(Debug)]
pub struct Reader<'c>(&'c Connection);

/// Queries and changes in one transaction.
#[derive(Debug)]
pub struct Writer<'c>(Transaction<'c>, &'c AtomicI64);

impl Writer<'_> {
    /// The time for a row: now, but never before an earlier run.
    fn now(&self) -> i64 {
        now().max(self.1.load(Relaxed))
    }

    /// Queries within the same transaction.
    pub fn reader(&self) -> Reader<'_> {
        Reader(&self.0)
    }
}

impl State {
    /// Ensures that no row gets a time before this one, in seconds since the epoch. The service's clock has passed it,
    /// while ours may be behind.
    pub fn not_before(&self, time: i64) {
        self.floor.fetch_max(time, Relaxed);
    }

    /// Makes a consistent copy, which is a complete state. It is rebuilt from readable rows, so a damaged state is never
    /// copied.
    pub fn copy_to(&self, copy: &Path) -> Result<(), Error> {
        self.read(|r| copy_of(r.0, copy))
    }

    /// A number that changes whenever the state is used.
    pub fn uses(&self) -> u64 {
        self.uses.load(Relaxed)
    }

    /// Runs queries.
    pub fn read<R, E: From<Error>>(&self, work: impl FnOnce(&Reader<'_>) -> Result<R, E>) -> Result<R, E> {
        self.uses.fetch_add(1, Relaxed);
        let mut connection = lock(self.reader.as_ref().unwrap_or(&self.writer));
        if let Some(file) = &self.immutable {
            file.follow(&mut connection).map_err(E::from)?;
        }
        let result = work(&Reader(&connection));
        match &self.immutable {
            // The result or the error may come from a half-made change.
            Some(file) if file.has_changed() => Err(E::from(Error::Changed)),
            _ => result,
        }
    }

    /// Runs a transaction, and commits it unless `work` fails.
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

    /// Applies the journal to `state.db` and empties it, unless a reader needs it. Closing does the same, but hides errors.
    pub fn checkpoint(&self) -> Result<(), Error> {
        let writer = lock(&self.writer);
        writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        // Closing empties nothing while a reader is connected. Doesn't wait for one that is reading.
        writer.busy_timeout(std::time::Duration::ZERO)?;
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(writer.busy_timeout(BUSY_TIMEOUT)?)
    }

    /// Binds a new state to an organisation; refuses the state of another one.
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
    /// Reads a single value.
    pub fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        let mut statement = self.0.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
        let mut rows = statement.query([key])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }
}

impl Writer<'_> {
    /// Stores a single value.
    pub fn set(&self, key: &str, value: &str) -> Result<(), Error> {
        self.0.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)", [key, value])?;
        Ok(())
    }

    /// Deletes a single value.
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
