//! A copy that is read: its highest commit, and the state of that commit.
//!
//! Nothing in a copy is trusted. Sizes are limited before anything is unpacked, hashes are compared, and the state is read row by
//! row into a database that this program created.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use super::{
    Error,
    commit::Named,
    commits::{Commit, newest_usable, read_commit},
    layout::{commit_key, object_key},
    packed::Unpacking,
    store::{ObjectReader, Store},
};
use crate::{
    model::Sha256,
    naming,
    state::{self, State},
};

/// How much larger a state may be than its compressed form; real ones stay far below.
const MOST_RATIO: u64 = 200;

/// The largest state that is unpacked whatever its compressed size, in bytes.
const SMALL_STATE: u64 = 16 << 20;

/// What is wrong with a manifest or state that contradicts its commit.
pub(super) const OTHER_NUMBERS: &str = "it has other numbers of documents and old versions than its commit says";

/// A copy that is open for reading.
#[derive(Debug)]
pub struct OpenCopy<'s> {
    /// The store.
    pub store: &'s Store,
    /// The commit that is read.
    pub commit: Commit,
    /// Its state.
    pub state: State,
}

impl<'s> OpenCopy<'s> {
    /// Opens the highest commit of a copy that can be used, or another one by its number. Its state is built in `folder`, which must exist
    /// as long as this.
    pub fn open(store: &'s Store, number: Option<u64>, folder: &Path) -> Result<Self, Error> {
        let Some(number) = number else {
            let opened = newest_usable(store, |commit| Self::of_commit(store, commit, folder))?;
            return opened.ok_or_else(|| Error::NoCopy(store.location().to_string()));
        };
        let commit = read_commit(store, number)?.ok_or_else(|| Error::MissingFile(commit_key(number)))?;
        Self::of_commit(store, commit, folder)
    }

    /// Opens a commit that was read.
    pub(super) fn of_commit(store: &'s Store, commit: Commit, folder: &Path) -> Result<Self, Error> {
        let (raw, path) = (folder.join("unpacked.db"), folder.join("state.db"));
        unpack(store, &commit.file.state, &raw)?;
        let state = State::import(&raw, &path, false, &path_key);
        let _ = std::fs::remove_file(&raw);
        Ok(Self { store, commit, state: state? })
    }

    /// Whether the state has as many documents and old versions as its commit says, and so its manifest. A restore goes by the state,
    /// a prune by the manifest.
    pub(super) fn has_its_numbers(&self) -> Result<bool, Error> {
        let count = |r: &state::Reader<'_>| Ok::<_, state::Error>((r.totals()?.documents, r.held_count()?));
        Ok(self.state.read(count)? == (self.commit.file.documents, self.commit.file.past_versions))
    }

    /// Opens a content; `None` if the copy lacks it.
    pub fn content(&self, sha256: &Sha256) -> Result<Option<ObjectReader<'s>>, Error> {
        Ok(self.store.read(&object_key(sha256))?)
    }
}

/// What a path or a step of one is compared by; `None` if this program would never have chosen it.
pub(super) fn path_key(path: &str) -> Option<String> {
    let key = naming::key(path);
    // A step alone may be one of a folder further down, whose name is free.
    let is_of_catalogue = path.contains('/') && naming::is_reserved(&key);
    (!path.contains(char::is_control) && !is_of_catalogue).then_some(key)
}

/// Unpacks a state into a file.
fn unpack(store: &Store, named: &Named, path: &Path) -> Result<(), Error> {
    if named.unpacked_size > SMALL_STATE.max(named.size.saturating_mul(MOST_RATIO)) {
        let why = format!("{} bytes that unpack to {} are no state", named.size, named.unpacked_size);
        return Err(Error::DamagedFile { key: named.key.clone(), why });
    }
    let scratch = |source| Error::Scratch { what: "writing", path: path.to_owned(), source };
    let mut packed = Unpacking::open(store, named)?;
    let mut file = File::create(path).map_err(scratch)?;
    let mut piece = vec![0; 256 << 10];
    loop {
        let read = io::Read::read(&mut packed, &mut piece).map_err(|e| Error::of_reading(&named.key, &e))?;
        if read == 0 {
            return packed.finish();
        }
        file.write_all(&piece[..read]).map_err(scratch)?;
    }
}
