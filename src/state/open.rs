//! Opens a state: to change it, to read it in place, or as a temporary copy.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicU64},
    },
};

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::Migrations;

use super::{
    Error, Reader, State,
    connection::{absolute_path, journal, prepare, read_only},
    copy::{copy_if_idle, copy_parts, temporary_copy_of},
    files::are_files,
    migrations::{MIGRATIONS, READABLE},
    view::{ImmutableFile, Isolation, connect, immutable},
};

/// Page cache of the writing connection in KiB; `SQLite` wants it negative.
const CACHE_KIB: i64 = -8192;

/// Pages in the journal before a checkpoint: 32 MiB.
const CHECKPOINT_PAGES: i64 = 8192;

/// Largest state that is sorted in memory instead of in temporary files.
const SORTED_IN_MEMORY: u64 = 256 << 20;

impl State {
    /// Opens a state, and creates it if it doesn't exist.
    pub fn open(path: &Path, network: bool) -> Result<Self, Error> {
        Self::open_with(path, network, OpenFlags::SQLITE_OPEN_CREATE, "FULL")
    }

    /// Opens an existing state: a new, empty one would contradict the mirrored files.
    pub fn open_existing(path: &Path, network: bool) -> Result<Self, Error> {
        Self::open_with(path, network, OpenFlags::empty(), "FULL")
    }

    fn open_with(path: &Path, network: bool, create: OpenFlags, synchronous: &str) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let mut writer = Connection::open_with_flags(absolute_path(path)?, flags)?;
        prepare(&writer)?;
        if network {
            writer.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            journal(&writer, "TRUNCATE")?;
        } else {
            journal(&writer, "WAL")?;
        }
        writer.pragma_update(None, "synchronous", synchronous)?;
        // Ids are random, so each batch touches pages all over the indexes. A cache that holds their upper levels, and rare
        // checkpoints, halve what a first mirror writes.
        writer.pragma_update(None, "cache_size", CACHE_KIB)?;
        writer.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        Migrations::from_slice(MIGRATIONS).to_latest(&mut writer)?;
        let floor = AtomicI64::new(Reader(&writer).latest_time()?);
        let reader = if network { None } else { Some(Mutex::new(read_only(path)?)) };
        Ok(Self { reader, writer: Mutex::new(writer), floor, uses: AtomicU64::default(), immutable: None })
    }

    /// A read-only state.
    fn reading(connection: Connection, floor: i64, immutable: Option<ImmutableFile>) -> Self {
        let (writer, floor) = (Mutex::new(connection), AtomicI64::new(floor));
        Self { reader: None, writer, floor, uses: AtomicU64::default(), immutable }
    }

    /// A temporary copy of a state, or an empty one; changes are discarded with it.
    pub fn scratch(path: Option<&Path>, copy: &Path) -> Result<Self, Error> {
        if let Some(path) = path {
            are_files(path)?;
            if !copy_if_idle(path, copy)? {
                // A run began in the meantime, or one was killed.
                let _ = std::fs::remove_file(copy);
                match connect(path, Isolation::Snapshot)? {
                    Some((source, _)) => temporary_copy_of(&source, copy).map_err(|e| e.in_copy(copy))?,
                    None => copy_parts(path, copy)?,
                }
            }
        }
        Self::open_with(copy, false, OpenFlags::SQLITE_OPEN_CREATE, "OFF").map_err(|e| e.in_copy(copy))
    }

    /// Opens a state in place to read it. `None` if only a copy can be read ([`State::scratch`]).
    pub fn view(path: &Path, isolation: Isolation) -> Result<Option<Self>, Error> {
        let Some((connection, file)) = connect(path, isolation)? else { return Ok(None) };
        of(connection, file, path, isolation)
    }

    /// Opens a file in `copies/` to read it; those never change.
    pub fn view_copy(path: &Path) -> Result<Option<Self>, Error> {
        of(immutable(path)?, None, path, Isolation::Snapshot)
    }
}

fn of(
    connection: Connection,
    file: Option<ImmutableFile>,
    path: &Path,
    isolation: Isolation,
) -> Result<Option<State>, Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(version).map_err(|_| Error::Newer)? {
        ..READABLE => return Ok(None),
        version if version > MIGRATIONS.len() => return Err(Error::Newer),
        _ => {}
    }
    if fs::metadata(path).is_ok_and(|found| found.len() <= SORTED_IN_MEMORY) {
        connection.pragma_update(None, "temp_store", "MEMORY")?;
    }
    if isolation == Isolation::Snapshot {
        connection.execute_batch("BEGIN")?;
    }
    let floor = Reader(&connection).latest_time()?;
    if file.as_ref().is_some_and(ImmutableFile::has_changed) {
        return Err(Error::Changed);
    }
    Ok(Some(State::reading(connection, floor, file)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::state::{ErrorKind, files::has_journal};

    /// A state with a setting.
    fn written(folder: &Path, value: &str) -> (State, PathBuf) {
        let path = folder.join("state.db");
        let state = State::open(&path, false).unwrap();
        set(&state, value);
        (state, path)
    }

    fn set(state: &State, value: &str) {
        state.write(|w| w.set("key", value)).unwrap();
    }

    fn get(state: &State) -> Result<Option<String>, Error> {
        state.read(|r| r.setting("key"))
    }

    #[test]
    fn a_snapshot_stays_fixed_and_latest_follows_an_active_run() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, path) = written(folder.path(), "before");
        let moment = State::view(&path, Isolation::Snapshot).unwrap().unwrap();
        let newest = State::view(&path, Isolation::Latest).unwrap().unwrap();
        set(&writer, "after");
        assert_eq!(get(&moment).unwrap().as_deref(), Some("before"));
        assert_eq!(get(&newest).unwrap().as_deref(), Some("after"));
        assert!(moment.write(|w| w.set("key", "x")).is_err(), "a view writes nothing");
    }

    #[test]
    fn a_run_ends_in_one_file_although_a_reader_is_connected() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, path) = written(folder.path(), "before");
        let reader = State::view(&path, Isolation::Latest).unwrap().unwrap();
        set(&writer, "after");
        assert!(has_journal(&path));
        writer.checkpoint().unwrap();
        drop(writer);
        assert!(!has_journal(&path), "the next run would take it for a run that was killed");
        assert_eq!(get(&reader).unwrap().as_deref(), Some("after"));
        drop(reader);
        let alone = State::view_copy(&path).unwrap().unwrap();
        assert_eq!(get(&alone).unwrap().as_deref(), Some("after"));
    }

    #[test]
    fn changes_under_a_reader_without_locks_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, path) = written(folder.path(), "before");
        drop(writer);
        let reader = State::view(&path, Isolation::Snapshot).unwrap().unwrap();
        assert_eq!(get(&reader).unwrap().as_deref(), Some("before"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "it created a file beside the state");
        let newest = State::view(&path, Isolation::Latest).unwrap().unwrap();
        assert_eq!(get(&newest).unwrap().as_deref(), Some("before"));
        drop(written(folder.path(), "after"));
        let error = get(&reader).unwrap_err();
        assert!(matches!(error, Error::Changed) && error.kind() == ErrorKind::Busy, "{error}");
        assert_eq!(get(&newest).unwrap().as_deref(), Some("after"));
        // Now while a command is active.
        let (writer, _) = written(folder.path(), "at work");
        assert_eq!(get(&newest).unwrap().as_deref(), Some("at work"));
        set(&writer, "still active");
        assert_eq!(get(&newest).unwrap().as_deref(), Some("still active"));
    }

    #[test]
    fn a_path_like_a_uri_is_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("file:").join("x?mode=memory#y%41");
        fs::create_dir_all(&odd).unwrap();
        drop(written(&odd, "here"));
        assert!(odd.join("state.db").is_file());
        let view = State::view(&odd.join("state.db"), Isolation::Snapshot).unwrap().unwrap();
        assert_eq!(get(&view).unwrap().as_deref(), Some("here"));
        drop(view);
        let (state, copy) = (State::open(&odd.join("state.db"), false).unwrap(), odd.join("copy?a.db"));
        state.copy_to(&copy).unwrap();
        assert!(copy.is_file());
    }
}
