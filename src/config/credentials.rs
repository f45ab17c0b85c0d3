//! Where the client's secret comes from. A secret is never a flag: flags are seen by everybody on
//! the machine.

use std::{ffi::OsString, path::PathBuf};

use secrecy::SecretString;

use super::{Environment, Error};

const NAME: &str = "IBINDER_CLIENT_SECRET";

/// The name of the credential in `$CREDENTIALS_DIRECTORY`.
const CREDENTIAL: &str = "ibinder-client-secret";

/// The secret: from the environment, from a file that it names, or from systemd.
pub(super) fn secret(environment: Environment<'_>) -> Result<SecretString, Error> {
    let given = environment(NAME).filter(|v| !v.is_empty());
    let file = environment("IBINDER_CLIENT_SECRET_FILE").filter(|v| !v.is_empty());
    match (given, file) {
        (Some(_), Some(_)) => Err(Error::Bad {
            name: NAME,
            why: "IBINDER_CLIENT_SECRET_FILE is set as well; unset one of them".to_owned(),
        }),
        (Some(secret), None) => text(secret, NAME),
        (None, Some(file)) => read("IBINDER_CLIENT_SECRET_FILE", &file.into()),
        (None, None) => {
            let directory = environment("CREDENTIALS_DIRECTORY").filter(|v| !v.is_empty()).map(PathBuf::from);
            match directory.map(|d| d.join(CREDENTIAL)).filter(|path| path.exists()) {
                Some(path) => read("$CREDENTIALS_DIRECTORY/ibinder-client-secret", &path),
                None => Err(Error::Missing {
                    name: NAME,
                    advice: "set it, or IBINDER_CLIENT_SECRET_FILE to a file that holds it",
                }),
            }
        }
    }
}

fn text(secret: OsString, name: &'static str) -> Result<SecretString, Error> {
    let secret = secret.into_string().map_err(|_| Error::Bad { name, why: "it is not UTF-8".to_owned() })?;
    clean(&secret, name)
}

fn read(name: &'static str, path: &PathBuf) -> Result<SecretString, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::Bad { name, why: format!("cannot read {}: {e}", path.display()) })?;
    clean(&text, name)
}

fn clean(text: &str, name: &'static str) -> Result<SecretString, Error> {
    match text.trim() {
        "" => Err(Error::Bad { name, why: "it is empty".to_owned() }),
        secret => Ok(SecretString::from(secret.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_secret_comes_from_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(CREDENTIAL);
        std::fs::write(&file, "from-file\n").unwrap();
        let look = |variables: &[(&str, OsString)]| {
            let variables = variables.to_vec();
            let get = move |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
            secret(&get).map(|s| s.expose_secret().to_owned()).map_err(|e| e.to_string())
        };
        let path: OsString = file.into();
        assert_eq!(look(&[(NAME, "plain".into())]).as_deref(), Ok("plain"));
        assert_eq!(look(&[("IBINDER_CLIENT_SECRET_FILE", path.clone())]).as_deref(), Ok("from-file"));
        assert_eq!(look(&[("CREDENTIALS_DIRECTORY", folder.path().into())]).as_deref(), Ok("from-file"));
        assert!(look(&[]).unwrap_err().contains("IBINDER_CLIENT_SECRET_FILE"));
        assert!(look(&[(NAME, "x".into()), ("IBINDER_CLIENT_SECRET_FILE", path)]).is_err());
        assert!(look(&[("IBINDER_CLIENT_SECRET_FILE", "/nowhere".into())]).unwrap_err().contains("/nowhere"));
    }
}
