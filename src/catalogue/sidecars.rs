//! A metadata file for each document, in a folder tree of its own.
//!
//! The tree is that of the mirror, with `.json` added to each file's name. It lies outside of the mirror, where a document
//! may really have that name and where everything comes from the service.
//!
//! Each export is a new folder, written under another name beside it and renamed when complete, so that nobody sees half of
//! it. Nothing is ever replaced or deleted, because no marker can tell an old export from one that somebody copied a mirror
//! into. The final rename only succeeds onto an empty folder.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    error::{Error, Refused},
    jsonl,
    record::Record,
};

/// Prefix of the folder's name while it is being written.
const UNFINISHED: &str = ".ibinder-sidecars";

/// Lengths of file names that are tried, in bytes: the usual limit, then those of stricter file systems.
const LONGEST: [usize; 4] = [255, 200, 143, 100];

/// Added to a file's name.
pub(super) const SUFFIX: &str = ".json";

/// An export in progress.
#[derive(Debug)]
pub struct Sidecars {
    folder: PathBuf,
    new: TempDir,
    /// Folders of the tree whose names collide with those of sidecars.
    folders: HashSet<String>,
    made: HashSet<String>,
    count: u64,
}

impl Sidecars {
    /// Begins an export into a folder that does not exist or is empty. `folders` are the tree's folders with names like a
    /// sidecar's.
    pub(super) fn begin(folder: &Path, folders: HashSet<String>) -> Result<Self, Refused> {
        let disk = |what, path: &Path| {
            let path = path.to_owned();
            move |error| Refused::Disk(what, path, error)
        };
        let folder = std::path::absolute(folder).map_err(disk("find", folder))?;
        match fs::read_dir(&folder).map(|mut entries| entries.next().is_some()) {
            Ok(true) => return Err(Refused::NotEmpty(folder)),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Refused::Disk("read", folder, error)),
        }
        let above = folder.parent().unwrap_or(&folder).to_owned();
        fs::create_dir_all(&above).map_err(disk("make", &above))?;
        let new = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&above);
        let new = new.map_err(disk("make a folder in", &above))?;
        Ok(Self { folder, new, folders, made: HashSet::new(), count: 0 })
    }

    pub(super) fn put(&mut self, record: &Record<'_>, names: &[String]) -> Result<(), Error> {
        if let Some((above, _)) = record.document.path.rsplit_once('/')
            && !self.made.contains(above)
        {
            fs::create_dir_all(self.new.path().join(above))?;
            self.made.insert(above.to_owned());
        }
        let mut text = serde_json::to_string_pretty(&jsonl::Line::of(record, names)).map_err(io::Error::from)?;
        text.push('\n');
        self.write(record, &text)?;
        self.count += 1;
        Ok(())
    }

    /// Writes a sidecar under the longest name that the file system accepts.
    fn write(&self, record: &Record<'_>, text: &str) -> io::Result<()> {
        let mut written = Ok(());
        for longest in LONGEST {
            let path = self.place(&record.document.path, &record.document.document, longest);
            written = fs::write(self.new.path().join(path), text);
            if !matches!(&written, Err(error) if error.kind() == io::ErrorKind::InvalidFilename) {
                break;
            }
        }
        written
    }

    /// The sidecar's path. If its name would be too long, or a folder has it, the name includes the document's id.
    fn place(&self, path: &str, id: &str, longest: usize) -> String {
        let plain = format!("{path}{SUFFIX}");
        let (above, name) = path.rsplit_once('/').map_or(("", path), |(above, name)| (above, name));
        if name.len() + SUFFIX.len() <= longest && !self.folders.contains(&plain) {
            return plain;
        }
        let mark = format!(" [{}]{SUFFIX}", id.replace('/', "_"));
        let end = name.floor_char_boundary(longest.saturating_sub(mark.len()).min(name.len()));
        let slash = if above.is_empty() { "" } else { "/" };
        format!("{above}{slash}{}{mark}", &name[..end])
    }

    /// Renames the folder to its final name, and returns the number of its files.
    pub fn end(self) -> Result<u64, Refused> {
        let (folder, count) = (self.folder, self.count);
        let disk = |error: io::Error| match error.kind() {
            // Somebody added a file to it in the meantime.
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => Refused::NotEmpty(folder.clone()),
            _ => Refused::Disk("make", folder.clone(), error),
        };
        open_up(self.new.path(), &folder).map_err(disk)?;
        fs::rename(self.new.path(), &folder).map_err(disk)?;
        let _ = self.new.keep();
        Ok(count)
    }
}

/// Gives the folder, which only its owner may read so far, the mode of the empty folder that it replaces, or the default
/// mode.
fn open_up(new: &Path, folder: &Path) -> io::Result<()> {
    let mode = if let Ok(found) = fs::metadata(folder) {
        found.permissions()
    } else {
        let probe = new.join(".mode");
        fs::create_dir(&probe)?;
        let mode = fs::metadata(&probe)?.permissions();
        fs::remove_dir(&probe)?;
        mode
    };
    fs::set_permissions(new, mode)
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn sidecar_names_never_collide() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("side");
        let sidecars = Sidecars::begin(&target, ["B/a.pdf.json".to_owned()].into()).unwrap();
        let long = "å".repeat(126);
        for (path, place) in [
            ("B/b.pdf", "B/b.pdf.json".to_owned()),
            ("B/b.pdf.json", "B/b.pdf.json.json".to_owned()),
            ("B/a.pdf", "B/a.pdf [3f2a].json".to_owned()),
            ("a", "a.json".to_owned()),
            (&format!("B/{long}"), format!("B/{} [3f2a].json", "å".repeat(121))),
        ] {
            assert_eq!(sidecars.place(path, "3f2a", 255), place);
            assert!(place.rsplit('/').next().unwrap().len() <= 255);
        }
    }

    #[test]
    fn nothing_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("side");
        assert_eq!(Sidecars::begin(&target, HashSet::new()).unwrap().end().unwrap(), 0);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
        fs::set_permissions(&target, Permissions::from_mode(0o710)).unwrap();
        Sidecars::begin(&target, HashSet::new()).unwrap().end().unwrap();
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o710);
        let late = Sidecars::begin(&target, HashSet::new()).unwrap();
        fs::write(target.join("mine.json"), "{}").unwrap();
        assert!(matches!(late.end(), Err(Refused::NotEmpty(_))));
        assert!(matches!(Sidecars::begin(&target, HashSet::new()), Err(Refused::NotEmpty(_))));
        assert!(target.join("mine.json").is_file());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no unfinished folder is left");
    }
}
