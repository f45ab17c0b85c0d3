//! Copies of the state, and putting one in the place of a database that is damaged.
//!
//! A copy is staged below `tmp/`, synced, and renamed, so that each name in `copies/` has a whole
//! one. What is damaged is moved aside and never deleted: somebody may want to look at it.

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
const KEPT: usize = 3;

/// The folder of the copies, in the state folder.
const FOLDER: &str = "copies";

/// The copies of a destination's state, the newest first, by the number of the run that made them.
pub fn copies(destination: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(destination.join(STATE_FOLDER).join(FOLDER)).into_iter().flatten().flatten();
    let mut found: Vec<(u64, PathBuf)> =
        entries.filter_map(|entry| Some((number(&entry.file_name().to_string_lossy())?, entry.path()))).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The run's number at the start of a copy's name.
fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".db")?.split('-').next()?.parse().ok()
}

impl Mirror {
    /// A free path below `tmp/`, for somebody who writes a file of its own.
    pub fn staging_path(&self) -> Result<(String, PathBuf), Error> {
        let name = self.spare_name()?;
        let path = self.root().path().join(STATE_FOLDER).join("tmp").join(&name);
        Ok((name, path))
    }

    /// Keeps a staged copy of the state under a run's id, and lets those go that are too many.
    pub fn keep_copy(&self, staged: &str, run: &str) -> Result<(), Error> {
        let folder = state_dir::make(&self.area.state, FOLDER, 0o700)?;
        let name = format!("{run}.db");
        self.put(staged, &folder, &name, FOLDER)?;
        for old in copies(self.root().path()).into_iter().skip(KEPT) {
            let Some(leaf) = old.file_name() else { continue };
            // What can't be deleted (somebody's folder with a copy's name) is in nobody's way.
            let _ = rustix::fs::unlinkat(&folder, leaf, AtFlags::empty());
        }
        Ok(())
    }

    /// Makes a staged database the state.
    pub fn put_state(&self, staged: &str) -> Result<(), Error> {
        self.put(staged, &self.area.state, "state.db", STATE_FOLDER)
    }

    /// Moves a state aside, with what `suffixes` say lies beside it; true where there was one. Its
    /// new name ends in `.damaged-` and `time`.
    pub fn set_state_aside(&self, suffixes: &[&str], time: &str) -> Result<bool, Error> {
        let mut moved = false;
        // The database first: without it the mirror is refused, should this be cut short.
        for suffix in suffixes {
            let (old, new) = (format!("state.db{suffix}"), format!("state.db.damaged-{time}{suffix}"));
            match sys::rename_to_free(&self.area.state, &old, &self.area.state, &new, self.names_exclusively) {
                Ok(()) => moved = true,
                Err(Errno::NOENT) => {}
                Err(error) => return Err(Error::io("move aside", old, error)),
            }
        }
        sys::sync_folder(&self.area.state).map_err(|e| Error::io("sync", STATE_FOLDER, e))?;
        Ok(moved)
    }

    fn put(&self, staged: &str, folder: &rustix::fd::OwnedFd, name: &str, shown: &str) -> Result<(), Error> {
        let failed = |e: io::Error| Error::io("keep", format!("{shown}/{name}"), e);
        let (tmp, leaf) = self.area.tmp(staged)?;
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
    fn copies_go_by_the_number_of_their_run() {
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
