//! Opening a state to read it where it lies, touching nothing.
//!
//! | what lies there | how it is opened |
//! | --- | --- |
//! | `-wal` is there: a command is at work, or was killed | read-only, with the `-shm` that is there; where nobody else is connected, `SQLite` keeps its index in memory |
//! | WAL at rest | as a file that nobody changes: any other way makes a `-wal` and a `-shm`. If somebody does, the read fails, and is done again |
//! | a rollback journal (network shares) | read-only: a shared lock for each transaction |
//!
//! What fits none of these is read from a copy: a journal without its index, a hot rollback journal, and
//! a schema that the next run brings up to date.
//!
//! A database that this process may have locks on is opened by `SQLite` alone: closing it otherwise would end them.

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

/// How long an opening reader waits for a writer that holds the whole database: on a network share that is
/// a run, which holds it to its end.
const PATIENCE: Duration = Duration::from_secs(1);

/// A state may come and go between a look and an open: so often it is tried.
const TRIES: u32 = 5;

/// How much of a state a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// One moment: every read belongs to one transaction.
    Moment,
    /// The newest commit at each read.
    Newest,
}

/// A file that is read as if nobody changed it.
#[derive(Debug)]
pub(super) struct Still {
    path: PathBuf,
    span: Span,
    /// `None` once it is read with locks.
    stamp: Mutex<Option<Stamp>>,
}

/// The length and the time of a file, if it is there.
type Stamp = Option<(u64, SystemTime)>;

impl Still {
    fn of(path: &Path, span: Span) -> Self {
        Self { path: path.to_owned(), span, stamp: Mutex::new(Some(stamp(path))) }
    }

    fn stamp(&self) -> MutexGuard<'_, Option<Stamp>> {
        self.stamp.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody changed it after all.
    pub(super) fn has_changed(&self) -> bool {
        self.stamp().is_some_and(|known| known.is_none() || stamp(&self.path) != known)
    }

    /// Connects anew, with locks, where a command has begun: it writes to its journal first.
    pub(super) fn follow(&self, connection: &mut Connection) -> Result<(), Error> {
        let rests = !part(&self.path, "-wal").exists() && !self.has_changed();
        if self.span == Span::Moment || self.stamp().is_none() || rests {
            return Ok(());
        }
        let Some((newer, still)) = connect(&self.path, self.span)? else { return Err(Error::Changed) };
        *self.stamp() = still.and_then(|still| *still.stamp());
        *connection = newer;
        Ok(())
    }
}

fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let found = fs::metadata(path).ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// Connects to a state in place; `None` where that can't be done.
pub(super) fn connect(path: &Path, span: Span) -> Result<Option<(Connection, Option<Still>)>, Error> {
    are_files(path)?;
    for _ in 0..TRIES {
        if part(path, "-wal").exists() {
            // Over an empty database `SQLite` deletes it, even one that only reads.
            let is_empty = fs::metadata(path).is_ok_and(|found| found.len() == 0);
            match if is_empty { Ok(None) } else { client(path, "mode=ro&readonly_shm=1").map(Some) } {
                Ok(connection) => return Ok(connection.map(|connection| (connection, None))),
                Err(error) if is_lasting(&error) => return Err(error),
                Err(_) if has_journal(path) => return Ok(None),
                // The command that had it came to its end meanwhile, or it is empty and without an index.
                Err(_) => {}
            }
        }
        let still = Still::of(path, span);
        if !is_wal(path) {
            return match client(path, "mode=ro") {
                Ok(connection) => Ok(Some((connection, None))),
                // Another program would have to roll its journal back.
                Err(error) if has_journal(path) && !is_lasting(&error) => Ok(None),
                Err(error) => Err(error),
            };
        }
        if has_journal(path) {
            if part(path, "-wal").exists() {
                continue;
            }
            // A rollback journal beside a database that has another kind.
            return Ok(None);
        }
        let connection = immutable(path)?;
        if !has_journal(path) && !still.has_changed() {
            return Ok(Some((connection, Some(still))));
        }
    }
    Err(Error::Busy)
}

fn client(path: &Path, options: &str) -> Result<Connection, Error> {
    let connection = opened(path, options, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    begun(&connection)?;
    Ok(connection)
}

/// Opens a database as a file that nobody changes.
pub(super) fn immutable(path: &Path) -> Result<Connection, Error> {
    opened(path, "immutable=1", OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn opened(path: &Path, options: &str, access: OpenFlags) -> Result<Connection, Error> {
    let odd = || Error::Odd(path.display().to_string());
    let absolute = std::path::absolute(path).map_err(|_| odd())?;
    let mut url = url::Url::from_file_path(&absolute).map_err(|()| odd())?;
    url.set_query(Some(options));
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(url.as_str(), flags)?;
    prepare(&connection)?;
    Ok(connection)
}

/// The first read, by which `SQLite` opens all that it needs.
fn begun(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(PATIENCE)?;
    match connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(Error::from) {
        Err(error) if error.kind() == ErrorKind::Busy => Err(Error::Busy),
        Err(error) => Err(error),
        Ok(()) => prepare(connection),
    }
}

/// Whether another way to open it would end alike.
fn is_lasting(error: &Error) -> bool {
    matches!(
        error,
        Error::Sqlite(error) if matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    ) || error.kind() == ErrorKind::Busy
}

/// Whether a database at rest says of itself that it has a write-ahead log.
fn is_wal(path: &Path) -> bool {
    const READ_VERSION: usize = 19;
    let mut header = [0; READ_VERSION + 1];
    File::open(path).and_then(|mut file| file.read_exact(&mut header)).is_ok() && header[READ_VERSION] == 2
}
