//! Copies of the state, and replacing a damaged database.
//!
//! A copy is staged below `tmp/`, synced and renamed, so every file in `copies/` is complete. A damaged state is moved
//! aside and never deleted, since somebody may want to examine it.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use rustix::{fd::AsFd as _, fs::AtFlags, io::Errno};

use crate::{
    failpoints::{self, Point},
    mirror::{Error, Mirror, state_dir, sys},
    model::STATE_FOLDER,
};

/// How many copies of the state are kept.
const MAX_COPIES: usize = 3;

/// The folder of the copies, in the state folder.
const FOLDER: &str = "copies";

/// The copies of a destination's state, ordered by run, newest first.
pub fn copies(destination: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(destination.join(STATE_FOLDER).join(FOLDER)).into_iter().flatten().flatten();
    let mut found: Vec<(u64, PathBuf)> =
        entries.filter_map(|entry| Some((number(&entry.file_name().to_string_lossy())?, entry.path()))).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The number of the run at the start of a copy's name.
fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".db")?.split('-').next()?.parse().ok()
}

impl Mirror {
    /// An unused path below `tmp/` for a file that the caller writes.
    pub fn staging_path(&self) -> Result<(String, PathBuf), Error> {
        let name = self.spare_name()?;
        let path = self.root().path().join(STATE_FOLDER).join("tmp").join(&name);
        Ok((name, path))
    }

    /// The path of a file about a copy elsewhere, in a folder for such files.
    pub fn replica_path(&self, name: &str) -> Result<PathBuf, Error> {
        const FOLDER: &str = "replicas";
        state_dir::make(&self.state_dir.state, FOLDER, 0o700)?;
        Ok(self.root().path().join(STATE_FOLDER).join(FOLDER).join(name))
    }

    /// A folder below `tmp/` for files whose names are fixed: how their temporary names begin, and its path.
    pub fn staging_folder(&self) -> (&'static str, PathBuf) {
        ("0", self.root().path().join(STATE_FOLDER).join("tmp").join("0"))
    }

    /// Keeps a staged copy of the state under a run's id, and deletes the oldest copies.
    pub fn keep_copy(&self, staged: &str, run: &str) -> Result<(), Error> {
        let folder = state_dir::make(&self.state_dir.state, FOLDER, 0o700)?;
        let name = format!("{run}.db");
        self.put(staged, &folder, &name, FOLDER)?;
        for old in copies(self.root().path()).into_iter().skip(MAX_COPIES) {
            let Some(leaf) = old.file_name() else { continue };
            // What can't be deleted, such as a folder with a copy's name, does no harm.
            let _ = rustix::fs::unlinkat(&folder, leaf, AtFlags::empty());
        }
        Ok(())
    }

    /// Replaces the state with a staged database.
    pub fn put_state(&self, staged: &str) -> Result<(), Error> {
        self.put(staged, &self.state_dir.state, "state.db", STATE_FOLDER)
    }

    /// Moves a state aside, with the files that have these suffixes; `true` if there was one. The new names end in
    /// `.damaged-` and `time`.
    pub fn set_state_aside(&self, suffixes: &[&str], time: &str) -> Result<bool, Error> {
        let mut moved = false;
        // The database first: if this is interrupted, the mirror is refused without it.
        for suffix in suffixes {
            let (old, new) = (format!("state.db{suffix}"), format!("state.db.damaged-{time}{suffix}"));
            match sys::rename_to_free(&self.state_dir.state, &old, &self.state_dir.state, &new, self.names_exclusively)
            {
                Ok(()) => moved = true,
                Err(Errno::NOENT) => {}
                Err(error) => return Err(Error::io("move aside", old, error)),
            }
        }
        sys::sync_folder(&self.state_dir.state).map_err(|e| Error::io("sync", STATE_FOLDER, e))?;
        Ok(moved)
    }

    fn put(&self, staged: &str, folder: &rustix::fd::OwnedFd, name: &str, shown: &str) -> Result<(), Error> {
        let failed = |e: io::Error| Error::io("keep", format!("{shown}/{name}"), e);
        let (tmp, leaf) = self.state_dir.tmp(staged)?;
        let file: File = super::read::open(tmp, leaf).map_err(|e| failed(e.into()))?;
        file.sync_all().map_err(failed)?;
        rustix::fs::renameat(tmp, leaf, folder, name).map_err(|e| failed(e.into()))?;
        failpoints::point(Point::StateFileWritten, name);
        sys::sync_folder(folder.as_fd()).map_err(|e| failed(e.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_ordered_by_the_number_of_their_run() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join(STATE_FOLDER).join(FOLDER);
        std::fs::create_dir_all(&inside).unwrap();
        for name in ["000009-20260101T000000Z.db", "1000000-20250101T000000Z.db", "000010-x.db", "notes.txt", "x.db"] {
            std::fs::write(inside.join(name), "").unwrap();
        }
        let names: Vec<_> =
            copies(folder.path()).iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["1000000-20250101T000000Z.db", "000010-x.db", "000009-20260101T000000Z.db"]);
    }
}
