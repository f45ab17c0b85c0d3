//! What counts and where it comes from, for people and for programs. No secret is in it.

use std::ffi::OsString;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Error, KEYS, Key, Kind, Settings, credentials};

/// What counts.
#[derive(Debug, Serialize)]
pub struct Shown {
    file: Option<String>,
    profile: Option<String>,
    profiles: Vec<String>,
    settings: Vec<Line>,
    #[serde(skip)]
    unusable: Option<Error>,
}

/// A setting as it counts.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    /// Null where it is not set, or not shown.
    value: Value,
    /// `flag`, the variable, the file with the line, or `default`; null where it is not set.
    from: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    /// What is odd about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Shown {
    /// Everything in the table.
    pub fn of(settings: &Settings) -> Self {
        let mut lines: Vec<Line> = KEYS.iter().map(|key| line(key, settings)).collect();
        let is_set = lines.iter().any(|line| line.name.starts_with("client_secret") && line.from.is_some());
        let systemd = credentials::of_systemd(settings).filter(|_| !is_set);
        if let Some((path, line)) = systemd.zip(lines.iter_mut().find(|line| line.name == "client_secret_file")) {
            line.value = path.display().to_string().into();
            line.from = Some("$CREDENTIALS_DIRECTORY".to_owned());
        }
        let unusable = credentials::check(settings).err();
        for line in &mut lines {
            line.note = note(line, unusable.as_ref());
        }
        Self {
            file: settings.file().map(|path| path.display().to_string()),
            profile: settings.profile().map(str::to_owned),
            profiles: settings.profiles().to_vec(),
            settings: lines,
            unusable,
        }
    }

    /// Why the secret can't be had.
    pub fn unusable(&self) -> Option<&Error> {
        self.unusable.as_ref()
    }

    /// As a file would have it, with where each value comes from.
    pub fn text(&self) -> String {
        let file = self.file.as_ref().map_or("no configuration file".to_owned(), |file| format!("from {file}"));
        let profile = match (&self.profile, self.profiles.as_slice()) {
            (Some(profile), _) => format!(", profile {profile}"),
            (None, []) => String::new(),
            (None, profiles) => format!(", no profile chosen of {}", profiles.join(", ")),
        };
        let mut text = format!("# {file}{profile}\n");
        let lines: Vec<(String, String)> = self.settings.iter().map(Line::text).collect();
        let width = lines.iter().filter(|(_, from)| !from.is_empty()).map(|(line, _)| line.chars().count()).max();
        // One long value must not push all others off the screen.
        let width = width.unwrap_or_default().min(60);
        for (line, from) in lines {
            text.push_str(format!("{line:<width$}{from}").trim_end());
            text.push('\n');
        }
        text
    }
}

impl Line {
    fn text(&self) -> (String, String) {
        let name = self.name;
        let note = self.note.as_ref().map(|note| format!(", {note}")).unwrap_or_default();
        let from = self.from.as_ref().map(|from| format!("  # {from}{note}")).unwrap_or_default();
        match (&self.value, &self.from) {
            (_, Some(_)) if self.hidden => (format!("#{name} is set, and not shown"), from),
            (_, None) => (format!("#{name} is not set"), from),
            (value, Some(_)) => (format!("{name} = {value}"), from),
        }
    }
}

fn line(key: &'static Key, settings: &Settings) -> Line {
    let hidden = matches!(key.kind, Kind::Secret | Kind::Hidden);
    let setting = settings.get(key.name);
    // A rate that is a number has no ceiling.
    let without_ceiling = settings.get("rate").is_some_and(|rate| !rate.is("auto"));
    let default = key.default().filter(|_| key.name != "rate_max" || !without_ceiling);
    let value = match setting {
        None => default.map(|text| value(key.kind, &[text.into()])).unwrap_or_default(),
        Some(_) if hidden => Value::Null,
        Some(setting) => value(key.kind, &setting.values),
    };
    let from = setting.map(|setting| setting.origin.to_string());
    let from = from.or_else(|| default.map(|_| "default".to_owned()));
    Line { name: key.name, value, from, hidden: hidden && setting.is_some(), note: None }
}

/// What is odd about a line.
fn note(line: &Line, unusable: Option<&Error>) -> Option<String> {
    line.from.as_ref()?;
    match (line.name, unusable) {
        ("client_secret_file", Some(Error::Bad { why, .. })) => Some(format!("can't be used: {why}")),
        ("organisation", _) if !line.value.as_str().is_some_and(is_guid) => Some(format!(
            "odd: at iBinder it is a GUID such as {}",
            Key::named("organisation")?.example.trim_matches('"')
        )),
        _ => None,
    }
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let hex = |part: &&str| part.bytes().all(|b| b.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(hex)
}

/// As much of an address as may be shown.
fn host(url: &str) -> String {
    let url = url::Url::parse(url.trim()).ok();
    let shown = url.and_then(|url| Some(format!("{}://{}/…", url.scheme(), url.host_str()?)));
    shown.unwrap_or_else(|| "…".to_owned())
}

/// As TOML and JSON both have it.
fn value(kind: Kind, values: &[OsString]) -> Value {
    let texts = || values.iter().map(|value| value.to_string_lossy().into_owned());
    let one = texts().next().unwrap_or_default();
    match kind {
        Kind::List => texts().collect::<Vec<_>>().into(),
        Kind::Switch => (one == "true").into(),
        Kind::Address => host(&one).into(),
        // A number that a command line has is one in the file, too.
        _ if kind.takes_count() => {
            let number = serde_json::from_str::<serde_json::Number>(&one);
            number.map_or_else(|_| json!(one), Value::Number)
        }
        _ => json!(one),
    }
}
