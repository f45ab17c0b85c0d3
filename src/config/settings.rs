//! What is set, and where: the environment over the file's profile over the file's top. Flags come
//! on top of that, from `cli`.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::{Environment, Error, KEYS, Key, Kind, credentials, file, key::nearest, places, variables};

/// The variable that chooses a profile.
pub(super) const PROFILE: &str = "IBINDER_PROFILE";

/// What was set, each with where.
#[derive(Debug, Default)]
pub struct Settings {
    found: BTreeMap<&'static str, Setting>,
    pub(super) secret: Option<SecretString>,
    pub(super) credentials: Option<PathBuf>,
    file: Option<PathBuf>,
    profile: Option<String>,
    profiles: Vec<String>,
}

/// A value and where it was set.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its row.
    pub key: &'static Key,
    /// Its values: one, unless it is a list. Of a secret: none.
    pub values: Vec<OsString>,
    /// Where it was set.
    pub origin: Origin,
}

/// Where something was set; what comes later overrules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// At the top of the file.
    Top(PathBuf, usize),
    /// In a profile of the file.
    Profile(PathBuf, usize),
    /// In the environment.
    Variable(&'static str),
    /// On the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top(path, line) | Self::Profile(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

impl Settings {
    /// Reads the file that is meant, and the environment.
    pub fn load(file: Option<&Path>, profile: Option<&str>, environment: Environment<'_>) -> Result<Self, Error> {
        let mut settings = Self::default();
        let of_environment = variables::value(PROFILE, environment).map(|name| name.to_string_lossy().into_owned());
        let by = if profile.is_some() { "--profile" } else { PROFILE };
        let profile = profile.map(str::to_owned).or(of_environment);
        match (places::find(file, environment)?, profile) {
            (Some((path, text)), profile) => settings.read_file(&path, &text, profile)?,
            (None, Some(profile)) => {
                let places: Vec<_> = places::usual(environment).iter().map(|p| p.display().to_string()).collect();
                let why = format!(
                    "there is no configuration file to have the profile {profile:?}: neither --config, nor {}",
                    places.join(", nor ")
                );
                return Err(Error::Bad { name: by.into(), why });
            }
            (None, None) => {}
        }
        settings.read_environment(environment)?;
        Ok(settings)
    }

    /// What an environment says, without a file.
    pub fn of_environment(environment: Environment<'_>) -> Result<Self, Error> {
        let mut settings = Self::default();
        settings.read_environment(environment)?;
        Ok(settings)
    }

    fn read_file(&mut self, path: &Path, text: &str, profile: Option<String>) -> Result<(), Error> {
        let file = file::read(path, text)?;
        self.file = Some(path.to_owned());
        self.profiles = file.profiles.iter().map(|(name, _)| name.clone()).collect();
        let chosen = match &profile {
            None => None,
            Some(name) => Some(
                file.profiles
                    .into_iter()
                    .find(|(known, _)| known == name)
                    .ok_or_else(|| unknown_profile(path, name, &self.profiles))?,
            ),
        };
        self.profile = profile;
        let setting = |entry: file::Entry, origin| Setting { key: entry.key, values: entry.values, origin };
        self.put(file.top.into_iter().map(|entry| {
            let origin = Origin::Top(path.to_owned(), entry.line);
            setting(entry, origin)
        }))?;
        self.put(chosen.into_iter().flat_map(|(_, entries)| entries).map(|entry| {
            let origin = Origin::Profile(path.to_owned(), entry.line);
            setting(entry, origin)
        }))
    }

    fn read_environment(&mut self, environment: Environment<'_>) -> Result<(), Error> {
        let mut layer = Vec::new();
        for key in KEYS {
            let value = if key.kind == Kind::Path { variables::as_it_is } else { variables::value };
            let Some(text) = value(key.variable, environment) else { continue };
            let values = if key.kind == Kind::Secret {
                let secret = text.into_string().map_err(|_| bad(key.variable, "it is not UTF-8"))?;
                let secret = credentials::clean(&secret).map_err(|why| bad(key.variable, &format!("it {why}")))?;
                let Some(secret) = secret else { continue };
                self.secret = Some(secret);
                Vec::new()
            } else {
                let checked = if key.kind.has_lines() { Ok(()) } else { variables::check(&text) };
                checked.and_then(|()| key.kind.of_variable(&text)).map_err(|why| bad(key.variable, why))?
            };
            layer.push(Setting { key, values, origin: Origin::Variable(key.variable) });
        }
        self.credentials = environment("CREDENTIALS_DIRECTORY").filter(|path| !path.is_empty()).map(PathBuf::from);
        self.put(layer)
    }

    /// Puts a layer over those before.
    fn put(&mut self, layer: impl IntoIterator<Item = Setting>) -> Result<(), Error> {
        let mut way: Option<Origin> = None;
        for setting in layer {
            if setting.key.is_way_to_secret() {
                if let Some(other) = &way {
                    let why = format!("the client's secret is also told by {other}; leave one of them out");
                    return Err(Error::Bad { name: setting.name().into(), why });
                }
                // A higher way to the secret overrules every lower one.
                self.found.retain(|_, known| !known.key.is_way_to_secret());
                way = Some(setting.origin.clone());
            }
            self.found.insert(setting.key.name, setting);
        }
        Ok(())
    }

    /// Puts what the command line says over everything.
    pub fn put_flag(&mut self, key: &'static Key, values: Vec<OsString>) {
        self.found.insert(key.name, Setting { key, values, origin: Origin::Flag });
    }

    /// What is set for a key.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        let setting = self.found.get(name)?;
        // A number for the rate overrules a ceiling that was set further down; beside it, it is an error.
        let overruled = name == "rate_max"
            && self
                .found
                .get("rate")
                .is_some_and(|rate| rate.origin.layer() > setting.origin.layer() && !rate.is("auto"));
        (!overruled).then_some(setting)
    }

    /// The file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The profile that was chosen.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The profiles that the file has.
    pub fn profiles(&self) -> &[String] {
        &self.profiles
    }

    /// What is missing, and where it can be set.
    pub fn missing(&self, name: &'static str) -> Error {
        let Some(key) = Key::named(name) else { return Error::Missing { name, advice: String::new() } };
        let flag = key.flag.map(|flag| format!("give --{flag}, or ")).unwrap_or_default();
        let place = match &self.file {
            Some(path) => format!("write {} = {} into {}", key.name, key.example, path.display()),
            None => format!("write {} = {} into a configuration file", key.name, key.example),
        };
        let mut advice = format!("{flag}set {}, or {place}", key.variable);
        if self.profile.is_none() && !self.profiles.is_empty() {
            advice = format!("choose a profile with --profile ({}), or {advice}", self.profiles.join(", "));
        }
        Error::Missing { name, advice }
    }

    /// An error that names the place where the value was set, instead of the flag that means the same.
    pub fn explain(&self, error: Error) -> Error {
        let Error::Bad { name, why } = error else { return error };
        let key = name.strip_prefix("--").and_then(Key::of_flag);
        let name = match key.and_then(|key| self.get(key.name)).filter(|setting| setting.origin != Origin::Flag) {
            Some(setting) => setting.name().into(),
            None => name,
        };
        Error::Bad { name, why }
    }
}

impl Setting {
    /// What an error calls it.
    pub fn name(&self) -> String {
        match &self.origin {
            Origin::Top(..) | Origin::Profile(..) => format!("{} in {}", self.key.name, self.origin),
            Origin::Variable(name) => (*name).to_owned(),
            Origin::Flag => format!("--{}", self.key.flag.unwrap_or(self.key.name)),
        }
    }

    /// Its only value, as text.
    pub fn text(&self) -> Result<&str, Error> {
        let text = self.values.first().and_then(|value| value.to_str());
        text.map(str::trim).ok_or_else(|| Error::Bad { name: self.name().into(), why: "it is not UTF-8".to_owned() })
    }

    /// Whether its value is this word.
    pub fn is(&self, text: &str) -> bool {
        self.values.first().is_some_and(|value| value.eq_ignore_ascii_case(text))
    }
}

impl Origin {
    fn layer(&self) -> u8 {
        match self {
            Self::Top(..) => 0,
            Self::Profile(..) => 1,
            Self::Variable(_) => 2,
            Self::Flag => 3,
        }
    }
}

fn bad(name: &'static str, why: &str) -> Error {
    Error::Bad { name: name.into(), why: why.to_owned() }
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

    fn load(profile: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, FILE).unwrap();
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        Settings::load(Some(&path), profile, &get)
            .map_err(|error| error.to_string().replace(&*folder.path().to_string_lossy(), ""))
    }

    fn told(settings: &Settings, name: &str) -> String {
        let origin = |origin: &Origin| match origin {
            Origin::Top(_, line) => format!("top {line}"),
            Origin::Profile(_, line) => format!("profile {line}"),
            other => other.to_string(),
        };
        let told = |s: &Setting| format!("{} from {}", s.values.join("|".as_ref()).display(), origin(&s.origin));
        settings.get(name).map_or_else(|| "not set".to_owned(), told)
    }

    #[test]
    fn the_nearer_layer_counts() {
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
            (Some("north"), of_environment("IBINDER_CLIENT_SECRET", "5ecret"), "client_secret", " from IBINDER_CLIENT_SECRET"),
        ];
        for (profile, variables, name, wanted) in table {
            assert_eq!(told(&load(profile, &variables).unwrap(), name), wanted, "{profile:?} {variables:?}");
        }
    }

    #[test]
    fn a_profile_that_is_not_there_is_told() {
        assert_eq!(
            load(Some("nort"), &[]).unwrap_err(),
            "/c.toml: there is no profile \"nort\"; did you mean north? it has north, south"
        );
        assert_eq!(load(Some("x"), &[]).unwrap_err(), "/c.toml: there is no profile \"x\"; it has north, south");
        let home = tempfile::tempdir().unwrap();
        let get = |name: &str| (name == "HOME").then(|| home.path().into());
        if std::path::Path::new("/etc/ibinder-sync").exists() {
            return eprintln!("this machine is configured: that none is was not tested");
        }
        let error = Settings::load(None, Some("north"), &get).unwrap_err().to_string();
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
        let mut settings = load(None, &[ceiling]).unwrap();
        assert_eq!(told(&settings, "rate_max"), "9 from IBINDER_RATE_MAX");
        let rate = Key::named("rate").unwrap();
        settings.put_flag(rate, vec!["auto".into()]);
        assert_eq!(told(&settings, "rate_max"), "9 from IBINDER_RATE_MAX");
        settings.put_flag(rate, vec!["5".into()]);
        assert_eq!(told(&settings, "rate_max"), "not set");
        let beside = load(None, &[ceiling, ("IBINDER_RATE", "5")]).unwrap();
        assert_eq!(told(&beside, "rate_max"), "9 from IBINDER_RATE_MAX");
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
        let error = |settings: &Settings| {
            settings.explain(Error::Bad { name: "--rate".into(), why: "no".to_owned() }).to_string()
        };
        assert!(error(&load(None, &[]).unwrap()).starts_with("rate in "));
        let mut settings = load(None, &[("IBINDER_RATE", "x")]).unwrap();
        assert_eq!(error(&settings), "IBINDER_RATE can't be used: no");
        settings.put_flag(Key::named("rate").unwrap(), vec!["5".into()]);
        assert_eq!(error(&settings), "--rate can't be used: no");
    }
}
