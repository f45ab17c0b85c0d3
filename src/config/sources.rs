//! What is set, and where: flags over the environment over the file's profile over the file's top.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::{
    Environment, Error, KEYS, Key, Kind, NAMES, Origin, Settings, Value, file, places,
    spelling::nearest,
    variables::{self, PROFILE},
};
use crate::replica;

/// What was set, each with where.
#[derive(Debug, Default)]
pub struct Sources {
    found: BTreeMap<&'static str, Value>,
    pub(super) credentials: Option<PathBuf>,
    /// The file that the credential in it is a copy of.
    pub(super) credentials_origin: Option<PathBuf>,
    /// The variables of stores for copies.
    pub(super) of_stores: Vec<(String, SecretString)>,
    /// Where this program may keep small files.
    pub(super) cache: Option<PathBuf>,
    pub(super) file: Option<PathBuf>,
    pub(super) profile: Option<String>,
    pub(super) profiles: Vec<String>,
}

impl Sources {
    /// Reads the configuration file, if there is one, and the environment.
    pub fn load(file: Option<&Path>, profile: Option<&str>, environment: Environment<'_>) -> Result<Self, Error> {
        Self::of_file(places::find(file, environment)?, profile, false, environment)
    }

    /// Reads the top of the file and the environment, for a command that goes over all profiles.
    pub fn of_all(file: Option<&Path>, profile: Option<&str>, environment: Environment<'_>) -> Result<Self, Error> {
        if profile.is_some() {
            return Err(bad_all("--profile chooses one profile; leave one of the two out"));
        }
        let without_profile = |name: &str| environment(name).filter(|_| name != PROFILE);
        let sources = Self::of_file(places::find(file, environment)?, None, true, &without_profile)?;
        match &sources.file {
            None => Err(bad_all("there is no configuration file; `ibinder-sync config init` writes one")),
            Some(path) if sources.profiles.is_empty() => {
                Err(bad_all(&format!("{} has no profiles; write [profiles.NAME] above their settings", path.display())))
            }
            Some(_) => Ok(sources),
        }
    }

    /// Refuses a place that all profiles would share.
    pub fn check_all(&self) -> Result<(), Error> {
        let places = [NAMES.dest, NAMES.status_file, NAMES.metrics_file, NAMES.report_file];
        let shared = places.into_iter().filter_map(|name| self.get(name));
        Error::none(shared.filter(|value| matches!(value.origin, Origin::Flag | Origin::Variable(_))).map(|value| {
            let why = "with --all each profile needs its own; set it in the profiles".to_owned();
            Error::Bad { name: value.name().into(), why }
        }))
    }

    /// The profiles of the file.
    pub fn profiles(&self) -> &[String] {
        &self.profiles
    }

    /// Reads a file that was found, and the environment; `of_all` leaves the mistakes in profiles to these.
    fn of_file(
        file: Option<(PathBuf, String)>,
        profile: Option<&str>,
        of_all: bool,
        environment: Environment<'_>,
    ) -> Result<Self, Error> {
        let mut sources = Self::default();
        let of_environment = variables::value(PROFILE, environment).map(|name| name.to_string_lossy().into_owned());
        let by = if profile.is_some() { "--profile" } else { PROFILE };
        let profile = profile.map(str::to_owned).or(of_environment);
        match (file, profile) {
            (Some((path, text)), profile) => sources.read_file(&path, &text, profile, of_all)?,
            (None, Some(profile)) => {
                let places: Vec<_> = places::usual(environment).iter().map(|p| p.display().to_string()).collect();
                let why = format!(
                    "there is no configuration file with the profile {profile:?}: neither --config, nor {}",
                    places.join(", nor ")
                );
                return Err(Error::Bad { name: by.into(), why });
            }
            (None, None) => {}
        }
        sources.read_environment(environment)?;
        Ok(sources)
    }

    /// Reads the environment alone.
    pub fn of_environment(environment: Environment<'_>) -> Result<Self, Error> {
        let mut sources = Self::default();
        sources.read_environment(environment)?;
        Ok(sources)
    }

    fn read_file(&mut self, path: &Path, text: &str, profile: Option<String>, of_all: bool) -> Result<(), Error> {
        let matters = |of: Option<&str>| of.is_none() || of == profile.as_deref() || (profile.is_none() && !of_all);
        let file::File { top, profiles } = file::read(path, text, matters)?;
        self.file = Some(path.to_owned());
        self.profiles = profiles.iter().map(|(name, _)| name.clone()).collect();
        let is_chosen = |known: &str| profile.as_deref() == Some(known);
        let chosen = profiles.into_iter().find(|(known, _)| is_chosen(known)).map(|(_, settings)| settings);
        if let (None, Some(name)) = (&chosen, &profile) {
            return Err(unknown_profile(path, name, &self.profiles));
        }
        self.profile = profile;
        self.put(top)?;
        self.put(chosen.unwrap_or_default())
    }

    fn read_environment(&mut self, environment: Environment<'_>) -> Result<(), Error> {
        let (mut layer, mut wrong) = (Vec::new(), Vec::new());
        for key in KEYS {
            let (variable, is_path) = (key.variable(), key.kind == Kind::Path);
            let value = if is_path { variables::as_it_is } else { variables::value };
            let Some(text) = value(&variable, environment) else { continue };
            let checked = if key.kind.has_lines() { Ok(()) } else { variables::check(&text) };
            match checked {
                Ok(()) => {
                    let values = key.kind.of_variable(text);
                    layer.push(Value { key, values, origin: Origin::Variable(variable) });
                }
                Err(why) => wrong.push(Error::Bad { name: variable.into(), why: why.to_owned() }),
            }
        }
        let folder = |name| environment(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        (self.credentials, self.credentials_origin) = (folder("CREDENTIALS_DIRECTORY"), folder("CREDENTIALS_ORIGIN"));
        self.cache = places::cache(environment);
        let of_store = |name: &&str| {
            let value = variables::value(name, environment)?.into_string().ok()?;
            Some(((*name).to_owned(), SecretString::from(value)))
        };
        self.of_stores = replica::VARIABLES.iter().filter_map(of_store).collect();
        Error::none(wrong)?;
        self.put(layer)
    }

    /// Puts a layer over those before.
    fn put(&mut self, layer: impl IntoIterator<Item = Value>) -> Result<(), Error> {
        let mut ways: BTreeMap<&str, Origin> = BTreeMap::new();
        for setting in layer {
            if let Some(secret) = setting.key.secret() {
                if let Some(other) = ways.get(secret) {
                    let why = format!("{other} sets {secret}, too; remove one of them");
                    return Err(Error::Bad { name: setting.name().into(), why });
                }
                // A higher way to the secret overrules every lower one.
                self.found.retain(|_, known| known.key.secret() != Some(secret));
                ways.insert(secret, setting.origin.clone());
            }
            self.found.insert(setting.key.name, setting);
        }
        Ok(())
    }

    /// Puts what the command line says over everything.
    pub fn put_flag(&mut self, key: &'static Key, values: Vec<OsString>) {
        self.found.insert(key.name, Value { key, values, origin: Origin::Flag });
    }

    /// What is set for a key.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let setting = self.found.get(name)?;
        // A number for the rate overrules a ceiling of a lower layer; in the same layer it is an error.
        let is_lower = |rate: &Value| rate.origin.layer() > setting.origin.layer() && !rate.is("auto");
        let overruled = name == NAMES.rate_max && self.found.get(NAMES.rate).is_some_and(is_lower);
        (!overruled).then_some(setting)
    }

    /// The profile that was chosen.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Whether a key was set on the command line.
    pub fn is_flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.origin == Origin::Flag)
    }

    /// An error about a missing setting, which says where it can be set.
    pub fn missing(&self, name: &'static str) -> Error {
        let Some(key) = Key::named(name) else { return Error::Missing { name, advice: String::new() } };
        let flag = key.flag().map(|flag| format!("give --{flag}, or ")).unwrap_or_default();
        let place = self.file.as_ref().map_or("a configuration file".to_owned(), |path| path.display().to_string());
        let mut advice = format!("{flag}set {}, or write {} into {place}", key.variable(), key.example_line());
        if self.profile.is_none() && !self.profiles.is_empty() {
            advice = format!("choose a profile with --profile ({}), or {advice}", self.profiles.join(", "));
        }
        Error::Missing { name, advice }
    }

    /// The name of a setting in an error: where it was set.
    pub fn name(&self, key: &'static str) -> String {
        let flag = || Key::named(key).and_then(Key::flag).map(|flag| format!("--{flag}"));
        self.get(key).map_or_else(|| flag().unwrap_or_else(|| key.to_owned()), Value::name)
    }

    /// An error about a value that can't work.
    pub fn bad(&self, key: &'static str, why: impl Into<String>) -> Error {
        Error::Bad { name: self.name(key).into(), why: why.into() }
    }
}

impl Settings {
    /// The settings of a command, and everything that is wrong with them.
    pub fn read(sources: &Sources, command: &str) -> (Self, Vec<Error>) {
        Self::look_up(&|name| sources.get(name), command)
    }
}

fn bad_all(why: &str) -> Error {
    Error::Bad { name: "--all".into(), why: why.to_owned() }
}

fn unknown_profile(path: &Path, name: &str, profiles: &[String]) -> Error {
    let meant = nearest(name, profiles.iter().map(String::as_str));
    let meant = meant.map(|meant| format!("did you mean {meant}? ")).unwrap_or_default();
    let known = if profiles.is_empty() { "no profiles".to_owned() } else { profiles.join(", ") };
    Error::File {
        path: path.to_owned(),
        line: None,
        why: format!("there is no profile {name:?}; {meant}it has {known}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "dest = \"/top\"\nrate = 5\nclient_secret_file = \"/top-secret\"\n\
        [profiles.north]\ndest = \"/north\"\nclient_secret_command = \"pass show x\"\n[profiles.south]\n";

    fn load(profile: Option<&str>, variables: &[(&str, &str)]) -> Result<Sources, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, FILE).unwrap();
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        Sources::load(Some(&path), profile, &get)
            .map_err(|error| error.to_string().replace(&*folder.path().to_string_lossy(), ""))
    }

    fn shown(sources: &Sources, name: &str) -> String {
        let origin = |origin: &Origin| match origin {
            Origin::Top(_, line) => format!("top {line}"),
            Origin::Profile(_, line) => format!("profile {line}"),
            other => other.to_string(),
        };
        let one = |s: &Value| format!("{} from {}", s.values.join("|".as_ref()).display(), origin(&s.origin));
        sources.get(name).map_or_else(|| "not set".to_owned(), one)
    }

    #[test]
    fn the_higher_layer_wins() {
        let of_environment = |name, value| vec![(name, value)];
        let none = Vec::new;
        #[rustfmt::skip]
        let table = [
            (None,          none(),                                            "dest",     "/top from top 1"),
            (Some("south"), none(),                                            "dest",     "/top from top 1"),
            (Some("north"), none(),                                            "dest",     "/north from profile 5"),
            (None,          of_environment("IBINDER_PROFILE", "north"),        "dest",     "/north from profile 5"),
            (Some("south"), of_environment("IBINDER_PROFILE", "north"),        "dest",     "/top from top 1"),
            (Some("north"), of_environment("IBINDER_DEST", "/env"),            "dest",     "/env from IBINDER_DEST"),
            (Some("north"), of_environment("IBINDER_DEST", " "),               "dest",     "/north from profile 5"),
            (Some("north"), none(),                                            "client_secret_file", "not set"),
            (Some("north"), none(),                                            "client_secret_command", "pass show x from profile 6"),
            (Some("north"), of_environment("IBINDER_CLIENT_SECRET", "5ecret"), "client_secret_command", "not set"),
            (Some("north"), of_environment("IBINDER_CLIENT_SECRET", "5ecret"), "client_secret", "5ecret from IBINDER_CLIENT_SECRET"),
        ];
        for (profile, variables, name, wanted) in table {
            assert_eq!(shown(&load(profile, &variables).unwrap(), name), wanted, "{profile:?} {variables:?}");
        }
    }

    #[test]
    fn a_missing_profile_is_reported() {
        assert_eq!(
            load(Some("nort"), &[]).unwrap_err(),
            "/c.toml: there is no profile \"nort\"; did you mean north? it has north, south"
        );
        assert_eq!(load(Some("x"), &[]).unwrap_err(), "/c.toml: there is no profile \"x\"; it has north, south");
        let error = Sources::of_file(None, Some("north"), false, &|_| None).unwrap_err().to_string();
        assert!(error.contains("there is no configuration file"), "{error}");
    }

    #[test]
    fn two_ways_to_the_secret_in_one_layer_are_refused() {
        let error =
            load(None, &[("IBINDER_CLIENT_SECRET", "5ecret"), ("IBINDER_CLIENT_SECRET_FILE", "/x")]).unwrap_err();
        assert!(error.contains("IBINDER_CLIENT_SECRET") && !error.contains("5ecret"), "{error}");
    }

    #[test]
    fn a_number_overrules_a_ceiling_further_down() {
        let ceiling = ("IBINDER_RATE_MAX", "9");
        let mut sources = load(None, &[ceiling]).unwrap();
        assert_eq!(shown(&sources, "rate_max"), "9 from IBINDER_RATE_MAX");
        let rate = Key::named("rate").unwrap();
        sources.put_flag(rate, vec!["auto".into()]);
        assert_eq!(shown(&sources, "rate_max"), "9 from IBINDER_RATE_MAX");
        sources.put_flag(rate, vec!["5".into()]);
        assert_eq!(shown(&sources, "rate_max"), "not set");
        let beside = load(None, &[ceiling, ("IBINDER_RATE", "5")]).unwrap();
        assert_eq!(shown(&beside, "rate_max"), "9 from IBINDER_RATE_MAX");
    }

    #[test]
    fn what_is_missing_names_the_profiles_while_none_is_chosen() {
        let of = |profile| load(profile, &[]).unwrap().missing("organisation").to_string();
        assert!(of(None).contains("--profile (north, south)"), "{}", of(None));
        assert!(!of(Some("south")).contains("--profile"), "{}", of(Some("south")));
        assert!(of(Some("south")).contains("IBINDER_ORG_ID"));
    }

    #[test]
    fn an_error_names_the_place() {
        let error = |sources: &Sources| sources.bad("rate", "no").to_string();
        assert!(error(&load(None, &[]).unwrap()).starts_with("rate in "));
        let mut sources = load(None, &[("IBINDER_RATE", "x")]).unwrap();
        assert_eq!(error(&sources), "IBINDER_RATE can't be used: no");
        sources.put_flag(Key::named("rate").unwrap(), vec!["5".into()]);
        assert_eq!(error(&sources), "--rate can't be used: no");
        assert_eq!(sources.bad("status_file", "no").to_string(), "--status-file can't be used: no");
    }

    #[test]
    fn a_secret_is_not_printed() {
        let sources = load(Some("south"), &[("IBINDER_CLIENT_SECRET", "5ecret")]).unwrap();
        assert!(format!("{sources:?}").contains("client_secret from IBINDER_CLIENT_SECRET"), "{sources:?}");
        assert!(!format!("{sources:?}").contains("5ecret"));
    }
}
