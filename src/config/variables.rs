//! Variables of the environment: their values, and those that look like a setting but aren't one. A typo would otherwise be
//! noticed only after a nightly run.

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

/// The prefix of all variables.
const PREFIX: &str = "IBINDER_";

/// The prefix of variables that this program sets for the commands that it starts.
const OURS: &str = "IBINDER_SYNC_";

/// Variables that are set and not known, each with a suggestion. Errors never repeat values.
pub fn unknown_variables(environment: impl Iterator<Item = (OsString, OsString)>) -> Vec<Error> {
    let set = environment.filter(|(_, value)| !value.to_string_lossy().trim().is_empty());
    let mut names: Vec<String> = set.filter_map(|(name, _)| name.into_string().ok()).filter(is_unknown).collect();
    names.sort();
    names.into_iter().map(|name| Error::Unknown { advice: advice(&name), name }).collect()
}

/// The value of a variable that is not blank. A file with variables that was written on Windows leaves a carriage return
/// behind each of them.
pub(super) fn value(name: &str, environment: Environment<'_>) -> Option<OsString> {
    as_it_is(name, environment).map(|value| without_line_end(&value))
}

/// The same with its line ends, which a path may really end in.
pub(super) fn as_it_is(name: &str, environment: Environment<'_>) -> Option<OsString> {
    environment(name).filter(|value| !value.to_string_lossy().trim().is_empty())
}

/// A text without the line ends at its end.
pub(super) fn without_line_end(text: &OsStr) -> OsString {
    let end = text.as_bytes().iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    OsStr::from_bytes(&text.as_bytes()[..end.map_or(0, |end| end + 1)]).to_owned()
}

/// Refuses a line end within a value.
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
    // The common prefix would make all of them look alike. The name in the file is a good guess, too.
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

    fn errors(name: &str, value: &str) -> Vec<String> {
        unknown_variables([(name.into(), value.into())].into_iter()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_unknown_variable_gets_a_suggestion() {
        #[rustfmt::skip]
        let table = [
            ("IBINDER_MAX_DURATON",    "did you mean IBINDER_MAX_DURATION?"),
            ("IBINDER_ORGANISATION",   "did you mean IBINDER_ORG_ID?"),
            ("IBINDER_PROFIL",         "did you mean IBINDER_PROFILE?"),
            ("IBINDER_XYZZY",          "docs/configuration.md lists all variables"),
        ];
        for (name, advice) in table {
            assert_eq!(errors(name, "5ecret"), [format!("{name} is not known; {advice}")]);
        }
    }

    #[test]
    fn line_ends_are_removed_from_values() {
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
    fn known_and_foreign_variables_are_accepted() {
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
            assert_eq!(errors(&name, "x"), Vec::<String>::new(), "{name}");
        }
        // One that is empty counts as not set.
        assert_eq!(errors("IBINDER_XYZZY", " "), Vec::<String>::new());
    }
}
