//! Where the configuration file is: where the user says, or the first of the usual places.

use std::{
    fs::Metadata,
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    Environment, Error,
    variables::{CONFIG, without_line_end},
};
use crate::paths::{self, Unreadable};

/// The largest configuration file, in bytes.
const MOST: u64 = 1 << 20;

/// Where the machine's file is.
const OF_THE_MACHINE: &str = "/etc/ibinder-sync/config.toml";

/// Below `$XDG_CONFIG_HOME`, or else `~/.config`.
const OF_THE_USER: &str = "ibinder-sync/config.toml";

/// The usual places, best first.
pub(super) fn usual(environment: Environment<'_>) -> Vec<PathBuf> {
    of_user(environment).into_iter().chain([PathBuf::from(OF_THE_MACHINE)]).collect()
}

/// Whether a file is found without being named on the command line.
pub(super) fn is_found(path: &Path, environment: Environment<'_>) -> bool {
    match of_environment(environment) {
        Some(named) => named == path,
        None => usual(environment).iter().any(|usual| usual == path),
    }
}

/// Where `config init` writes by default.
pub(super) fn default_target(root: bool, environment: Environment<'_>) -> Option<PathBuf> {
    if root { Some(PathBuf::from(OF_THE_MACHINE)) } else { of_user(environment) }
}

fn of_user(environment: Environment<'_>) -> Option<PathBuf> {
    let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    folder.map(|folder| folder.join(OF_THE_USER))
}

/// Where this program may keep small files between runs: the folder that the service manager gives it, or else the
/// user's folder for state.
pub(super) fn cache(environment: Environment<'_>) -> Option<PathBuf> {
    let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    let of_user = || absolute("XDG_STATE_HOME").or_else(home).map(|folder| folder.join("ibinder-sync"));
    // Several folders are separated by colons.
    let of_manager = absolute("CACHE_DIRECTORY").filter(|path| !path.to_string_lossy().contains(':'));
    of_manager.or_else(of_user)
}

/// The file that the environment names.
pub(super) fn of_environment(environment: Environment<'_>) -> Option<PathBuf> {
    environment(CONFIG).map(|path| without_line_end(&path)).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The file and its text, if one exists.
pub(super) fn find(flag: Option<&Path>, environment: Environment<'_>) -> Result<Option<(PathBuf, String)>, Error> {
    if let Some(path) = flag.map(Path::to_owned).or_else(|| of_environment(environment)) {
        let text = read(&path)?;
        return Ok(Some((path, text)));
    }
    for path in usual(environment) {
        if is_there(&path, &path.metadata())? {
            let text = read(&path)?;
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}

/// Whether one of the usual places has a file. A home that can't be entered is skipped: a service manager hides homes from
/// services. If the machine's folder can't be entered, it probably has a file, which the user should know.
fn is_there<T>(path: &Path, looked: &io::Result<T>) -> Result<bool, Error> {
    match looked {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path == Path::new(OF_THE_MACHINE) => {
            Err(refused(path, error))
        }
        Err(_) => Ok(false),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let (file, metadata) = paths::open(path).map_err(|error| unreadable(path, error))?;
    check_mode(path, &metadata)?;
    let bytes = paths::content(file, MOST).map_err(|error| unreadable(path, error))?;
    String::from_utf8(bytes).map_err(|_| unreadable(path, Unreadable::NotText))
}

/// The file may name commands to run: whoever can write it acts as its reader.
fn check_mode(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_file() && metadata.permissions().mode() & 0o002 != 0 {
        let why = format!("everybody on this machine can write it; chmod o-w {}", path.display());
        return Err(Error::File { path: path.to_owned(), line: None, why });
    }
    Ok(())
}

fn unreadable(path: &Path, error: Unreadable) -> Error {
    match error {
        Unreadable::Io(error) => refused(path, &error),
        other => Error::File { path: path.to_owned(), line: None, why: other.to_string() },
    }
}

fn refused(path: &Path, error: &io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such file; `ibinder-sync config init --to FILE` writes one to start with".to_owned()
        }
        io::ErrorKind::PermissionDenied if path == Path::new(OF_THE_MACHINE) => {
            "you may not read it; run it with sudo, or as `sudo ibinder-sync-as NAME …`".to_owned()
        }
        io::ErrorKind::PermissionDenied => "you may not read it".to_owned(),
        _ => format!("it cannot be read: {error}"),
    };
    Error::File { path: path.to_owned(), line: None, why }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs};

    use super::*;

    fn look(flag: Option<&Path>, variables: &[(&str, &Path)]) -> Result<Option<PathBuf>, String> {
        let get =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value.as_os_str()));
        find(flag, &get).map(|found| found.map(|(path, _)| path)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_existing_file_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        let (home, xdg) = (folder.path().join("home"), folder.path().join("xdg"));
        let of_home = write("home/.config/ibinder-sync/config.toml");
        let of_xdg = write("xdg/ibinder-sync/config.toml");
        let (named, flag) = (write("named.toml"), write("flag.toml"));
        let none = Path::new("");
        #[rustfmt::skip]
        let table = [
            (None,                 vec![("HOME", home.as_path())],                                               &of_home),
            (None,                 vec![("HOME", &home), ("XDG_CONFIG_HOME", Path::new("relative"))],            &of_home),
            (None,                 vec![("HOME", &home), ("XDG_CONFIG_HOME", &xdg), ("IBINDER_CONFIG", none)],   &of_xdg),
            (None,                 vec![("XDG_CONFIG_HOME", &xdg), ("IBINDER_CONFIG", &named)],                  &named),
            (Some(flag.as_path()), vec![("IBINDER_CONFIG", &named)],                                             &flag),
        ];
        for (flag, variables, path) in table {
            assert_eq!(look(flag, &variables), Ok(Some(path.to_owned())), "{variables:?}");
        }
        assert_eq!(usual(&|_| None), [PathBuf::from(OF_THE_MACHINE)]);
        let get = |name: &str| (name == "HOME").then(|| home.clone().into());
        assert_eq!(default_target(false, &get), Some(of_home));
        assert_eq!(default_target(true, &get), Some(PathBuf::from(OF_THE_MACHINE)));
        assert_eq!(default_target(false, &|_| None), None);
    }

    #[test]
    fn small_files_are_kept_where_the_manager_or_the_user_says() {
        for (variables, folder) in [
            (vec![("HOME", "/home/me")], Some("/home/me/.local/state/ibinder-sync")),
            (vec![("HOME", "/home/me"), ("XDG_STATE_HOME", "/state")], Some("/state/ibinder-sync")),
            (
                vec![("HOME", "/home/me"), ("CACHE_DIRECTORY", "/var/cache/ibinder-sync/a")],
                Some("/var/cache/ibinder-sync/a"),
            ),
            (vec![("CACHE_DIRECTORY", "/a:/b")], None),
            (vec![("HOME", "relative")], None),
        ] {
            let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
            assert_eq!(cache(&get).as_deref(), folder.map(Path::new), "{variables:?}");
        }
    }

    #[test]
    fn an_unreadable_machine_folder_is_reported_and_a_hidden_home_is_skipped() {
        let looked = |kind: io::ErrorKind| Err::<(), _>(io::Error::from(kind));
        let (machine, home) = (Path::new(OF_THE_MACHINE), Path::new("/home/me/.config/ibinder-sync/config.toml"));
        let closed = is_there(machine, &looked(io::ErrorKind::PermissionDenied)).map_err(|error| error.to_string());
        assert_eq!(
            closed.unwrap_err(),
            "/etc/ibinder-sync/config.toml: you may not read it; run it with sudo, or as `sudo ibinder-sync-as NAME …`"
        );
        for (path, looked, there) in [
            (machine, looked(io::ErrorKind::NotFound), false),
            (machine, Ok(()), true),
            (home, looked(io::ErrorKind::PermissionDenied), false),
            (home, looked(io::ErrorKind::NotADirectory), false),
        ] {
            assert_eq!(is_there(path, &looked).unwrap(), there, "{path:?} {looked:?}");
        }
    }

    #[test]
    fn an_unusable_file_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let error = || look(Some(&path), &[]).unwrap_err();
        assert!(error().contains("no such file"), "{}", error());
        fs::write(&path, b"\xff").unwrap();
        assert!(error().contains("UTF-8"), "{}", error());
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(error().contains("chmod o-w"), "{}", error());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(look(Some(&path), &[]).is_ok());
    }
}
