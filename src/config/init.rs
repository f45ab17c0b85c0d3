//! Writes a configuration file to start with. It never replaces one, and is private.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::config::{
    Environment, Error, NAMES, check_output_path, places,
    sample::{filled, sample},
};

/// A configuration file that is to be written.
#[derive(Debug)]
pub struct NewConfig {
    /// The file.
    pub path: PathBuf,
    /// Whether the group of its folder can read it.
    pub for_group: bool,
    /// Whether `run` finds it without `--config`.
    pub is_found: bool,
}

/// What somebody answered about a mirror.
#[derive(Debug)]
pub struct Answers {
    /// The profile that gets the settings, if not the top of the file.
    pub profile: Option<String>,
    /// The organisation's id.
    pub organisation: String,
    /// The API client's id.
    pub client_id: String,
    /// The client's secret.
    pub secret: NewSecret,
    /// The destination.
    pub dest: String,
}

/// Where the client's secret is.
#[derive(Debug)]
pub enum NewSecret {
    /// It was typed, and goes into a file of its own.
    Typed(SecretString),
    /// In a file.
    File(String),
    /// A command prints it.
    Command(String),
}

impl NewConfig {
    /// At the given path, or where `run` will find it. Refuses a path where something is.
    pub fn at(to: Option<PathBuf>, environment: Environment<'_>) -> Result<Self, Error> {
        let path = match to.or_else(|| places::of_environment(environment)) {
            Some(path) => path,
            None => places::default_target(geteuid().is_root(), environment).ok_or(Error::Bad {
                name: "--to".into(),
                why: "it is needed, because neither XDG_CONFIG_HOME nor HOME is set".to_owned(),
            })?,
        };
        check_output_path("--to", &path, None)?;
        if path.symlink_metadata().is_ok() {
            return Err(taken(&path));
        }
        let for_group = fs::metadata(folder_of(&path))
            .is_ok_and(|folder| is_for_group(geteuid().is_root(), folder.gid(), folder.permissions().mode()));
        Ok(Self { is_found: places::is_found(&path, environment), path, for_group })
    }

    /// Whether it is for the service of the package: root and systemd alone read the group's file at its standard path.
    pub fn is_of_service(&self) -> bool {
        self.for_group && self.is_found
    }

    /// The file that a secret that is typed goes into.
    pub fn secret_file(&self, profile: Option<&str>) -> PathBuf {
        self.path.with_file_name(profile.map_or("client_secret".to_owned(), |name| format!("{name}.secret")))
    }

    /// Writes the file with everything in comments.
    pub fn write_sample(&self) -> Result<(), Error> {
        self.write(&sample())
    }

    /// Writes the file with these answers, and the file of a secret that was typed.
    pub fn write_answers(&self, answers: &Answers) -> Result<(), Error> {
        let text = filled(answers.profile.as_deref(), &self.settings(answers));
        let NewSecret::Typed(secret) = &answers.secret else { return self.write(&text) };
        let path = self.secret_file(answers.profile.as_deref());
        create(&path, format!("{}\n", secret.expose_secret()).as_bytes()).map_err(|error| refused(&path, &error))?;
        self.write(&text).inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })
    }

    fn settings(&self, answers: &Answers) -> Vec<(&'static str, Value)> {
        let mut settings = vec![
            (NAMES.organisation, answers.organisation.as_str().into()),
            (NAMES.client_id, answers.client_id.as_str().into()),
            (NAMES.dest, answers.dest.as_str().into()),
            (NAMES.existing, true.into()),
        ];
        match &answers.secret {
            // systemd gives the service a copy of its profile's.
            NewSecret::Typed(_) if self.is_of_service() => {}
            NewSecret::Typed(_) => settings.push((NAMES.client_secret_file, "client_secret".into())),
            NewSecret::File(path) => settings.push((NAMES.client_secret_file, path.as_str().into())),
            NewSecret::Command(command) => settings.push((NAMES.client_secret_command, command.as_str().into())),
        }
        settings
    }

    fn write(&self, text: &str) -> Result<(), Error> {
        let file = create(&self.path, text.as_bytes()).map_err(|error| refused(&self.path, &error))?;
        if self.for_group {
            let _ = give_to_group(&file, folder_of(&self.path));
        }
        Ok(())
    }
}

fn taken(path: &Path) -> Error {
    let why = "it is there already, and was not changed; use --to FILE to write another one".to_owned();
    Error::File { path: path.to_owned(), line: None, why }
}

fn refused(path: &Path, error: &io::Error) -> Error {
    if path.symlink_metadata().is_ok() {
        return taken(path);
    }
    let why = format!("it cannot be written: {error}; use --to FILE to write elsewhere");
    Error::File { path: path.to_owned(), line: None, why }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a new file that only its owner can read.
fn create(path: &Path, bytes: &[u8]) -> io::Result<File> {
    fs::create_dir_all(folder_of(path))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // A partial file would block the next try.
    file.write_all(bytes).and_then(|()| file.sync_all()).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })?;
    Ok(file)
}

/// Root writes for a service with a user of its own: if that service's group can read the folder, it can read the file.
fn give_to_group(file: &File, folder: &Path) -> io::Result<()> {
    fchown(file, None, Some(fs::metadata(folder)?.gid()))?;
    file.set_permissions(fs::Permissions::from_mode(0o640))
}

fn is_for_group(root: bool, group: u32, mode: u32) -> bool {
    root && group != 0 && mode & 0o050 == 0o050
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, Sources};

    fn init(to: Option<PathBuf>, environment: Environment<'_>) -> Result<NewConfig, Error> {
        let new = NewConfig::at(to, environment)?;
        new.write_sample().map(|()| new)
    }

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

    fn answers(profile: Option<&str>, secret: NewSecret) -> Answers {
        let profile = profile.map(str::to_owned);
        Answers { profile, organisation: "AB".into(), client_id: "c\"".into(), secret, dest: "/srv/m \u{e5}".into() }
    }

    #[test]
    fn answers_are_written_with_the_secret_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let new = |name: &str| NewConfig::at(Some(folder.path().join(name)), &|_| None).unwrap();
        let typed = || NewSecret::Typed("5ecret".to_owned().into());
        for (name, profile, secret, place) in [
            ("a/c.toml", None, typed(), folder.path().join("a/client_secret")),
            ("b/c.toml", None, NewSecret::File("/s".into()), "/s".into()),
            ("c/c.toml", Some("eken"), NewSecret::File("/s".into()), "/s".into()),
        ] {
            let new = new(name);
            new.write_answers(&answers(profile, secret)).unwrap();
            assert!(!fs::read_to_string(&new.path).unwrap().contains("5ecret"));
            let sources = Sources::load(Some(&new.path), profile, &|_| None).unwrap();
            let (settings, wrong) = Settings::read(&sources, "run");
            assert!(wrong.is_empty() && settings.existing, "{wrong:?}");
            assert_eq!((settings.client_id.as_deref(), settings.dest), (Some("c\""), Some("/srv/m \u{e5}".into())));
            assert_eq!(settings.client_secret_file, Some(place));
        }
        let secret = folder.path().join("a/client_secret");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "5ecret\n");
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        // Neither file is replaced, nor is one written without the other.
        assert!(new("a/d.toml").write_answers(&answers(None, typed())).is_err());
        assert!(!folder.path().join("a/d.toml").exists());
        let late = new("e/c.toml");
        fs::create_dir_all(&late.path).unwrap();
        assert!(late.write_answers(&answers(None, typed())).is_err());
        assert!(!folder.path().join("e/client_secret").exists());
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
