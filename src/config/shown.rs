//! The settings and where each comes from, for people and for programs, without secrets.

use serde::Serialize;
use serde_json::Value;

use super::{
    Address, Error, KEYS, Key, Kind, NAMES, RateSetting, Settings, Sources, Value as Setting, credentials, missing,
};

/// What `from` says of a default.
const DEFAULT: &str = "default";

/// The settings.
#[derive(Debug, Serialize)]
pub struct Shown {
    file: Option<String>,
    profile: Option<String>,
    profiles: Vec<String>,
    /// The settings that a run still needs.
    missing: Vec<&'static str>,
    settings: Vec<Line>,
    #[serde(skip)]
    needs: Vec<String>,
    #[serde(skip)]
    unusable: Option<Error>,
}

/// A setting.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    /// Null if it is not set, or not shown.
    value: Value,
    /// `flag`, the variable, the file with the line, or `default`; null if it is not set.
    from: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    /// What looks wrong about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Shown {
    /// All settings.
    pub fn of(settings: &Settings, sources: &Sources) -> Self {
        let mut lines: Vec<Line> = KEYS.iter().map(|key| line(key, sources, settings)).collect();
        let is_set =
            lines.iter().any(|line| Key::named(line.name).is_some_and(Key::is_way_to_secret) && line.from.is_some());
        let systemd = credentials::of_systemd(sources).filter(|_| !is_set);
        if let Some((path, line)) = systemd.zip(lines.iter_mut().find(|line| line.name == NAMES.client_secret_file)) {
            line.value = path.display().to_string().into();
            line.from = Some("$CREDENTIALS_DIRECTORY".to_owned());
        }
        let missing = missing(settings, sources);
        let unusable = credentials::check(settings, sources).err();
        for line in &mut lines {
            line.note = note(line, unusable.as_ref());
        }
        Self {
            file: sources.file.as_ref().map(|path| path.display().to_string()),
            profile: sources.profile.clone(),
            profiles: sources.profiles.clone(),
            missing: missing.iter().filter_map(Error::missing).collect(),
            settings: lines,
            needs: missing.iter().map(ToString::to_string).collect(),
            unusable,
        }
    }

    /// Why the secret can't be used.
    pub fn unusable(&self) -> Option<&Error> {
        self.unusable.as_ref()
    }

    /// Whether a run still needs settings.
    pub fn is_incomplete(&self) -> bool {
        !self.missing.is_empty()
    }

    /// As a file would have it, with where each value comes from: what a run still needs, and what is set, or all.
    pub fn text(&self, all: bool) -> String {
        let file = self.file.as_ref().map_or("no configuration file".to_owned(), |file| format!("from {file}"));
        let profile = match (&self.profile, self.profiles.as_slice()) {
            (Some(profile), _) => format!(", profile {profile}"),
            (None, []) => String::new(),
            (None, profiles) => format!(", no profile chosen of {}", profiles.join(", ")),
        };
        let mut text = self.needs() + &format!("# {file}{profile}\n");
        let lines: Vec<(String, String)> =
            self.settings.iter().filter(|line| all || line.is_set()).map(Line::text).collect();
        let width = lines.iter().filter(|(_, from)| !from.is_empty()).map(|(line, _)| line.chars().count()).max();
        // One long value must not push all others off the screen.
        let width = width.unwrap_or_default().min(60);
        for (line, from) in lines {
            text.push_str(format!("{line:<width$}{from}").trim_end());
            text.push('\n');
        }
        if !all {
            text.push_str("# `config show --all` adds the defaults and what is not set\n");
        }
        text
    }

    fn needs(&self) -> String {
        if self.needs.is_empty() {
            return String::new();
        }
        let lines: Vec<String> = self.needs.iter().map(|need| format!("#   {}\n", need.replace('\n', " "))).collect();
        format!("# A run still needs:\n{}\n", lines.concat())
    }
}

impl Line {
    fn is_set(&self) -> bool {
        self.from.as_deref().is_some_and(|from| from != DEFAULT)
    }

    fn text(&self) -> (String, String) {
        let name = Key::named(self.name).map_or_else(|| self.name.to_owned(), Key::in_file);
        let note = self.note.as_ref().map(|note| format!(", {note}")).unwrap_or_default();
        let from = self.from.as_ref().map(|from| format!("  # {from}{note}")).unwrap_or_default();
        match (&self.value, &self.from) {
            (_, Some(_)) if self.hidden => (format!("#{name} is set, and not shown"), from),
            (_, None) => (format!("#{name} is not set"), from),
            (value, Some(_)) => (format!("{name} = {value}"), from),
        }
    }
}

fn line(key: &'static Key, sources: &Sources, settings: &Settings) -> Line {
    let found = sources.get(key.name);
    // A rate that is a number has no ceiling.
    let has_default = key.name != NAMES.rate_max || settings.rate == RateSetting::Auto;
    let default = key.default.filter(|_| has_default);
    let value = match found {
        None => default.map(|text| key.kind.in_file(&[text.into()])).unwrap_or_default(),
        Some(_) if key.kind.is_hidden() => Value::Null,
        Some(found) if key.kind == Kind::Address => host(found).into(),
        Some(found) => key.kind.in_file(&found.values),
    };
    let from = found.map(|found| found.origin.to_string()).or_else(|| default.map(|_| DEFAULT.to_owned()));
    Line { name: key.name, value, from, hidden: key.kind.is_hidden() && found.is_some(), note: None }
}

/// What looks wrong about a line.
fn note(line: &Line, unusable: Option<&Error>) -> Option<String> {
    line.from.as_ref()?;
    match unusable {
        Some(Error::Bad { why, .. }) if line.name == NAMES.client_secret_file => Some(format!("can't be used: {why}")),
        _ if line.name == NAMES.organisation && !line.value.as_str().is_some_and(is_guid) => {
            let example = Key::named(line.name)?.example()?;
            Some(format!("odd: at iBinder it is a GUID such as {}", example.as_str()?))
        }
        _ => None,
    }
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let hex = |part: &&str| part.bytes().all(|b| b.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(hex)
}

/// An address without its path, which may be a secret.
fn host(found: &Setting) -> String {
    let text = found.values.first().and_then(|text| text.to_str()).unwrap_or_default();
    Address::parse(text).map_or_else(|_| "…".to_owned(), |url| format!("{}://{}/…", url.url().scheme(), url.host()))
}
