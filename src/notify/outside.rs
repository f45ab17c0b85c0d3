//! A file outside of the mirror that other users and programs read.
//!
//! It is whole at every moment: written under another name in the same folder, then renamed. That it
//! lies outside is checked with the configuration (`config::outside`). A name
//! that holds something else than a file is left alone: `/dev/stdout`, say, would be gone for everybody.

use std::{
    fs::{self, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Why a file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum NotReplaced {
    /// Something else has its name.
    #[error("{} is not a file; name a file, or one that does not exist yet", .0.display())]
    NotAFile(PathBuf),
    /// It can't be written.
    #[error("{} could not be written: {}; its folder must exist, and this user must be allowed to create files there", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

/// Puts a file in place that everybody may read.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), NotReplaced> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(NotReplaced::NotAFile(path.to_owned())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(NotReplaced::Io(path.to_owned(), error)),
    }
    write(path, bytes).map_err(|error| NotReplaced::Io(path.to_owned(), error))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Collectors read *.prom, and skip names that begin with a dot.
    let mut file = tempfile::Builder::new().prefix(".ibinder-sync-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_may_read_it_and_nothing_else_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.prom");
        for text in ["one", "two"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for other in [folder.path(), &link, Path::new("/dev/null")] {
            assert!(matches!(replace(other, b"three"), Err(NotReplaced::NotAFile(_))), "{}", other.display());
        }
        assert_eq!(fs::read_to_string(&link).unwrap(), "two");
        let nowhere = replace(&folder.path().join("no/a.prom"), b"three").unwrap_err();
        assert!(nowhere.to_string().contains("folder must exist"), "{nowhere}");
    }
}
