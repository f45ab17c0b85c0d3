//! Plain files of the state: reports and other files beside the database.
//!
//! A name is relative to the state folder and at most one folder deep. Readers see the old file or the new one, never a
//! mixture.

use std::{fs::File, io::Read as _};

use rustix::{fd::OwnedFd, fs::AtFlags, io::Errno};

use super::{Error, Mirror, Stage, read::open, sys};
use crate::{
    failpoints::{self, Point},
    model::STATE_FOLDER,
};

impl Mirror {
    /// Writes a file of the state, replacing an existing one.
    pub fn write_state_file(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut stage = Stage::create(self, false)?;
        stage.write(bytes)?;
        self.replace_state_file(stage, name)
    }

    /// Turns a stage into a file of the state, replacing an existing one. The file is durable when this returns.
    pub fn keep_state_file(&self, stage: Stage, name: &str) -> Result<(), Error> {
        stage.sync()?;
        let dir = self.place_state_file(stage, name)?;
        sys::sync_folder(&dir).map_err(|e| Error::io("sync the folder of", format!("{STATE_FOLDER}/{name}"), e))
    }

    /// The same without making it durable, for a file that can be made again and whose damage is noticed.
    pub fn replace_state_file(&self, stage: Stage, name: &str) -> Result<(), Error> {
        self.place_state_file(stage, name).map(drop)
    }

    fn place_state_file(&self, stage: Stage, name: &str) -> Result<OwnedFd, Error> {
        let staged = stage.finish(None)?;
        let (tmp, from) = self.state_dir.tmp(&staged.name)?;
        let (dir, leaf) = self.state_folder(name)?;
        rustix::fs::renameat(tmp, from, &dir, leaf)
            .map_err(|e| Error::io("write", format!("{STATE_FOLDER}/{name}"), e))?;
        failpoints::point(Point::StateFileWritten, name);
        Ok(dir)
    }

    /// Reads a file of the state; `None` if there is none.
    pub fn read_state_file(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let failed = |e| Error::io("read", format!("{STATE_FOLDER}/{name}"), e);
        let mut file: File = match self.state_folder(name).map(|(dir, leaf)| open(&dir, leaf)) {
            Ok(Ok(file)) => file,
            Ok(Err(Errno::NOENT)) => return Ok(None),
            Ok(Err(error)) => return Err(failed(error.into())),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        Ok(Some(bytes))
    }

    /// Deletes a file of the state, if it is there.
    pub fn remove_state_file(&self, name: &str) -> Result<(), Error> {
        let (dir, leaf) = self.state_folder(name)?;
        match rustix::fs::unlinkat(&dir, leaf, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(Error::io("remove", format!("{STATE_FOLDER}/{name}"), error)),
        }
    }

    /// The highest run number that reports, manifests and copies of the state mention.
    pub fn highest_run(&self) -> Result<i64, Error> {
        let names = self.state_files("runs")?.into_iter().chain(self.state_files("copies")?);
        Ok(names.filter_map(|name| name.split_once('-')?.0.parse().ok()).max().unwrap_or(0))
    }

    /// The sorted names in a folder of the state; `None` if the folder is missing.
    pub fn state_files(&self, folder: &str) -> Result<Vec<String>, Error> {
        let failed = |e: Errno| Error::io("list", format!("{STATE_FOLDER}/{folder}"), e);
        let dir = match sys::open_folder(&self.state_dir.state, folder) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Ok(name) = entry.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn state_folder<'n>(&self, name: &'n str) -> Result<(OwnedFd, &'n str), Error> {
        let (folder, leaf) = name.rsplit_once('/').unwrap_or((".", name));
        let dir = sys::open_folder(&self.state_dir.state, folder);
        dir.map(|dir| (dir, leaf)).map_err(|e| Error::io("open the folder of", format!("{STATE_FOLDER}/{name}"), e))
    }
}
