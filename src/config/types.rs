//! The types of settings: how each is read, and what the file calls it.

use std::{ffi::OsStr, num::NonZeroU64, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

use super::{Address, HostPort, Kind, RateSetting, Size, declare::Setting, kind::switch, time};
use crate::{
    model::{LinkBase, ManifestAges, OrganisationId, Share},
    notify::{Mailbox, Security},
    pace::Rate,
    plan::RemovalCap,
    remote,
    replica::{Location, Place},
    report::Language,
    sync::Filter,
};

/// A smaller number of bytes per second without a unit is taken for a typo.
const LEAST_BANDWIDTH: u64 = 10_000;

/// A smaller number of bytes without a unit is taken for a typo.
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
pub(super) const MANIFEST_AGES: Setting<Option<ManifestAges>> =
    Setting::new(Kind::Text, "TIME,TIME|all", |value| manifest_ages(text(value)?));
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

pub(super) const MAILBOX: Setting<Mailbox> = Setting::new(Kind::Text, "ADDRESS", |value| Mailbox::parse(text(value)?));
pub(super) const MAILBOXES: Setting<Mailbox> =
    Setting::new(Kind::List, "ADDRESS", |value| Mailbox::parse(text(value)?));
pub(super) const HOST_PORT: Setting<HostPort> = Setting::new(Kind::Text, "HOST", |value| HostPort::parse(text(value)?));
pub(super) const SECURITY: Setting<Security> = Setting::new(Kind::Text, "HOW", |value| match text(value)? {
    "starttls" => Ok(Security::StartTls),
    "tls" => Ok(Security::Tls),
    "none" => Ok(Security::None),
    _ => Err("it is one of starttls, tls, none".to_owned()),
})
.one_of(&["starttls", "tls", "none"]);
pub(super) const LANGUAGE: Setting<Language> = Setting::new(Kind::Text, "LANGUAGE", |value| match text(value)? {
    "en" => Ok(Language::English),
    "sv" => Ok(Language::Swedish),
    _ => Err("it is one of en, sv".to_owned()),
})
.one_of(&["en", "sv"]);

pub(super) const LINK_BASE: Setting<LinkBase> = Setting::new(Kind::Text, "BASE", |value| LinkBase::parse(text(value)?));
pub(super) const LOCATION: Setting<Location> = Setting::new(Kind::Text, "URL", |value| location(text(value)?));

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
    let secret = clean(text(value)?).map_err(|why| format!("it {why}"))?;
    secret.ok_or_else(|| "it is empty".to_owned())
}

/// A secret without the byte order mark, blanks and line ends that editors add; `None` if nothing is left. Impossible
/// secrets are refused, because token endpoints lock out clients that try wrong ones.
pub fn clean(text: &str) -> Result<Option<SecretString>, &'static str> {
    let around = |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}');
    let secret = text.trim_matches(around);
    if secret.contains(['\n', '\r']) {
        return Err("has more than one line");
    }
    if secret.contains(|c: char| c.is_control() || matches!(c, '\u{feff}' | '\u{200b}')) {
        return Err("has an invisible character in the secret");
    }
    Ok((!secret.is_empty()).then(|| SecretString::from(secret.to_owned())))
}

fn manifest_ages(text: &str) -> Result<Option<ManifestAges>, String> {
    const WHY: &str = "it is all, or two times of which the first is not longer, such as 31d,366d";
    if text.trim() == "all" {
        return Ok(None);
    }
    let (daily, weekly) = text.split_once(',').ok_or(WHY)?;
    let seconds = |text| time::long_time(text).map(|time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    ManifestAges::new(seconds(daily)?, seconds(weekly)?).map(Some).ok_or_else(|| WHY.to_owned())
}

/// A place for a copy. Addresses with a key in them are common, and an error must not repeat one.
fn location(text: &str) -> Result<Location, String> {
    let location = text.parse::<Location>();
    if !matches!(&location, Ok(Location { place: Place::Folder(_), .. })) && text.contains(['@', '?']) {
        return Err(
            "it has more than the names of a bucket and folders; credentials belong into the environment or the \
                    file that replicate_credentials_file names"
                .to_owned(),
        );
    }
    location.map_err(|error| error.to_string())
}

fn service_url(value: &OsStr) -> Result<Url, String> {
    let url = Url::parse(text(value)?.trim().trim_end_matches('/'))
        .map_err(|error| format!("{error}; it looks like https://api.ibinder.com/api"))?;
    remote::check_url(&url).map_err(|error| error.to_string())?;
    Ok(url)
}

fn glob<F, E: ToString>(text: &str, compile: impl Fn(&[String]) -> Result<F, E>) -> Result<String, String> {
    let glob = text.to_owned();
    compile(std::slice::from_ref(&glob)).map_err(|error| error.to_string())?;
    Ok(glob)
}

/// Reads a number of bytes per second.
pub fn bandwidth(text: &str) -> Result<NonZeroU64, String> {
    let bytes = text.parse::<Size>()?.plausible(LEAST_BANDWIDTH, "MB").map_err(|why| format!("per second, {why}"))?;
    NonZeroU64::new(bytes).ok_or_else(|| "it is a number of bytes per second, such as 5MB, and not 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_cannot_work_are_refused() {
        let bad = |result: Result<(), String>| assert!(result.is_err());
        for text in ["http://api.ibinder.com/api", "ftp://x", "api.ibinder.com", "https://user:pw@x/api"] {
            bad(service_url(text.as_ref()).map(drop));
        }
        service_url("http://127.0.0.1:1/api".as_ref()).unwrap();
        for (check, text) in [
            ("replicate", "/mnt/disk"),
            ("replicate", "s3://key:secret@bucket"),
            ("replicate", "az://container?sig=secret"),
            ("replicate_transfers", "0"),
            ("concurrency", "0"),
            ("concurrency", "257"),
            ("max_duration", "0s"),
            ("retain", "0d"),
            ("retain_versions", "0"),
            ("retain_runs", "0d"),
            ("retain_manifests", "31d"),
            ("retain_manifests", "1y,2y"),
            ("retain_manifests", "366d,31d"),
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
