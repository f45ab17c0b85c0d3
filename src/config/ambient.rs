//! Files that libraries read because a variable names them: the time zone and certificates.

use std::path::PathBuf;

use super::{Environment, Error};
use crate::paths::{self, Unreadable};

/// The variables, and the largest size of their files.
const FILES: [(&str, u64); 2] = [("TZ", 1 << 20), ("SSL_CERT_FILE", 64 << 20)];

/// Refuses a variable that names a pipe or a device, which could block for ever. Values that are not files, such as most
/// time zones, are accepted.
pub fn check_ambient(environment: Environment<'_>) -> Result<(), Error> {
    for (name, most) in FILES {
        let Some(value) = environment(name).filter(|value| !value.is_empty()) else { continue };
        let path = PathBuf::from(&value);
        // `:/etc/localtime` is a way to write a path.
        let path = value.to_str().and_then(|text| text.strip_prefix(':')).map_or(path, PathBuf::from);
        match paths::read(&path, most) {
            Ok(_) | Err(Unreadable::Io(_) | Unreadable::NotText) => {}
            Err(error @ (Unreadable::NotAFile(_) | Unreadable::TooLarge(_))) => {
                let why = format!("{}: {error}; name a file, or unset it", path.display());
                return Err(Error::Bad { name: name.into(), why });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn variables_that_name_devices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bundle.pem");
        std::fs::write(&file, "x").unwrap();
        let file = file.to_str().unwrap();
        #[rustfmt::skip]
        let table = [
            ("TZ",            "Europe/Stockholm", true),
            ("TZ",            "CET-1CEST",        true),
            ("TZ",            "",                 true),
            ("TZ",            file,               true),
            ("TZ",            "/nowhere",         true),
            ("TZ",            "/dev/null",        true),
            ("TZ",            "/dev/zero",        false),
            ("TZ",            ":/dev/zero",       false),
            ("SSL_CERT_FILE", file,               true),
            ("SSL_CERT_FILE", "/nowhere",         true),
            ("SSL_CERT_FILE", "/dev/full",        false),
        ];
        for (name, value, good) in table {
            let checked = check_ambient(&|asked| (asked == name).then(|| OsString::from(value)));
            assert_eq!(checked.is_ok(), good, "{name}={value}: {checked:?}");
        }
        let error = check_ambient(&|name| (name == "TZ").then(|| "/dev/zero".into())).unwrap_err().to_string();
        assert_eq!(error, "TZ can't be used: /dev/zero: it is a device, and not a file; name a file, or unset it");
    }
}
