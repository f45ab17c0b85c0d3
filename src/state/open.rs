//! Opening a state: to change it, to read it where it lies, or as a copy that ends with the command.

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
    connection::{journal, place, prepare, read_only},
    copy::{copy_parts, is_copied_at_rest, passing_copy_of},
    files::are_files,
    migrations::MIGRATIONS,
    view::{Span, Still, connect, immutable},
};

/// Page cache of the writing connection, negative as `SQLite` wants it for KiB.
const CACHE_KIB: i64 = -8192;

/// Pages in the journal before they are copied into the database: 32 MiB.
const CHECKPOINT_PAGES: i64 = 8192;

/// States up to this size are sorted in memory; larger ones in temporary files.
const SORTED_IN_MEMORY: u64 = 256 << 20;

impl State {
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
    fn reading(connection: Connection, floor: i64, still: Option<Still>) -> Self {
        let (writer, floor) = (Mutex::new(connection), AtomicI64::new(floor));
        Self { reader: None, writer, floor, uses: AtomicU64::default(), still }
    }

    /// A temporary copy of a state, or an empty one, whose changes end with it.
    pub fn scratch(path: Option<&Path>, copy: &Path) -> Result<Self, Error> {
        if let Some(path) = path {
            are_files(path)?;
            if !is_copied_at_rest(path, copy)? {
                // A run began meanwhile, or one was killed.
                let _ = std::fs::remove_file(copy);
                match connect(path, Span::Moment)? {
                    Some((source, _)) => passing_copy_of(&source, copy).map_err(|e| e.in_copy(copy))?,
                    None => copy_parts(path, copy)?,
                }
            }
        }
        Self::open_with(copy, false, OpenFlags::SQLITE_OPEN_CREATE, "OFF").map_err(|e| e.in_copy(copy))
    }

    /// Opens a state in place, to read it. `None` if only a copy of it can be read ([`State::scratch`]).
    pub fn view(path: &Path, span: Span) -> Result<Option<Self>, Error> {
        let Some((connection, still)) = connect(path, span)? else { return Ok(None) };
        of(connection, still, path, span)
    }

    /// Opens a file of `copies/`, to read it: those never change.
    pub fn view_copy(path: &Path) -> Result<Option<Self>, Error> {
        of(immutable(path)?, None, path, Span::Moment)
    }
}

fn of(connection: Connection, still: Option<Still>, path: &Path, span: Span) -> Result<Option<State>, Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(version).map_err(|_| Error::Newer)?.cmp(&MIGRATIONS.len()) {
        std::cmp::Ordering::Less => return Ok(None),
        std::cmp::Ordering::Equal => {}
        std::cmp::Ordering::Greater => return Err(Error::Newer),
    }
    if fs::metadata(path).is_ok_and(|found| found.len() <= SORTED_IN_MEMORY) {
        connection.pragma_update(None, "temp_store", "MEMORY")?;
    }
    if span == Span::Moment {
        connection.execute_batch("BEGIN")?;
    }
    let floor = Reader(&connection).latest_time()?;
    if still.as_ref().is_some_and(Still::has_changed) {
        return Err(Error::Changed);
    }
    Ok(Some(State::reading(connection, floor, still)))
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
    fn a_moment_stays_and_the_newest_goes_on_while_a_run_is_at_work() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, path) = written(folder.path(), "before");
        let moment = State::view(&path, Span::Moment).unwrap().unwrap();
        let newest = State::view(&path, Span::Newest).unwrap().unwrap();
        set(&writer, "after");
        assert_eq!(get(&moment).unwrap().as_deref(), Some("before"));
        assert_eq!(get(&newest).unwrap().as_deref(), Some("after"));
        assert!(moment.write(|w| w.set("key", "x")).is_err(), "a view writes nothing");
    }

    #[test]
    fn a_reader_that_is_connected_leaves_the_end_of_a_run_in_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, path) = written(folder.path(), "before");
        let reader = State::view(&path, Span::Newest).unwrap().unwrap();
        set(&writer, "after");
        assert!(has_journal(&path));
        writer.settle().unwrap();
        drop(writer);
        assert!(!has_journal(&path), "the next run would take it for a run that was killed");
        assert_eq!(get(&reader).unwrap().as_deref(), Some("after"));
        drop(reader);
        let alone = State::view_copy(&path).unwrap().unwrap();
        assert_eq!(get(&alone).unwrap().as_deref(), Some("after"));
    }

    #[test]
    fn what_changes_under_a_reader_without_locks_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, path) = written(folder.path(), "before");
        drop(writer);
        let reader = State::view(&path, Span::Moment).unwrap().unwrap();
        assert_eq!(get(&reader).unwrap().as_deref(), Some("before"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "it put something beside the state");
        let newest = State::view(&path, Span::Newest).unwrap().unwrap();
        assert_eq!(get(&newest).unwrap().as_deref(), Some("before"));
        drop(written(folder.path(), "after"));
        let error = get(&reader).unwrap_err();
        assert!(matches!(error, Error::Changed) && error.kind() == ErrorKind::Busy, "{error}");
        assert_eq!(get(&newest).unwrap().as_deref(), Some("after"));
        // Now with a command that is at work.
        let (writer, _) = written(folder.path(), "at work");
        assert_eq!(get(&newest).unwrap().as_deref(), Some("at work"));
        set(&writer, "still at work");
        assert_eq!(get(&newest).unwrap().as_deref(), Some("still at work"));
    }

    #[test]
    fn a_path_that_looks_like_a_uri_is_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("file:").join("x?mode=memory#y%41");
        fs::create_dir_all(&odd).unwrap();
        drop(written(&odd, "here"));
        assert!(odd.join("state.db").is_file());
        let view = State::view(&odd.join("state.db"), Span::Moment).unwrap().unwrap();
        assert_eq!(get(&view).unwrap().as_deref(), Some("here"));
        drop(view);
        let (state, copy) = (State::open(&odd.join("state.db"), false).unwrap(), odd.join("copy?a.db"));
        state.copy_to(&copy).unwrap();
        assert!(copy.is_file());
    }
}
