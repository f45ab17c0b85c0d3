//! Writes a configuration file to start with. It never replaces one, and is private.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

use crate::config::{Environment, Error, check_output_path, places, sample};

/// A configuration file that was written.
#[derive(Debug)]
pub struct WrittenConfig {
    /// The file.
    pub path: PathBuf,
    /// Whether the group of its folder can read it.
    pub for_group: bool,
    /// Whether `run` finds it without `--config`.
    pub is_found: bool,
}

/// Writes the file to the given path, or where `run` will find it.
pub fn init(to: Option<PathBuf>, environment: Environment<'_>) -> Result<WrittenConfig, Error> {
    let path = match to.or_else(|| places::of_environment(environment)) {
        Some(path) => path,
        None => places::default_target(geteuid().is_root(), environment).ok_or(Error::Bad {
            name: "--to".into(),
            why: "it is needed, because neither XDG_CONFIG_HOME nor HOME is set".to_owned(),
        })?,
    };
    check_output_path("--to", &path, None)?;
    match write(&path) {
        Ok(for_group) => Ok(WrittenConfig { is_found: places::is_found(&path, environment), path, for_group }),
        Err(error) => {
            let why = if path.symlink_metadata().is_ok() {
                "it is there already, and was not changed; use --to FILE to write another one".to_owned()
            } else {
                format!("it cannot be written: {error}; use --to FILE to write elsewhere")
            };
            Err(Error::File { path, line: None, why })
        }
    }
}

fn write(path: &Path) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // A partial file would block the next try.
    file.write_all(sample().as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })?;
    Ok(give_to_group(&file, folder).unwrap_or(false))
}

/// Root writes for a service with a user of its own: if that service's group can read the folder, it can read the file.
fn give_to_group(file: &File, folder: &Path) -> io::Result<bool> {
    let folder = fs::metadata(folder)?;
    if !is_for_group(geteuid().is_root(), folder.gid(), folder.permissions().mode()) {
        return Ok(false);
    }
    fchown(file, None, Some(folder.gid()))?;
    file.set_permissions(fs::Permissions::from_mode(0o640))?;
    Ok(true)
}

fn is_for_group(root: bool, group: u32, mode: u32) -> bool {
    root && group != 0 && mode & 0o050 == 0o050
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_never_replaces_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c.toml");
        let begun = init(Some(path.clone()), &|_| None).unwrap();
        assert_eq!((&begun.path, begun.is_found), (&path, false));
        let home = folder.path().join("home");
        let environment = |name: &str| (name == "HOME").then(|| home.clone().into());
        let usual = home.join(".config/ibinder-sync/config.toml");
        assert!(init(Some(usual), &environment).unwrap().is_found);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), sample());
        fs::write(&path, "mine").unwrap();
        let error = init(Some(path.clone()), &|_| None).unwrap_err().to_string();
        assert!(error.contains("it is there already"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        // Neither does it write through a link.
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("target"), &link).unwrap();
        assert!(init(Some(link), &|_| None).is_err());
        assert!(!folder.path().join("target").exists());
    }

    #[test]
    fn who_can_read_the_file() {
        #[rustfmt::skip]
        let table = [
            // root, group, mode of the folder
            (true,   999,   0o040_750, true),
            (true,   999,   0o040_700, false),
            (true,   0,     0o040_755, false),
            (false,  999,   0o040_750, false),
        ];
        for (root, group, mode, for_group) in table {
            assert_eq!(is_for_group(root, group, mode), for_group, "{root} {group} {mode:o}");
        }
    }
}
