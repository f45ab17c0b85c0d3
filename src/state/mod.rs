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
mod documents;
mod error;
mod evidence;
mod folders;
mod health;
mod history;
#[cfg(test)]
mod history_tests;
mod integrity;
mod intents;
mod inventory;
mod listings;
mod proof;
mod purges;
mod recase;
mod retention;
mod runs;
mod untracked;
mod view;

use std::{
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

pub use catalogue::{Catalogued, Labels};
pub use changes::{Changed, Happened};
pub use documents::{HeldVersion, Known, metadata_hash};
pub use error::{Error, ErrorKind};
pub use evidence::Provisional;
pub use folders::BinderRow;
pub use health::{Objects, Pending, Times};
pub use history::{Life, MetadataSpan, PastRun, PlaceSpan, Remembered, VersionSpan};
pub use integrity::{Left, Look, PARTS, examine, examine_in_use, is_good_copy};
pub use intents::{Partial, PendingIntent};
pub use inventory::{Mirrored, Totals};
pub use listings::BinderSummary;
pub use proof::{Claimed, Extent, Restamp, Source};
pub use purges::{Fingerprint, Purge, Traces, fingerprint};
pub use retention::Past;
pub use runs::{FailureRow, Run, RunEnd, Start};
pub use untracked::FOUND;
pub use view::Span;

use crate::{
    failpoints::{self, Point},
    model::OrganisationId,
};

const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("../../migrations/0001_mirror.sql")),
    M::up(include_str!("../../migrations/0002_proof.sql")),
    M::up(include_str!("../../migrations/0003_listings.sql")),
    M::up(include_str!("../../migrations/0004_evidence.sql")),
];

/// Page cache of the writing connection, negative as `SQLite` wants it for KiB.
const CACHE_KIB: i64 = -8192;

/// Pages in the journal before they are copied into the database: 32 MiB.
const CHECKPOINT_PAGES: i64 = 8192;

/// How long one connection waits for another.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

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

    /// Opens a state, creating it where it is absent.
    pub fn open(path: &Path, network: bool) -> Result<Self, Error> {
        Self::open_with(path, network, OpenFlags::SQLITE_OPEN_CREATE, "FULL")
    }

    /// Opens a state that must be there: over files that were mirrored, an empty one would be a lie.
    pub fn open_existing(path: &Path, network: bool) -> Result<Self, Error> {
        Self::open_with(path, network, OpenFlags::empty(), "FULL")
    }

    fn open_with(path: &Path, network: bool, create: OpenFlags, synchronous: &str) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let mut writer = Connection::open_with_flags(place(path)?, flags)?;
        prepare(&writer)?;
        if network {
            writer.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            journal(&writer, "TRUNCATE")?;
        } else {
            journal(&writer, "WAL")?;
        }
        writer.pragma_update(None, "synchronous", synchronous)?;
        // Ids are random, so a group touches pages all over the indexes: a cache that holds their
        // upper levels, and checkpoints that are far apart, halve what a first mirror writes.
        writer.pragma_update(None, "cache_size", CACHE_KIB)?;
        writer.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        Migrations::from_slice(MIGRATIONS).to_latest(&mut writer)?;
        let floor = AtomicI64::new(Reader(&writer).latest_time()?);
        let reader = if network { None } else { Some(Mutex::new(read_only(path)?)) };
        Ok(Self { reader, writer: Mutex::new(writer), floor, uses: AtomicU64::default(), still: None })
    }

    /// A state that is only read.
    fn reading(connection: Connection, floor: i64, still: Option<view::Still>) -> Self {
        let (writer, floor) = (Mutex::new(connection), AtomicI64::new(floor));
        Self { reader: None, writer, floor, uses: AtomicU64::default(), still }
    }

    /// A temporary copy of a state, or an empty one, whose changes end with it.
    pub fn scratch(path: Option<&Path>, copy: &Path) -> Result<Self, Error> {
        if let Some(path) = path {
            integrity::are_files(path)?;
            if !is_copied_at_rest(path, copy)? {
                // A run began meanwhile, or one was killed.
                let _ = std::fs::remove_file(copy);
                match view::connect(path, Span::Moment)? {
                    Some((source, _)) => passing_copy_of(&source, copy).map_err(|e| e.in_copy(copy))?,
                    None => copy_parts(path, copy)?,
                }
            }
        }
        Self::open_with(copy, false, OpenFlags::SQLITE_OPEN_CREATE, "OFF").map_err(|e| e.in_copy(copy))
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

/// A consistent copy, from a schema that this program knows.
fn copy_of(source: &Connection, copy: &Path) -> Result<(), Error> {
    Migrations::from_slice(MIGRATIONS).current_version(source)?;
    // As bytes: a path need not be UTF-8.
    source.execute("VACUUM INTO CAST(?1 AS TEXT)", [place(copy)?.as_os_str().as_bytes()])?;
    Ok(())
}

/// A copy that ends with this process, and so needs not outlive a power cut.
fn passing_copy_of(source: &Connection, copy: &Path) -> Result<(), Error> {
    source.pragma_update(None, "synchronous", "OFF")?;
    copy_of(source, copy)
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic in the middle of a transaction has rolled it back: the connection is sound.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn prepare(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    rusqlite::vtab::array::load_module(connection)?;
    Ok(())
}

/// Chooses the kind of journal. `SQLite` names the new one, and only then commits the change, which may fail: the
/// statement must be carried on to its end.
fn journal(connection: &Connection, mode: &str) -> Result<(), Error> {
    let mut statement = connection.prepare(&format!("PRAGMA journal_mode = {mode}"))?;
    let mut rows = statement.query([])?;
    let mut kept = String::new();
    while let Some(row) = rows.next()? {
        kept = row.get(0)?;
    }
    if kept.eq_ignore_ascii_case(mode) { Ok(()) } else { Err(Error::Journal(kept)) }
}

fn read_only(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(place(path)?, flags)?;
    prepare(&reader)?;
    Ok(reader)
}

/// A path as `SQLite` takes it for one: a relative one may look like a URI, `file:///…`, which this build reads as such.
fn place(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|e| Error::Odd(format!("{}: {e}", path.display())))
}

/// Copies a state that nobody writes, byte by byte; false where somebody does, or did meanwhile.
fn is_copied_at_rest(path: &Path, copy: &Path) -> Result<bool, Error> {
    // A state of another program is refused before a byte is copied.
    Migrations::from_slice(MIGRATIONS).current_version(&view::immutable(path)?)?;
    let look = || std::fs::metadata(path).and_then(|found| Ok((found.len(), found.modified()?))).ok();
    let Some(before) = look().filter(|_| !has_journal(path)) else { return Ok(false) };
    std::fs::File::open(path).map_err(|e| Error::Look(path.to_owned(), e))?;
    std::fs::copy(path, copy).map_err(|e| Error::scratch(copy, e))?;
    Ok(!has_journal(path) && look() == Some(before))
}

/// Copies a state that a command left which was cut off, with its journal.
fn copy_parts(path: &Path, copy: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-journal"] {
        let from = part(path, suffix);
        if from.exists() {
            std::fs::File::open(&from).map_err(|e| Error::Look(from.clone(), e))?;
            std::fs::copy(from, part(copy, suffix)).map_err(|e| Error::scratch(copy, e))?;
        }
    }
    Ok(())
}

/// Whether a journal lies beside a database: a run is at work, or one was killed.
fn has_journal(path: &Path) -> bool {
    ["-wal", "-journal"].into_iter().any(|suffix| std::fs::metadata(part(path, suffix)).is_ok_and(|m| m.len() > 0))
}

/// The file of a database that has a suffix.
fn part(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
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
