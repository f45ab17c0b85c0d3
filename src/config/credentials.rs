//! Where the client's secret comes from. It is never a flag, because everybody on the machine can see flags, and never in
//! the configuration file, which gets copied, shown and committed.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::{Error, NAMES, Settings, Sources, command, types::clean};
use crate::paths::{self, Unreadable};

/// The names of the credential in `$CREDENTIALS_DIRECTORY`.
const CREDENTIALS: [&str; 2] = ["ibinder-client-secret", "client_secret"];

/// What a file has to hold.
const WHAT: &str = "the client's secret";

/// The largest secret, in bytes.
const MOST: u64 = 64 * 1024;

/// The secret from the settings, or else from systemd.
pub(super) fn secret(settings: &Settings, sources: &Sources) -> Result<SecretString, Error> {
    if let Some(secret) = &settings.client_secret {
        return Ok(secret.clone());
    }
    if let Some(path) = &settings.client_secret_file {
        return of_file(path, sources.credentials.as_deref(), WHAT)
            .map_err(|why| sources.bad(NAMES.client_secret_file, why));
    }
    if let Some(command) = &settings.client_secret_command {
        return of_command(command).map_err(|why| sources.bad(NAMES.client_secret_command, why));
    }
    match of_systemd(sources) {
        Some(path) => of_file(&path, sources.credentials.as_deref(), WHAT).map_err(|why| {
            let origin = sources.credentials_origin.as_ref().map(|origin| origin.display().to_string());
            let why = origin.map_or(why.clone(), |origin| why.replace(&*path.to_string_lossy(), &origin));
            Error::Bad { name: place(sources).into(), why }
        }),
        None => Err(sources.missing(NAMES.client_secret_file)),
    }
}

/// Where the credential of systemd comes from, for advice: the file that `CREDENTIALS_ORIGIN` names, because the program only sees a
/// copy of it.
pub(super) fn place(sources: &Sources) -> String {
    let named = sources.credentials_origin.as_ref().map(|origin| origin.display().to_string());
    named.unwrap_or_else(|| "client_secret in $CREDENTIALS_DIRECTORY".to_owned())
}

/// Whether nothing says where the secret is.
pub(super) fn is_missing(settings: &Settings, sources: &Sources) -> bool {
    settings.client_secret.is_none()
        && settings.client_secret_file.is_none()
        && settings.client_secret_command.is_none()
        && of_systemd(sources).is_none()
}

/// Whether the secret can be read, without running a command. A missing secret is no error here.
pub(super) fn check(settings: &Settings, sources: &Sources) -> Result<(), Error> {
    let is_unchecked = settings.client_secret_command.is_some() || is_missing(settings, sources);
    if is_unchecked { Ok(()) } else { secret(settings, sources).map(drop) }
}

/// The credential that systemd gave the program.
pub(super) fn of_systemd(sources: &Sources) -> Option<PathBuf> {
    let mut credentials = sources.credentials.iter().flat_map(|folder| CREDENTIALS.map(|name| folder.join(name)));
    credentials.find(|path| path.exists())
}

/// A secret that a command prints as its first line.
pub(super) fn of_command(command: &str) -> Result<SecretString, String> {
    command::first_line(command.trim(), command::LIMIT)
        .and_then(|line| clean(&line).map_err(|why| format!("the command's first line {why}")))
        .and_then(|secret| secret.ok_or_else(|| "the command printed nothing on its first line".to_owned()))
}

/// A secret in a file; `systemd` is the folder of credentials, and `what` is what the file has to hold.
pub(super) fn of_file(path: &Path, systemd: Option<&Path>, what: &str) -> Result<SecretString, String> {
    match clean(&private_text(path, systemd)?) {
        Ok(Some(secret)) => Ok(secret),
        Ok(None) => Err(format!("{} is empty; write {what} into it", path.display())),
        Err(why) => Err(format!("{} {why}; write {what} into it and nothing else", path.display())),
    }
}

/// The text of a file that nobody but its owner may read.
pub(super) fn private_text(path: &Path, systemd: Option<&Path>) -> Result<String, String> {
    let cannot = |error: Unreadable| match error {
        Unreadable::Io(error) => format!("cannot read {}: {error}", path.display()),
        other => format!("{} can't be used: {other}", path.display()),
    };
    let (file, metadata) = paths::open(path).map_err(cannot)?;
    let of_systemd = systemd.is_some_and(|folder| path.starts_with(folder));
    let mode = metadata.permissions().mode() & 0o7777;
    if !is_private(mode, metadata.uid(), of_systemd) {
        let path = path.display();
        return Err(format!("others than its owner can read {path}: its mode is {mode:04o}; chmod 600 {path}"));
    }
    let bytes = paths::content(file, MOST).map_err(cannot)?;
    String::from_utf8(bytes).map_err(|_| cannot(Unreadable::NotText))
}

/// Whether a secret's file is private. A group may read a file of root's: Kubernetes gives secrets to a `fsGroup`, and systemd
/// credentials to a service, in this way.
fn is_private(mode: u32, owner: u32, of_systemd: bool) -> bool {
    let (group, others) = (mode & 0o070, mode & 0o007);
    others == 0 && (group == 0 || owner == 0 || of_systemd)
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs};

    use secrecy::ExposeSecret as _;

    use super::*;

    fn look(variables: &[(&str, OsString)]) -> Result<String, String> {
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
        let sources = Sources::of_environment(&get).map_err(|e| e.to_string())?;
        let (settings, wrong) = Settings::read(&sources, "run");
        Error::none(wrong).map_err(|e| e.to_string())?;
        secret(&settings, &sources).map(|s| s.expose_secret().to_owned()).map_err(|e| e.to_string())
    }

    fn write(path: &Path, text: &str, mode: u32) -> OsString {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        path.into()
    }

    #[test]
    fn each_way_to_the_secret_works() {
        let folder = tempfile::tempdir().unwrap();
        for name in CREDENTIALS {
            let file = folder.path().join(name);
            let path = write(&file, "from-file\n", 0o600);
            assert_eq!(look(&[("IBINDER_CLIENT_SECRET", "plain".into())]).as_deref(), Ok("plain"));
            assert_eq!(look(&[("IBINDER_CLIENT_SECRET_FILE", path.clone())]).as_deref(), Ok("from-file"));
            assert_eq!(look(&[("CREDENTIALS_DIRECTORY", folder.path().into())]).as_deref(), Ok("from-file"));
            assert!(look(&[("IBINDER_CLIENT_SECRET", "x".into()), ("IBINDER_CLIENT_SECRET_FILE", path)]).is_err());
            // What was set wins over what systemd has.
            let command = ("IBINDER_CLIENT_SECRET_COMMAND", "echo from-command; echo more".into());
            let both = look(&[command, ("CREDENTIALS_DIRECTORY", folder.path().into())]);
            assert_eq!(both.as_deref(), Ok("from-command"));
            fs::remove_file(file).unwrap();
        }
        assert!(look(&[]).unwrap_err().contains("IBINDER_CLIENT_SECRET_FILE"));
        assert!(look(&[("IBINDER_CLIENT_SECRET_FILE", "/nowhere".into())]).unwrap_err().contains("/nowhere"));
    }

    #[test]
    fn advice_names_the_file_that_the_credential_was_copied_from() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("client_secret"), "", 0o600);
        let credentials = ("CREDENTIALS_DIRECTORY", OsString::from(folder.path()));
        let error = look(&[credentials.clone(), ("CREDENTIALS_ORIGIN", "/etc/ibinder-sync/eken.secret".into())]);
        let error = error.unwrap_err();
        let file = "/etc/ibinder-sync/eken.secret";
        assert!(error.starts_with(file) && error.contains(&format!("{file} is empty")), "{error}");
        assert!(look(&[credentials]).unwrap_err().starts_with("client_secret in $CREDENTIALS_DIRECTORY"));
    }

    #[test]
    fn a_secret_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder.path().join("s"), "5ecret", 0o644);
        let error = look(&[("IBINDER_CLIENT_SECRET_FILE", path)]).unwrap_err();
        assert!(error.contains("chmod 600") && error.contains("0644") && !error.contains("5ecret"), "{error}");
        write(&folder.path().join("client_secret"), "5ecret", 0o604);
        assert!(look(&[("CREDENTIALS_DIRECTORY", folder.path().into())]).unwrap_err().contains("chmod 600"));
    }

    #[test]
    fn who_may_read_a_secret() {
        #[rustfmt::skip]
        let table = [
            // mode  owner  systemd  private
            (0o600,  1000,  false,   true),
            (0o400,  0,     false,   true),
            (0o640,  1000,  false,   false),
            (0o440,  0,     false,   true),
            (0o440,  1000,  true,    true),
            (0o444,  0,     false,   false),
            (0o444,  0,     true,    false),
            (0o601,  1000,  false,   false),
            (0o602,  1000,  false,   false),
        ];
        for (mode, owner, of_systemd, private) in table {
            assert_eq!(is_private(0o100_000 | mode, owner, of_systemd), private, "{mode:o} {owner} {of_systemd}");
        }
    }

    #[test]
    fn an_empty_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder.path().join("s"), " \n", 0o600);
        let error = look(&[("IBINDER_CLIENT_SECRET_FILE", path)]).unwrap_err();
        assert!(error.contains("/s is empty; write the client's secret into it"), "{error}");
        let error = look(&[("IBINDER_CLIENT_SECRET_COMMAND", "echo; echo x".into())]).unwrap_err();
        assert!(error.ends_with("the command printed nothing on its first line"), "{error}");
    }

    #[test]
    fn whitespace_and_marks_around_a_secret_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        #[rustfmt::skip]
        let table = [
            ("5ecret",                       Ok("5ecret")),
            ("\u{feff}5ecret\r\n",            Ok("5ecret")),
            (" \t5ecret\u{a0}\r\n\r\n",        Ok("5ecret")),
            ("5ecret\r",                     Ok("5ecret")),
            ("5 ecret",                      Ok("5 ecret")),
            ("5ecret\nsecond\n",             Err("more than one line")),
            ("5ecret\r\nsecond",             Err("more than one line")),
            ("5ecret\rsecond",               Err("more than one line")),
            ("5ec\0ret",                     Err("invisible character")),
            ("5ec\u{200b}ret",               Err("invisible character")),
            ("\u{feff}\r\n",                 Err("")),
        ];
        for (text, expected) in table {
            let path = write(&folder.path().join("s"), text, 0o600);
            let of_file = look(&[("IBINDER_CLIENT_SECRET_FILE", path)]);
            let of_variable = look(&[("IBINDER_CLIENT_SECRET", text.into())]);
            match expected {
                Ok(secret) => {
                    assert_eq!((of_file.as_deref(), of_variable.as_deref()), (Ok(secret), Ok(secret)), "{text:?}");
                }
                Err(words) => {
                    let (file, variable) = (of_file.unwrap_err(), of_variable.unwrap_err());
                    assert!(file.contains("/s ") && file.contains(words) && !file.contains("5ec"), "{file}");
                    assert!(variable.contains("IBINDER_CLIENT_SECRET") && variable.contains(words), "{variable}");
                    assert!(!variable.contains("5ec"), "{variable}");
                }
            }
        }
        write(&folder.path().join("s"), "", 0o600);
        fs::write(folder.path().join("s"), b"\xff\xfe5\0e\0").unwrap();
        let error = look(&[("IBINDER_CLIENT_SECRET_FILE", folder.path().join("s").into())]).unwrap_err();
        assert!(error.contains("not UTF-8"), "{error}");
        let error = look(&[("IBINDER_CLIENT_SECRET_FILE", "/dev/zero".into())]).unwrap_err();
        assert!(error.contains("/dev/zero can't be used: it is a device"), "{error}");
    }

    #[test]
    fn a_check_reads_a_secret_file_and_runs_no_command() {
        let folder = tempfile::tempdir().unwrap();
        let file = |mode, text: &str| write(&folder.path().join(format!("{mode:o}{}", text.len())), text, mode);
        let ran = folder.path().join("ran");
        let command = OsString::from(format!("touch {}", ran.display()));
        for (name, value, good) in [
            ("IBINDER_CLIENT_SECRET_FILE", file(0o600, "5ecret"), true),
            ("IBINDER_CLIENT_SECRET_FILE", file(0o644, "5ecret"), false),
            ("IBINDER_CLIENT_SECRET_FILE", file(0o600, ""), false),
            ("IBINDER_CLIENT_SECRET_FILE", "/nowhere".into(), false),
            ("IBINDER_CLIENT_SECRET_COMMAND", command, true),
            ("IBINDER_CLIENT_SECRET", "5ecret".into(), true),
            ("IBINDER_DEST", "/a".into(), true),
        ] {
            let get = |variable: &str| (variable == name).then(|| value.clone());
            let sources = Sources::of_environment(&get).unwrap();
            assert_eq!(check(&Settings::read(&sources, "run").0, &sources).is_ok(), good, "{name} {value:?}");
        }
        assert!(!ran.exists());
    }
}
