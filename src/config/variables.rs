//! Variables of the environment that look like settings and are none. A typo would otherwise be noticed only after a
//! nightly run.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
};

use super::{Error, KEYS, Key, spelling::nearest};

/// Looks a variable of the environment up.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// The variable that names the file.
pub(super) const CONFIG: &str = "IBINDER_CONFIG";

/// The variable that chooses a profile.
pub(super) const PROFILE: &str = "IBINDER_PROFILE";

/// What the names of all variables begin with.
const PREFIX: &str = "IBINDER_";

/// What the names of those begin with that this program sets for others.
const OURS: &str = "IBINDER_SYNC_";

/// Variables that are set and mean nothing, each with what was probably meant. Their values are not repeated.
pub fn unknown_variables(environment: impl Iterator<Item = (OsString, OsString)>) -> Vec<Error> {
    let set = environment.filter(|(_, value)| !value.to_string_lossy().trim().is_empty());
    let mut names: Vec<String> = set.filter_map(|(name, _)| name.into_string().ok()).filter(is_unknown).collect();
    names.sort();
    names.into_iter().map(|name| Error::Unknown { advice: advice(&name), name }).collect()
}

/// What a variable is set to, if it says anything. A file with variables that was written on Windows leaves a carriage
/// return behind each of them, which belongs to none.
pub(super) fn value(name: &str, environment: Environment<'_>) -> Option<OsString> {
    as_it_is(name, environment).map(|value| without_line_end(&value))
}

/// The same with its line ends: a path may end in one, so that nobody can tell whether it is meant.
pub(super) fn as_it_is(name: &str, environment: Environment<'_>) -> Option<OsString> {
    environment(name).filter(|value| !value.to_string_lossy().trim().is_empty())
}

/// A text without line ends behind it.
pub(super) fn without_line_end(text: &OsStr) -> OsString {
    let end = text.as_bytes().iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    OsStr::from_bytes(&text.as_bytes()[..end.map_or(0, |end| end + 1)]).to_owned()
}

/// No setting of one line has another one.
pub(super) fn check(text: &OsStr) -> Result<(), &'static str> {
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    if text.as_bytes().iter().any(is_line_end) {
        Err("it contains a line end; save the file with the variables with the line ends of Unix")
    } else {
        Ok(())
    }
}

fn known() -> impl Iterator<Item = String> {
    KEYS.iter().map(Key::variable).chain([CONFIG, PROFILE].map(str::to_owned))
}

fn is_unknown(name: &String) -> bool {
    name.starts_with(PREFIX)
        && !name.starts_with(OURS)
        && !is_of_kubernetes(name)
        && !known().any(|variable| variable == *name)
}

/// For each service of its namespace, Kubernetes sets variables in every container.
fn is_of_kubernetes(name: &str) -> bool {
    ["_SERVICE_HOST", "_PORT"].iter().any(|end| name.ends_with(end))
        || ["_SERVICE_PORT_", "_PORT_"].iter().any(|part| name.contains(part))
}

fn advice(name: &str) -> String {
    // What all of them have in common makes none of them likelier. The name in the file is a good guess, too.
    let rest = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let candidates: Vec<String> =
        known().map(|name| rest(&name)).chain(KEYS.iter().map(|key| key.name.to_owned())).collect();
    let meant = nearest(&rest(name), candidates.iter().map(String::as_str));
    let variable = |meant| Key::named(meant).map_or_else(|| format!("{PREFIX}{meant}"), Key::variable);
    meant.map_or_else(
        || "docs/configuration.md lists all variables".to_owned(),
        |meant| format!("did you mean {}?", variable(meant)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, value: &str) -> Vec<String> {
        unknown_variables([(name.into(), value.into())].into_iter()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_slip_is_told() {
        #[rustfmt::skip]
        let table = [
            ("IBINDER_MAX_DURATON",    "did you mean IBINDER_MAX_DURATION?"),
            ("IBINDER_ORGANISATION",   "did you mean IBINDER_ORG_ID?"),
            ("IBINDER_PROFIL",         "did you mean IBINDER_PROFILE?"),
            ("IBINDER_XYZZY",          "docs/configuration.md lists all variables"),
        ];
        for (name, advice) in table {
            assert_eq!(told(name, "5ecret"), [format!("{name} is not known; {advice}")]);
        }
    }

    #[test]
    fn line_ends_are_no_part_of_a_value() {
        let read = |text: &str| value("X", &|_| Some(text.into())).map(|value| value.into_string().unwrap());
        for (text, expected) in [
            ("/srv/mirror\r", Some("/srv/mirror")),
            ("/srv/mirror\r\n", Some("/srv/mirror")),
            ("/srv/a b ", Some("/srv/a b ")),
            ("\r", None),
            (" ", None),
            ("", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text:?}");
        }
        for (text, good) in [("a", true), ("å b\t", true), ("a\nb", false), ("a\rb", false), ("a\u{1b}", true)] {
            assert_eq!(check(text.as_ref()).is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn what_means_something_is_not() {
        let known = KEYS.iter().map(Key::variable);
        let others = ["IBINDER_CONFIG", "IBINDER_PROFILE", "IBINDER_SYNC_DEST", "IBINDERS", "PATH"].map(str::to_owned);
        let of_kubernetes = [
            "IBINDER_SERVICE_HOST",
            "IBINDER_SERVICE_PORT",
            "IBINDER_SERVICE_PORT_HTTP",
            "IBINDER_PORT",
            "IBINDER_PORT_80_TCP_ADDR",
        ]
        .map(str::to_owned);
        for name in known.chain(others).chain(of_kubernetes) {
            assert_eq!(told(&name, "x"), Vec::<String>::new(), "{name}");
        }
        // One that is empty counts as not set.
        assert_eq!(told("IBINDER_XYZZY", " "), Vec::<String>::new());
    }
}
