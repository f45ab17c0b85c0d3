//! The copy of a mirror: where it is, and the credentials of its store.
//!
//! The file with the credentials is read when a store is opened: a run must not fail because of it.

use std::{num::NonZeroU64, path::PathBuf, time::Duration};

use secrecy::SecretString;

use super::{
    Error, NAMES, Settings, Sources, credentials::private_text, output_path::check_copy_folder, spelling::nearest,
};
use crate::model::Share;
use crate::replica::{Credentials, Location, Place, VARIABLES};

/// How a copy is reached.
#[derive(Debug, Clone, Default)]
pub struct CopySettings {
    /// Where it is; `None` if none is kept.
    pub location: Option<Location>,
    /// Whether the cloud is asked for credentials.
    pub ask_metadata: bool,
    /// Uploads at the same time.
    pub transfers: usize,
    /// The most bytes per second of all uploads together.
    pub bandwidth: Option<NonZeroU64>,
    /// How long the work may take.
    pub max_duration: Option<Duration>,
    /// The share of it that is checked each time; `None` for none.
    pub check: Option<Share>,
    /// Whether to go on although the copy is not as this mirror left it.
    pub accept: bool,
    /// Whether nothing in the store can be deleted for a time.
    pub immutable: bool,
    environment: Vec<(String, SecretString)>,
    file: Option<CredentialsFile>,
}

#[derive(Debug, Clone)]
struct CredentialsFile {
    path: PathBuf,
    /// Its setting, as an error names it.
    name: String,
    /// The folder of systemd's credentials.
    systemd: Option<PathBuf>,
}

impl CopySettings {
    /// Reads the settings. A folder for the copy must lie outside of mirrors.
    pub fn new(settings: &Settings, sources: &Sources) -> Result<Self, Error> {
        let file = settings.replicate_credentials_file.clone().map(|path| CredentialsFile {
            path,
            name: sources.name(NAMES.replicate_credentials_file),
            systemd: sources.credentials.clone(),
        });
        let copy = Self {
            location: settings.replicate.clone(),
            ask_metadata: settings.replicate_ask_metadata,
            transfers: settings.replicate_transfers,
            bandwidth: settings.bandwidth,
            max_duration: settings.max_duration,
            check: settings.replicate_check,
            accept: false,
            immutable: settings.replicate_immutable,
            environment: sources.of_stores.clone(),
            file,
        };
        copy.check_place(&sources.name(NAMES.replicate), settings)?;
        Ok(copy)
    }

    /// The same for a command that needs a copy: that at the place in its flag `--to`, or else the one that is set.
    pub fn needed(settings: &Settings, sources: &Sources, to: Option<Location>) -> Result<(Location, Self), Error> {
        let copy = Self::new(settings, sources)?;
        let Some(location) = to else {
            let missing = |error| match error {
                Error::Missing { name, advice } => {
                    Error::Missing { name, advice: format!("give --to URL, or {advice}") }
                }
                other => other,
            };
            let location = copy.location.clone().ok_or_else(|| missing(sources.missing(NAMES.replicate)))?;
            return Ok((location, copy));
        };
        let copy = Self { location: Some(location.clone()), ..copy };
        copy.check_place("--to", settings)?;
        Ok((location, copy))
    }

    fn check_place(&self, name: &str, settings: &Settings) -> Result<(), Error> {
        match (&self.location, &settings.dest) {
            (Some(Location { place: Place::Folder(folder), .. }), Some(dest)) => check_copy_folder(name, folder, dest),
            _ => Ok(()),
        }
    }

    /// The credentials of its store: those of the environment, and of the file what the environment lacks.
    pub fn credentials(&self) -> Result<Credentials, Error> {
        let of_file = match &self.file {
            None => Vec::new(),
            Some(CredentialsFile { path, name, systemd }) => private_text(path, systemd.as_deref())
                .and_then(|text| lines(&text).map_err(|why| format!("{}: {why}", path.display())))
                .map_err(|why| Error::Bad { name: name.clone().into(), why })?,
        };
        Ok(Credentials::new(of_file.into_iter().chain(self.environment.iter().cloned())))
    }
}

/// The pairs in the file. An error never repeats a line: it may be a secret.
fn lines(text: &str) -> Result<Vec<(String, SecretString)>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().zip(1..).map(|(line, number)| (line.trim(), number));
    let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(line, number)| pair(line).map_err(|why| format!("line {number} {why}"))).collect()
}

fn pair(line: &str) -> Result<(String, SecretString), String> {
    let (name, value) = line.split_once('=').ok_or("is not NAME=VALUE")?;
    let (name, value) = (name.trim(), value.trim());
    if !VARIABLES.contains(&name) {
        let meant = nearest(name, VARIABLES.iter().copied());
        let advice = meant.map_or_else(
            || "docs/configuration.md lists the names".to_owned(),
            |meant| format!("did you mean {meant}?"),
        );
        return Err(format!("has a name that no store has; {advice}"));
    }
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    Ok((name.to_owned(), SecretString::from(quoted.unwrap_or(value))))
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt as _};

    use secrecy::ExposeSecret as _;

    use super::*;

    fn copy(variables: &[(&str, OsString)]) -> Result<CopySettings, Error> {
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone());
        let sources = Sources::of_environment(&get).unwrap();
        let (settings, wrong) = Settings::read(&sources, "run");
        Error::none(wrong).unwrap();
        CopySettings::new(&settings, &sources)
    }

    #[test]
    fn credentials_are_read_from_lines() {
        let read = |text: &str| {
            let pairs = lines(text)?.into_iter().map(|(name, value)| format!("{name}={}", value.expose_secret()));
            Ok::<_, String>(pairs.collect::<Vec<_>>().join(" "))
        };
        #[rustfmt::skip]
        let table = [
            ("AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b/c=\n", Ok("AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b/c=")),
            ("\u{feff}# of Eken\r\n\r\n AWS_REGION = eu-north-1 \r\n",   Ok("AWS_REGION=eu-north-1")),
            ("AWS_REGION=\"eu\"\nAZURE_CLIENT_ID='x'",             Ok("AWS_REGION=eu AZURE_CLIENT_ID=x")),
            ("",                                                   Ok("")),
            ("AWS_REGION=eu\n5ecret",                              Err("line 2 is not NAME=VALUE")),
            ("[default]\naws_access_key_id = 5ecret",              Err("line 1 is not NAME=VALUE")),
            ("aws_access_key_id = 5ecret",                         Err("did you mean AWS_ACCESS_KEY_ID?")),
            ("5ecretbase64==",                                     Err("docs/configuration.md lists the names")),
        ];
        for (text, wanted) in table {
            match (read(text), wanted) {
                (Ok(pairs), Ok(wanted)) => assert_eq!(pairs, wanted, "{text}"),
                (Err(why), Err(words)) => assert!(why.contains(words) && !why.contains("5ecret"), "{text}: {why}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }

    #[test]
    fn the_environment_overrules_the_file_and_nothing_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        fs::write(&path, "AWS_ACCESS_KEY_ID=of-file\nAWS_SECRET_ACCESS_KEY=5ecret\n").unwrap();
        let file = ("IBINDER_REPLICATE_CREDENTIALS_FILE", OsString::from(&path));
        let copy = copy(&[file, ("AWS_ACCESS_KEY_ID", "of-environment".into())]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = copy.credentials().unwrap_err().to_string();
        let name = "IBINDER_REPLICATE_CREDENTIALS_FILE can't be used: ";
        assert!(error.starts_with(name) && error.contains("chmod 600"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let credentials = copy.credentials().unwrap();
        assert_eq!(credentials.get("AWS_ACCESS_KEY_ID"), Some("of-environment"));
        assert_eq!(credentials.get("AWS_SECRET_ACCESS_KEY"), Some("5ecret"));
        let shown = format!("{copy:?} {credentials:?}");
        assert!(!shown.contains("5ecret") && !shown.contains("of-environment"), "{shown}");
        fs::remove_file(&path).unwrap();
        assert!(copy.credentials().is_err());
    }

    #[test]
    fn a_folder_for_the_copy_lies_outside_of_the_mirror() {
        for (folder, good) in [("/srv/mirror/copy", false), ("/srv", false), ("/mnt/copy", true)] {
            let copied = copy(&[
                ("IBINDER_DEST", "/srv/mirror".into()),
                ("IBINDER_REPLICATE", format!("file://{folder}").into()),
            ]);
            assert_eq!(copied.is_ok(), good, "{folder}");
        }
    }
}
