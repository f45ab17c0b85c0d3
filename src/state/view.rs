//! Opens a state to read it in place, without changing anything.
//!
//! | state | how it is opened |
//! | --- | --- |
//! | `-wal` exists: a command is active or was killed | read-only, with the existing `-shm` or an index in memory |
//! | WAL at rest | as an immutable file; if somebody changes it, the read fails and is repeated |
//! | a rollback journal (network shares) | read-only: a shared lock for each transaction |
//!
//! `SQLite` keeps the index in memory if nobody else is connected. Opening WAL at rest in any other way would create a
//! `-wal` and a `-shm`.
//!
//! Everything else is read from a copy: a journal without its index, a hot rollback journal, and a schema older than
//! [`READABLE`](super::migrations::READABLE).
//!
//! Only `SQLite` opens a database that this process may have locked: closing it otherwise would release the locks.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    Error, ErrorKind,
    connection::prepare,
    files::{are_files, has_journal, part},
};

/// How long opening waits for a writer with an exclusive lock; on a network share a run holds it to its end.
const OPEN_TIMEOUT: Duration = Duration::from_secs(1);

/// How often opening is tried, since a database may change between the look at its files and the attempt to open it.
const MAX_TRIES: u32 = 5;

/// What a reader sees of concurrent changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// A snapshot: all reads belong to one transaction.
    Snapshot,
    /// The latest commit at each read.
    Latest,
}

/// A file that is read as if it were immutable.
#[derive(Debug)]
pub(super) struct ImmutableFile {
    path: PathBuf,
    isolation: Isolation,
    /// `None` once it is read with locks.
    stamp: Mutex<Option<Stamp>>,
}

/// A file's length and modification time, if it exists.
type Stamp = Option<(u64, SystemTime)>;

impl ImmutableFile {
    fn of(path: &Path, isolation: Isolation) -> Self {
        Self { path: path.to_owned(), isolation, stamp: Mutex::new(Some(stamp(path))) }
    }

    fn stamp(&self) -> MutexGuard<'_, Option<Stamp>> {
        self.stamp.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody changed it after all.
    pub(super) fn has_changed(&self) -> bool {
        self.stamp().is_some_and(|known| known.is_none() || stamp(&self.path) != known)
    }

    /// Reconnects with locks once a command has begun, which first writes to its journal.
    pub(super) fn follow(&self, connection: &mut Connection) -> Result<(), Error> {
        let rests = !part(&self.path, "-wal").exists() && !self.has_changed();
        if self.isolation == Isolation::Snapshot || self.stamp().is_none() || rests {
            return Ok(());
        }
        let Some((newer, file)) = connect(&self.path, self.isolation)? else { return Err(Error::Changed) };
        *self.stamp() = file.and_then(|file| *file.stamp());
        *connection = newer;
        Ok(())
    }
}

fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let found = fs::metadata(path).ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// Connects to a state in place; `None` if that isn't possible.
pub(super) fn connect(path: &Path, isolation: Isolation) -> Result<Option<(Connection, Option<ImmutableFile>)>, Error> {
    are_files(path)?;
    for _ in 0..MAX_TRIES {
        if part(path, "-wal").exists() {
            // Beside an empty database `SQLite` deletes the journal, even as a reader.
            let is_empty = fs::metadata(path).is_ok_and(|found| found.len() == 0);
            match if is_empty { Ok(None) } else { client(path, "mode=ro&readonly_shm=1").map(Some) } {
                Ok(connection) => return Ok(connection.map(|connection| (connection, None))),
                Err(error) if is_permanent(&error) => return Err(error),
                Err(_) if has_journal(path) => return Ok(None),
                // The command that used it has ended in the meantime, or the journal is empty and has no index.
                Err(_) => {}
            }
        }
        let file = ImmutableFile::of(path, isolation);
        if !is_wal(path) {
            return match client(path, "mode=ro") {
                Ok(connection) => Ok(Some((connection, None))),
                // Another program would have to roll back its journal.
                Err(error) if has_journal(path) && !is_permanent(&error) => Ok(None),
                Err(error) => Err(error),
            };
        }
        if has_journal(path) {
            if part(path, "-wal").exists() {
                continue;
            }
            // A rollback journal beside a database with another journal mode.
            return Ok(None);
        }
        let connection = immutable(path)?;
        if !has_journal(path) && !file.has_changed() {
            return Ok(Some((connection, Some(file))));
        }
    }
    Err(Error::Busy)
}

fn client(path: &Path, options: &str) -> Result<Connection, Error> {
    let connection = opened(path, options, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    first_read(&connection)?;
    Ok(connection)
}

/// Opens a database as an immutable file.
pub(super) fn immutable(path: &Path) -> Result<Connection, Error> {
    opened(path, "immutable=1", OpenFlags::SQLITE_OPEN_READ_ONLY)
}

pub(super) fn opened(path: &Path, options: &str, access: OpenFlags) -> Result<Connection, Error> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(url_of(path, options)?.as_str(), flags)?;
    prepare(&connection)?;
    Ok(connection)
}

/// A database's address with options.
pub(super) fn url_of(path: &Path, options: &str) -> Result<url::Url, Error> {
    let invalid = || Error::InvalidValue(path.display().to_string());
    let absolute = std::path::absolute(path).map_err(|_| invalid())?;
    let mut url = url::Url::from_file_path(&absolute).map_err(|()| invalid())?;
    url.set_query(Some(options));
    Ok(url)
}

/// Runs the first read, with which `SQLite` opens everything that it needs.
fn first_read(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(OPEN_TIMEOUT)?;
    match connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(Error::from) {
        Err(error) if error.kind() == ErrorKind::Busy => Err(Error::Busy),
        Err(error) => Err(error),
        Ok(()) => prepare(connection),
    }
}

/// Whether opening it in another way would fail, too.
fn is_permanent(error: &Error) -> bool {
    matches!(
        error,
        Error::Sqlite(error) if matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    ) || error.kind() == ErrorKind::Busy
}

/// Whether the header of a database at rest says that it uses a write-ahead log.
fn is_wal(path: &Path) -> bool {
    const READ_VERSION: usize = 19;
    let mut header = [0; READ_VERSION + 1];
    File::open(path).and_then(|mut file| file.read_exact(&mut header)).is_ok() && header[READ_VERSION] == 2
}
