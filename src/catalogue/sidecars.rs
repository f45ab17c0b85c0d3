//! A file of metadata for each document, in a folder tree of their own.
//!
//! The tree is the mirror's, with `.json` behind each file's name. It lies outside of the mirror: there a
//! document may really have such a name, and whatever is in the mirror is the service's.
//!
//! It is a new folder each time, written under another name beside it and renamed when it is whole, so that
//! nobody sees half of it. Nothing is ever replaced or deleted: no mark can tell a folder that may go from a
//! copy of the mirror that somebody laid over it. The last rename succeeds on an empty folder alone.

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

/// How the folder is called while it is written.
const UNFINISHED: &str = ".ibinder-sidecars";

/// Lengths of a file's name that are tried, in bytes: the usual limit, then those of file systems that take less.
const LONGEST: [usize; 4] = [255, 200, 143, 100];

/// What stands behind a file's name.
pub(super) const SUFFIX: &str = ".json";

/// Sidecars that are being written.
#[derive(Debug)]
pub struct Sidecars {
    folder: PathBuf,
    new: TempDir,
    /// Folders of the tree whose names a sidecar may want.
    folders: HashSet<String>,
    made: HashSet<String>,
    count: u64,
}

impl Sidecars {
    /// For a folder that does not exist, or is empty. `folders` are those of the tree that are
    /// called like a sidecar.
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

    /// Writes a sidecar under the longest name that the file system takes.
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

    /// Where the sidecar of a file lies. Where the name would be too long, or a folder has it, it shows
    /// the document's id.
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

    /// Gives the folder its name. Says how many files it has.
    pub fn end(self) -> Result<u64, Refused> {
        let (folder, count) = (self.folder, self.count);
        let disk = |error: io::Error| match error.kind() {
            // Somebody put something into it meanwhile.
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => Refused::NotEmpty(folder.clone()),
            _ => Refused::Disk("make", folder.clone(), error),
        };
        open_up(self.new.path(), &folder).map_err(disk)?;
        fs::rename(self.new.path(), &folder).map_err(disk)?;
        let _ = self.new.keep();
        Ok(count)
    }
}

/// Gives a folder that only its owner may read the mode of the empty one whose place it takes, or else that of
/// any new one.
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
    fn sidecars_have_names_that_nobody_else_has() {
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
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished is left");
    }
}
