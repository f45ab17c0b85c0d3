//! From what the user gave to one validated [`Config`].
//!
//! Flags overrule the environment, which overrules the file, which overrules the defaults.
//! Everything is checked here, once; below this line nobody reads a flag, a variable or the file.

mod ambient;
mod command;
mod credentials;
mod file;
mod init;
mod key;
mod keys;
mod kind;
mod notices;
mod output_path;
mod places;
mod rate;
mod sample;
mod schema;
mod service;
mod settings;
mod shown;
mod size;
mod variables;

use std::{borrow::Cow, ffi::OsString, num::NonZeroU64, path::PathBuf, time::Duration};

pub use crate::model::Share;
pub use ambient::check_ambient;
pub use init::{Begun, init};
pub use key::Key;
pub use keys::KEYS;
pub use kind::Kind;
pub use notices::{Address, GivenNotices, Hidden, Notices, files_of};
pub use output_path::{check_output_path, outside_resolved};
pub use rate::{BadRate, Tempo};
pub use sample::sample;
pub use schema::schema;
pub use service::{organisation, remote_errors, remote_settings};
pub use settings::{Origin, Setting, Settings};
pub use shown::Shown;
pub use size::{BadSize, Size};
pub use variables::unknown_variables;

use crate::{
    pace::{Limit, Rate},
    plan::{RemovalCap, Retain},
    remote,
    sync::{BadGlob, Filter, Options},
};

/// Requests per second that `--rate auto` never goes above, unless the user says otherwise.
const RATE_MAX: f64 = 50.0;

/// Fewer bytes per second than this are a slip, unless they are written with a unit.
const LEAST_BANDWIDTH: u64 = 10_000;

/// Fewer bytes that stay free than this are a slip, unless they are written with a unit.
const LEAST_FREE: u64 = 1_000_000;

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
        advice: String,
    },
    /// A setting has a value that can't work.
    #[error("{name} can't be used: {why}")]
    Bad {
        /// Its name, and where it was set.
        name: Cow<'static, str>,
        /// Why.
        why: String,
    },
    /// A configuration file can't be used.
    #[error("{path}{line}: {why}", path = path.display(), line = line.map(|line| format!(":{line}")).unwrap_or_default())]
    File {
        /// Which.
        path: PathBuf,
        /// On which line.
        line: Option<usize>,
        /// Why.
        why: String,
    },
    /// A variable that looks like a setting is none.
    #[error("{name} is not known; {advice}")]
    Unknown {
        /// Its name.
        name: String,
        /// What was probably meant.
        advice: String,
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
    /// `--min-speed`
    pub min_speed: Option<Size>,
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
    pub notices: GivenNotices,
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
    pub fn new(given: Given, settings: &Settings) -> Result<Self, Error> {
        let checked = options(&given).and_then(|options| Ok((options, given.pacing.check()?, stall(&given)?)));
        let (mut options, (limit, give_up), stall) = checked.map_err(|error| settings.explain(error))?;
        let mut remote = remote_settings(settings)?;
        remote.give_up = give_up;
        remote.stall_timeout = stall.unwrap_or(remote.stall_timeout);
        // An answer whose head trickles stalls as well.
        remote.head_timeout = remote.head_timeout.min(remote.stall_timeout);
        remote.min_speed = given.min_speed.map_or(remote.min_speed, Size::bytes);
        remote.downloads = options.concurrency;
        options.page_size = remote.page_size;
        options.retry = remote.retry.clone();
        let notices = given.notices.check(Some(&given.dest), settings)?;
        Ok(Self { dest: given.dest, existing: given.existing, remote, limit, options, notices })
    }
}

/// Checks all that is set, and not whether all is set that a run needs: the destination may be missing.
pub fn check(given: &Given, settings: &Settings) -> Result<(), Error> {
    let checked = options(given).and_then(|_| given.pacing.check()).and_then(|_| stall(given));
    checked.map_err(|error| settings.explain(error))?;
    let dest = settings.get("dest").map(|_| given.dest.as_path());
    given.notices.clone().check(dest, settings)?;
    service::check(settings)
}

fn stall(given: &Given) -> Result<Option<Duration>, Error> {
    given.stall_timeout.map(|stall| positive("--stall-timeout", stall)).transpose()
}

fn options(given: &Given) -> Result<Options, Error> {
    let defaults = Options::default();
    Ok(Options {
        filter: filter(given)?,
        concurrency: concurrency(given.concurrency.unwrap_or(defaults.concurrency))?,
        bandwidth: given.bandwidth.map(bandwidth).transpose()?,
        max_removals: given.max_removals.unwrap_or(defaults.max_removals),
        max_duration: given.max_duration.map(|limit| positive("--max-duration", limit)).transpose()?,
        min_free: given.min_free.map_or(Ok(0), min_free)?,
        refresh_folders: given.refresh_folders.unwrap_or(defaults.refresh_folders),
        scrub: given.scrub,
        retain: Retain {
            age: given.retain.map(|age| seconds("--retain", age)).transpose()?,
            versions: given.retain_versions.map(versions).transpose()?,
        },
        retain_runs: given.retain_runs.map(|age| seconds("--retain-runs", age)).transpose()?,
        trust_times: given.trust_times,
        ..defaults
    })
}

/// The filters that are set, for a command that has no flags for them.
pub fn filter_of(settings: &Settings) -> Result<Filter, Error> {
    let list = |name| {
        let values = settings.get(name).map_or(&[][..], |setting| &setting.values);
        values.iter().map(|value| value.to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let given = Given {
        binders: list("binder"),
        not_binders: list("exclude_binder"),
        paths: list("include"),
        not_paths: list("exclude"),
        ..Given::default()
    };
    filter(&given).map_err(|error| settings.explain(error))
}

/// Each list is looked at alone first, so that an error names the one that is wrong.
fn filter(given: &Given) -> Result<Filter, Error> {
    let Given { binders, not_binders, paths, not_paths, .. } = given;
    for (name, alone) in [
        ("--binder", Filter::new(binders, &[], &[], &[])),
        ("--exclude-binder", Filter::new(&[], not_binders, &[], &[])),
        ("--include", Filter::new(&[], &[], paths, &[])),
        ("--exclude", Filter::new(&[], &[], &[], not_paths)),
    ] {
        alone.map_err(|error| Error::Bad { name: name.into(), why: error.to_string() })?;
    }
    Ok(Filter::new(binders, not_binders, paths, not_paths)?)
}

impl Pacing {
    /// How fast the API is asked, and how long a service that is down is waited for.
    pub fn check(self) -> Result<(Limit, Duration), Error> {
        let give_up = self.give_up.map(|limit| positive("--give-up", limit)).transpose()?;
        let limit = match (self.rate.unwrap_or_default(), self.rate_max) {
            (Tempo::Auto, max) => Limit::UpTo(rate("--rate-max", max.unwrap_or(RATE_MAX))?),
            (Tempo::Set(_), Some(_)) => {
                let why = "it is the ceiling of --rate auto, and --rate has a number: leave one of them out";
                return Err(Error::Bad { name: "--rate-max".into(), why: why.to_owned() });
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
    Rate::per_second(rate).ok_or(Error::Bad { name: name.into(), why: why.to_owned() })
}

fn concurrency(given: usize) -> Result<usize, Error> {
    match given {
        1..=256 => Ok(given),
        _ => Err(Error::Bad { name: "--concurrency".into(), why: "it is a number from 1 to 256".to_owned() }),
    }
}

/// Bytes per second.
pub fn bandwidth(given: Size) -> Result<NonZeroU64, Error> {
    let bad = |why| Error::Bad { name: "--bandwidth".into(), why };
    let bytes = given.plausible(LEAST_BANDWIDTH, "MB").map_err(|why| bad(format!("a second, {why}")))?;
    let why = "it is a number of bytes per second, such as 5MB, and more than none";
    NonZeroU64::new(bytes).ok_or_else(|| bad(why.to_owned()))
}

fn min_free(given: Size) -> Result<u64, Error> {
    given.plausible(LEAST_FREE, "GB").map_err(|why| Error::Bad { name: "--min-free".into(), why })
}

fn versions(given: u64) -> Result<NonZeroU64, Error> {
    let why = "it is a number of past versions, at least 1; leave it out to keep all";
    NonZeroU64::new(given).ok_or(Error::Bad { name: "--retain-versions".into(), why: why.to_owned() })
}

fn seconds(name: &'static str, given: Duration) -> Result<i64, Error> {
    Ok(i64::try_from(positive(name, given)?.as_secs()).unwrap_or(i64::MAX))
}

/// A length of time that is more than nothing.
pub fn positive(name: &'static str, given: Duration) -> Result<Duration, Error> {
    if given.is_zero() {
        Err(Error::Bad { name: name.into(), why: "it must be more than nothing".to_owned() })
    } else {
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn config(given: Given, variables: &[(&str, &str)]) -> Result<Config, Error> {
        let variables: HashMap<String, OsString> = variables.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Config::new(given, &Settings::of_environment(&|name| variables.get(name).cloned())?)
    }

    const WHOLE: [(&str, &str); 3] =
        [("IBINDER_ORG_ID", "AB"), ("IBINDER_CLIENT_ID", "c"), ("IBINDER_CLIENT_SECRET", "s3cret")];

    #[test]
    fn the_defaults_work() {
        let config = config(Given::default(), &WHOLE).unwrap();
        assert_eq!(config.remote.api_url.as_str(), "https://api.ibinder.com/api");
        assert_eq!(config.remote.organisation.as_str(), "AB");
        assert_eq!(config.limit, Limit::UpTo(Rate::per_second(50.0).unwrap()));
        assert_eq!(config.remote.give_up, Duration::from_mins(30));
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn the_defaults_are_those_that_are_told() {
        let defaults = Options::default();
        let seconds = |time: Duration| format!("{}s", time.as_secs());
        #[rustfmt::skip]
        let table = [
            ("api_url",         remote::Settings::API_URL.to_owned()),
            ("auth_url",        remote::Settings::AUTH_URL.to_owned()),
            ("concurrency",     defaults.concurrency.to_string()),
            ("rate_max",        RATE_MAX.to_string()),
            ("give_up",         format!("{}m", remote::Settings::GIVE_UP.as_secs() / 60)),
            ("refresh_folders", format!("{}h", defaults.refresh_folders.as_secs() / 3600)),
            ("min_speed",       format!("{}kB", remote::Settings::MIN_SPEED / 1000)),
            ("stall_timeout",   seconds(config(Given::default(), &WHOLE).unwrap().remote.stall_timeout)),
        ];
        for (name, value) in table {
            assert_eq!(Key::named(name).unwrap().default(), Some(value.as_str()), "{name}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, _) in WHOLE {
            let rest: Vec<_> = WHOLE.into_iter().filter(|(n, _)| *n != name).collect();
            let error = config(Given::default(), &rest).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
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
            Given { bandwidth: "5".parse().ok(), ..Given::default() },
            Given { min_free: "10".parse().ok(), ..Given::default() },
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

    #[test]
    fn the_head_of_an_answer_may_not_take_longer_than_a_stall() {
        for (stall, head) in [(None, 60), (Some(4), 4), (Some(300), 60)] {
            let given = Given { stall_timeout: stall.map(Duration::from_secs), ..Given::default() };
            assert_eq!(config(given, &WHOLE).unwrap().remote.head_timeout, Duration::from_secs(head), "{stall:?}");
        }
    }
}
