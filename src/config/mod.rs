//! From what the user gave to one validated [`Config`].
//!
//! Flags overrule the environment, which overrules the defaults. Everything is checked here,
//! once; below this line nobody reads a flag or a variable.

mod credentials;
mod notices;
mod rate;
mod size;

use std::{ffi::OsString, num::NonZeroU64, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

pub use crate::model::Share;
pub use notices::Notices;
pub use rate::{BadRate, Tempo};
pub use size::{BadSize, Size};

use crate::{
    model::OrganisationId,
    pace::{Limit, Rate},
    plan::{RemovalCap, Retain},
    remote,
    sync::{BadGlob, Filter, Options},
};

/// Requests per second that `--rate auto` never goes above, unless the user says otherwise.
const RATE_MAX: f64 = 50.0;

/// Looks a variable of the environment up.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// What can't work, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing.
    #[error("{name} is not set; {advice}")]
    Missing {
        /// Its name.
        name: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A setting has a value that can't work.
    #[error("{name} can't be used: {why}")]
    Bad {
        /// Its name.
        name: &'static str,
        /// Why.
        why: String,
    },
    /// A glob is none.
    #[error("a filter can't be used: {0}")]
    Glob(#[from] BadGlob),
}

/// The values of the flags of every command that asks the service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pacing {
    /// `--rate`
    pub rate: Option<Tempo>,
    /// `--rate-max`
    pub rate_max: Option<f64>,
    /// `--give-up`
    pub give_up: Option<Duration>,
}

/// The values of `run`'s flags, as they were given.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// `--dest`
    pub dest: PathBuf,
    /// `--existing`
    pub existing: bool,
    /// `--binder`
    pub binders: Vec<String>,
    /// `--exclude-binder`
    pub not_binders: Vec<String>,
    /// `--include`
    pub paths: Vec<String>,
    /// `--exclude`
    pub not_paths: Vec<String>,
    /// `--concurrency`
    pub concurrency: Option<usize>,
    /// How fast the service is asked.
    pub pacing: Pacing,
    /// `--bandwidth`
    pub bandwidth: Option<Size>,
    /// `--max-removals`
    pub max_removals: Option<RemovalCap>,
    /// `--max-duration`
    pub max_duration: Option<Duration>,
    /// `--min-free`
    pub min_free: Option<Size>,
    /// `--stall-timeout`
    pub stall_timeout: Option<Duration>,
    /// `--refresh-folders`
    pub refresh_folders: Option<Duration>,
    /// `--trust-times`
    pub trust_times: bool,
    /// `--scrub`
    pub scrub: Option<Share>,
    /// `--retain`
    pub retain: Option<Duration>,
    /// `--retain-versions`
    pub retain_versions: Option<u64>,
    /// `--retain-runs`
    pub retain_runs: Option<Duration>,
    /// Who is told how it went.
    pub notices: Notices,
}

/// Everything that a run needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the mirror is.
    pub dest: PathBuf,
    /// Whether a destination without state is refused.
    pub existing: bool,
    /// Whose documents, where, and by which credentials.
    pub remote: remote::Settings,
    /// How fast the API is asked.
    pub limit: Limit,
    /// What the engine is told.
    pub options: Options,
    /// Who is told how it went.
    pub notices: Notices,
}

impl Config {
    /// Checks what was given.
    pub fn new(given: Given, environment: Environment<'_>) -> Result<Self, Error> {
        let (limit, give_up) = given.pacing.check()?;
        let mut remote = remote_settings(environment)?;
        remote.give_up = give_up;
        let filter = Filter::new(&given.binders, &given.not_binders, &given.paths, &given.not_paths)?;
        let defaults = Options::default();
        if let Some(stall) = given.stall_timeout {
            remote.stall_timeout = positive("--stall-timeout", stall)?;
        }
        remote.downloads = concurrency(given.concurrency.unwrap_or(defaults.concurrency))?;
        let options = Options {
            filter,
            concurrency: remote.downloads,
            bandwidth: given.bandwidth.map(bandwidth).transpose()?,
            max_removals: given.max_removals.unwrap_or(defaults.max_removals),
            max_duration: given.max_duration.map(|limit| positive("--max-duration", limit)).transpose()?,
            min_free: given.min_free.map_or(0, Size::bytes),
            refresh_folders: given.refresh_folders.unwrap_or(defaults.refresh_folders),
            scrub: given.scrub,
            retain: Retain {
                age: given.retain.map(|age| seconds("--retain", age)).transpose()?,
                versions: given.retain_versions.map(versions).transpose()?,
            },
            retain_runs: given.retain_runs.map(|age| seconds("--retain-runs", age)).transpose()?,
            page_size: remote.page_size,
            retry: remote.retry.clone(),
            trust_times: given.trust_times,
            ..defaults
        };
        Ok(Self { dest: given.dest, existing: given.existing, remote, limit, options, notices: given.notices })
    }
}

/// Where the service is and who asks, from the environment.
pub fn remote_settings(environment: Environment<'_>) -> Result<remote::Settings, Error> {
    let text = |name: &'static str| text(environment, name);
    let organisation = text("IBINDER_ORG_ID")?.ok_or(Error::Missing {
        name: "IBINDER_ORG_ID",
        advice: "set it to the organisation's id, which the owner of the organisation sees beside the API client",
    })?;
    let organisation = OrganisationId::parse(organisation.trim())
        .map_err(|e| Error::Bad { name: "IBINDER_ORG_ID", why: e.to_string() })?;
    let client_id = text("IBINDER_CLIENT_ID")?.ok_or(Error::Missing {
        name: "IBINDER_CLIENT_ID",
        advice: "set it to the API client's id; the owner of the organisation creates API clients",
    })?;
    let secret: SecretString = credentials::secret(environment)?;
    let api_url = url("IBINDER_API_URL", text("IBINDER_API_URL")?.as_deref(), remote::Settings::API_URL)?;
    let auth_url = url("IBINDER_AUTH_URL", text("IBINDER_AUTH_URL")?.as_deref(), remote::Settings::AUTH_URL)?;
    Ok(remote::Settings::new(api_url, auth_url, organisation, client_id.trim().to_owned(), secret))
}

/// A variable as text; one that is empty counts as not set.
fn text(environment: Environment<'_>, name: &'static str) -> Result<Option<String>, Error> {
    match environment(name).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) if text.trim().is_empty() => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => Err(Error::Bad { name, why: "it is not UTF-8".to_owned() }),
    }
}

fn url(name: &'static str, given: Option<&str>, default: &str) -> Result<Url, Error> {
    let text = given.unwrap_or(default).trim().trim_end_matches('/');
    let url = Url::parse(text).map_err(|e| Error::Bad { name, why: format!("{e}; it looks like {default}") })?;
    remote::check_url(&url).map_err(|e| Error::Bad { name, why: e.to_string() })?;
    Ok(url)
}

impl Pacing {
    /// How fast the API is asked, and how long a service that is down is waited for.
    pub fn check(self) -> Result<(Limit, Duration), Error> {
        let give_up = self.give_up.map(|limit| positive("--give-up", limit)).transpose()?;
        let limit = match (self.rate.unwrap_or_default(), self.rate_max) {
            (Tempo::Auto, max) => Limit::UpTo(rate("--rate-max", max.unwrap_or(RATE_MAX))?),
            (Tempo::Set(_), Some(_)) => {
                let why = "it is the ceiling of --rate auto, and --rate has a number: leave one of them out";
                return Err(Error::Bad { name: "--rate-max", why: why.to_owned() });
            }
            (Tempo::Set(0.0), None) => Limit::None,
            (Tempo::Set(number), None) => Limit::Set(rate("--rate", number)?),
        };
        Ok((limit, give_up.unwrap_or(remote::Settings::GIVE_UP)))
    }
}

fn rate(name: &'static str, rate: f64) -> Result<Rate, Error> {
    let why = match name {
        "--rate" => "it is auto, or a number of requests per second such as 10, or 0 for no limit",
        _ => "it is a number of requests per second, such as 20",
    };
    Rate::per_second(rate).ok_or(Error::Bad { name, why: why.to_owned() })
}

fn concurrency(given: usize) -> Result<usize, Error> {
    match given {
        1..=256 => Ok(given),
        _ => Err(Error::Bad { name: "--concurrency", why: "it is a number from 1 to 256".to_owned() }),
    }
}

/// Bytes per second.
pub fn bandwidth(given: Size) -> Result<NonZeroU64, Error> {
    let why = "it is a number of bytes per second, such as 5MB, and more than none";
    NonZeroU64::new(given.bytes()).ok_or(Error::Bad { name: "--bandwidth", why: why.to_owned() })
}

fn versions(given: u64) -> Result<NonZeroU64, Error> {
    let why = "it is a number of past versions, at least 1; leave it out to keep all";
    NonZeroU64::new(given).ok_or(Error::Bad { name: "--retain-versions", why: why.to_owned() })
}

fn seconds(name: &'static str, given: Duration) -> Result<i64, Error> {
    Ok(i64::try_from(positive(name, given)?.as_secs()).unwrap_or(i64::MAX))
}

/// A length of time that is more than nothing.
pub fn positive(name: &'static str, given: Duration) -> Result<Duration, Error> {
    if given.is_zero() { Err(Error::Bad { name, why: "it must be more than nothing".to_owned() }) } else { Ok(given) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn config(given: Given, variables: &[(&str, &str)]) -> Result<Config, Error> {
        let variables: HashMap<String, OsString> = variables.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Config::new(given, &|name| variables.get(name).cloned())
    }

    const WHOLE: [(&str, &str); 3] =
        [("IBINDER_ORG_ID", "AB"), ("IBINDER_CLIENT_ID", "c"), ("IBINDER_CLIENT_SECRET", "s3cret")];

    #[test]
    fn the_defaults_work() {
        let config = config(Given::default(), &WHOLE).unwrap();
        assert_eq!(config.remote.api_url.as_str(), "https://api.ibinder.com/api");
        assert_eq!(config.remote.organisation.as_str(), "ab");
        assert_eq!(config.limit, Limit::UpTo(Rate::per_second(50.0).unwrap()));
        assert_eq!(config.remote.give_up, Duration::from_mins(30));
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, _) in WHOLE {
            let rest: Vec<_> = WHOLE.into_iter().filter(|(n, _)| *n != name).collect();
            let error = config(Given::default(), &rest).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
            let mut empty = rest;
            empty.push((name, "  "));
            assert!(config(Given::default(), &empty).is_err(), "{name}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let with = |name, value| [&WHOLE[..], &[(name, value)]].concat();
        for url in ["http://api.ibinder.com/api", "ftp://x", "api.ibinder.com", "https://user:pw@x/api"] {
            assert!(config(Given::default(), &with("IBINDER_API_URL", url)).is_err(), "{url}");
        }
        assert!(config(Given::default(), &with("IBINDER_API_URL", "http://127.0.0.1:1/api")).is_ok());
        for given in [
            Given { concurrency: Some(0), ..Given::default() },
            Given { max_duration: Some(Duration::ZERO), ..Given::default() },
            Given { retain: Some(Duration::ZERO), ..Given::default() },
            Given { retain_versions: Some(0), ..Given::default() },
            Given { retain_runs: Some(Duration::ZERO), ..Given::default() },
            Given { paths: vec!["a[".into()], ..Given::default() },
            Given { bandwidth: "0".parse().ok(), ..Given::default() },
        ] {
            assert!(config(given.clone(), &WHOLE).is_err(), "{given:?}");
        }
    }

    #[test]
    fn a_rate_is_set_or_found_out() {
        let per_second = |number| Rate::per_second(number).unwrap();
        #[rustfmt::skip]
        let table = [
            // --rate                  --rate-max  what comes of it
            (None,                     None,       Some(Limit::UpTo(per_second(50.0)))),
            (Some(Tempo::Auto),        Some(80.0), Some(Limit::UpTo(per_second(80.0)))),
            (None,                     Some(0.0),  None),
            (None,                     Some(-1.0), None),
            (Some(Tempo::Set(10.0)),   None,       Some(Limit::Set(per_second(10.0)))),
            (Some(Tempo::Set(10.0)),   Some(80.0), None),
            (Some(Tempo::Set(0.0)),    None,       Some(Limit::None)),
            (Some(Tempo::Set(-1.0)),   None,       None),
            (Some(Tempo::Set(1e9)),    None,       None),
        ];
        for (rate, rate_max, limit) in table {
            let pacing = Pacing { rate, rate_max, give_up: None };
            assert_eq!(pacing.check().ok().map(|(limit, _)| limit), limit, "{rate:?} {rate_max:?}");
        }
        let never = Pacing { give_up: Some(Duration::ZERO), ..Pacing::default() };
        assert!(never.check().unwrap_err().to_string().starts_with("--give-up"));
    }
}
