//! The types of settings: how each is read, and what the file calls it.

use std::{
    ffi::{OsStr, OsString},
    num::NonZeroU64,
    path::PathBuf,
    time::Duration,
};

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::{Address, RateSetting, Size, credentials, declare::Setting, time};
use crate::{
    model::{OrganisationId, Share},
    pace::Rate,
    plan::RemovalCap,
    remote,
    sync::Filter,
};

/// Fewer bytes per second than this are a slip, unless they are written with a unit.
const LEAST_BANDWIDTH: u64 = 10_000;

/// Less free space than this is a slip, unless it is written with a unit.
const LEAST_FREE: u64 = 1_000_000;

pub(super) const TEXT: Setting<String> = Setting::new(Kind::Text, "TEXT", |value| Ok(text(value)?.trim().to_owned()));
pub(super) const ORGANISATION: Setting<OrganisationId> =
    Setting::new(Kind::Text, "ID", |value| OrganisationId::parse(text(value)?.trim()).map_err(|e| e.to_string()));
pub(super) const SECRET: Setting<SecretString> = Setting::new(Kind::Secret, "SECRET", secret);
pub(super) const COMMAND: Setting<String> = Setting::new(Kind::Hidden, "COMMAND", |value| Ok(text(value)?.to_owned()));
pub(super) const ADDRESS: Setting<Address> = Setting::new(Kind::Address, "URL", |value| Address::parse(text(value)?));
pub(super) const SERVICE_URL: Setting<Url> = Setting::new(Kind::Text, "URL", service_url);
pub(super) const PATH: Setting<PathBuf> = Setting::new(Kind::Path, "FILE", |value| Ok(PathBuf::from(value)));
pub(super) const SWITCH: Setting<bool> = Setting::new(Kind::Switch, "BOOL", |value| switch(text(value)?));
pub(super) const BINDER_GLOB: Setting<String> =
    Setting::new(Kind::List, "GLOB", |value| glob(text(value)?, |glob| Filter::new(glob, &[], &[], &[])));
pub(super) const PATH_GLOB: Setting<String> =
    Setting::new(Kind::List, "GLOB", |value| glob(text(value)?, |glob| Filter::new(&[], &[], glob, &[])));
pub(super) const CONCURRENCY: Setting<usize> =
    Setting::new(Kind::Count, "N", |value| parsed(value, |n| (1..=256).contains(n), "it is a number from 1 to 256"));
pub(super) const VERSIONS: Setting<NonZeroU64> = Setting::new(Kind::Count, "N", |value| {
    parsed(value, |_| true, "it is a number, at least 1; leave it out to keep all")
});
pub(super) const RATE: Setting<RateSetting> = Setting::new(Kind::Rate, "N|auto", from_str);
pub(super) const RATE_MAX: Setting<Rate> = Setting::new(Kind::Number, "N", |value| {
    let rate = text(value)?.trim().parse().ok().and_then(Rate::per_second);
    rate.ok_or_else(|| "it is a number of requests per second, such as 20".to_owned())
});
pub(super) const DURATION: Setting<Duration> = Setting::new(Kind::Time, "TIME", |value| time::duration(text(value)?));
pub(super) const TIMEOUT: Setting<Duration> = Setting::new(Kind::Time, "TIME", |value| time::timeout(text(value)?));
pub(super) const LONG_TIME: Setting<Duration> = Setting::new(Kind::Time, "TIME", |value| time::long_time(text(value)?));
pub(super) const SIZE: Setting<u64> = Setting::new(Kind::Size, "SIZE", |value| from_str(value).map(Size::bytes));
pub(super) const BANDWIDTH: Setting<NonZeroU64> = Setting::new(Kind::Size, "SIZE", |value| bandwidth(text(value)?));
pub(super) const FREE_SPACE: Setting<u64> =
    Setting::new(Kind::Size, "SIZE", |value| from_str::<Size>(value)?.plausible(LEAST_FREE, "GB"));
pub(super) const SHARE: Setting<Share> = Setting::new(Kind::Share, "P%", from_str);
pub(super) const REMOVAL_CAP: Setting<RemovalCap> = Setting::new(Kind::Cap, "N|P%", from_str);
pub(super) const LOG_FORMAT: Setting<LogFormat> = Setting::new(Kind::Text, "FORMAT", |value| match text(value)? {
    "text" => Ok(LogFormat::Text),
    "json" => Ok(LogFormat::Json),
    _ => Err("it is one of text, json".to_owned()),
})
.one_of(&["text", "json"]);

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

fn text(value: &OsStr) -> Result<&str, String> {
    value.to_str().ok_or_else(|| "it is not UTF-8".to_owned())
}

fn from_str<T: std::str::FromStr>(value: &OsStr) -> Result<T, String>
where
    T::Err: ToString,
{
    text(value)?.parse().map_err(|error: T::Err| error.to_string())
}

fn parsed<T: std::str::FromStr>(value: &OsStr, is_good: fn(&T) -> bool, why: &str) -> Result<T, String> {
    text(value)?.trim().parse().ok().filter(is_good).ok_or_else(|| why.to_owned())
}

fn secret(value: &OsStr) -> Result<SecretString, String> {
    let secret = credentials::clean(text(value)?).map_err(|why| format!("it {why}"))?;
    secret.ok_or_else(|| "it is empty".to_owned())
}

fn service_url(value: &OsStr) -> Result<Url, String> {
    let url = Url::parse(text(value)?.trim().trim_end_matches('/'))
        .map_err(|error| format!("{error}; it looks like https://api.ibinder.com/api"))?;
    remote::check_url(&url).map_err(|error| error.to_string())?;
    Ok(url)
}

fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("it is true or false".to_owned()),
    }
}

fn glob<F, E: ToString>(text: &str, compile: impl Fn(&[String]) -> Result<F, E>) -> Result<String, String> {
    let glob = text.to_owned();
    compile(std::slice::from_ref(&glob)).map_err(|error| error.to_string())?;
    Ok(glob)
}

/// Reads a number of bytes per second.
pub fn bandwidth(text: &str) -> Result<NonZeroU64, String> {
    let size: Size = text.parse().map_err(|error: super::BadSize| error.to_string())?;
    let bytes = size.plausible(LEAST_BANDWIDTH, "MB").map_err(|why| format!("per second, {why}"))?;
    NonZeroU64::new(bytes).ok_or_else(|| "it is a number of bytes per second, such as 5MB, and not 0".to_owned())
}

/// What a setting takes in the file and in the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is not shown, because it may contain a secret.
    Hidden,
    /// A secret: from the environment alone.
    Secret,
    /// A URL whose path may be a secret: it may be in the file, and only its host is shown.
    Address,
    /// A file or folder.
    Path,
    /// Yes or no.
    Switch,
    /// Several texts.
    List,
    /// A whole number.
    Count,
    /// A number.
    Number,
    /// A number, or `auto`.
    Rate,
    /// A length of time.
    Time,
    /// A number of bytes.
    Size,
    /// A percentage.
    Share,
    /// A number, or a percentage.
    Cap,
}

impl Kind {
    /// What it must be, in the words of an error.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Text | Self::Hidden | Self::Secret => "text in quotes",
            Self::Address => "a URL in quotes",
            Self::Path => "a path in quotes",
            Self::Switch => "true or false, without quotes",
            Self::List => "a list of texts in brackets",
            Self::Count => "a whole number, without quotes",
            Self::Number => "a number, without quotes",
            Self::Rate => "\"auto\" in quotes, or a number",
            Self::Time => "a length of time in quotes",
            Self::Size => "a number of bytes, or one with a unit in quotes",
            Self::Share => "a percentage in quotes",
            Self::Cap => "a whole number, or a percentage in quotes",
        }
    }

    /// Whether a value may have several lines: a command of the shell, a list, a secret that is checked on its own.
    pub fn has_lines(self) -> bool {
        matches!(self, Self::Hidden | Self::List | Self::Secret)
    }

    /// Whether text in quotes may be in the file.
    pub fn takes_text(self) -> bool {
        !matches!(self, Self::Switch | Self::List | Self::Count | Self::Number)
    }

    /// Whether a whole number may be in the file.
    pub fn takes_count(self) -> bool {
        matches!(self, Self::Count | Self::Number | Self::Rate | Self::Size | Self::Cap)
    }

    /// Whether a fraction may be in the file.
    pub fn takes_fraction(self) -> bool {
        matches!(self, Self::Number | Self::Rate)
    }

    /// Whether a value may be shown.
    pub fn is_hidden(self) -> bool {
        matches!(self, Self::Secret | Self::Hidden)
    }

    /// The values in a variable of the environment.
    pub fn of_variable(self, text: OsString) -> Vec<OsString> {
        match (self, text.to_str()) {
            (Self::List, Some(text)) => {
                text.split(';').map(str::trim).filter(|part| !part.is_empty()).map(OsString::from).collect()
            }
            _ => vec![text],
        }
    }

    /// Values as the file has them, which TOML and JSON write alike.
    pub fn in_file(self, values: &[OsString]) -> Value {
        let texts = || values.iter().map(|value| value.to_string_lossy().into_owned());
        let one = texts().next().unwrap_or_default();
        match self {
            Self::List => texts().collect::<Vec<_>>().into(),
            Self::Switch => switch(&one).unwrap_or_default().into(),
            _ if self.takes_count() => {
                serde_json::from_str::<serde_json::Number>(&one).map_or_else(|_| one.into(), Value::Number)
            }
            _ => one.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_variables_are_separated_by_semicolons() {
        let read = |kind: Kind, text: &str| kind.of_variable(text.into()).join("|".as_ref()).into_string().unwrap();
        #[rustfmt::skip]
        let table = [
            (Kind::List, "Brf *; Test, 2;", "Brf *|Test, 2"),
            (Kind::List, ";",               ""),
            (Kind::Time, "6h",              "6h"),
            (Kind::Text, " a;b ",           " a;b "),
        ];
        for (kind, text, values) in table {
            assert_eq!(read(kind, text), values, "{kind:?} {text}");
        }
    }

    #[test]
    fn switches_are_read_as_people_write_them() {
        for (text, value) in [
            ("yes", Ok(true)),
            (" TRUE ", Ok(true)),
            ("0", Ok(false)),
            ("maybe", Err("it is true or false".to_owned())),
        ] {
            assert_eq!(switch(text), value, "{text}");
        }
    }

    #[test]
    fn values_that_cannot_work_are_refused() {
        let bad = |result: Result<(), String>| assert!(result.is_err());
        for text in ["http://api.ibinder.com/api", "ftp://x", "api.ibinder.com", "https://user:pw@x/api"] {
            bad(service_url(text.as_ref()).map(drop));
        }
        service_url("http://127.0.0.1:1/api".as_ref()).unwrap();
        for (check, text) in [
            ("concurrency", "0"),
            ("concurrency", "257"),
            ("max_duration", "0s"),
            ("retain", "0d"),
            ("retain_versions", "0"),
            ("retain_runs", "0d"),
            ("include", "a["),
            ("bandwidth", "0"),
            ("bandwidth", "5"),
            ("min_free", "10"),
            ("rate_max", "0"),
            ("rate_max", "-1"),
            ("rate", "-1"),
            ("rate", "1e9"),
            ("give_up", "0s"),
        ] {
            bad(super::super::Key::named(check).unwrap().check(&[text.into()]));
        }
    }
}
