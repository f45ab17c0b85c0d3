//! From what the user gave to one validated [`Config`].
//!
//! Flags overrule the environment, which overrules the file, which overrules the defaults. `settings` declares each
//! setting once; `sources` knows what was set where. Everything is checked here, once: below this module nobody reads
//! a flag, a variable or the file.

mod ambient;
mod command;
mod credentials;
mod declare;
mod error;
mod file;
mod init;
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
mod sources;
mod time;
mod types;
mod variables;

use std::{ffi::OsString, path::PathBuf, time::Duration};

pub use crate::model::Share;
pub use ambient::check_ambient;
pub use declare::Key;
pub use error::Error;
pub use init::{Begun, init};
pub use notices::{Address, Notices};
pub use output_path::{check_output_path, outside_resolved};
pub use rate::{BadRate, RateSetting};
pub use sample::sample;
pub use schema::schema;
pub use service::remote_settings;
pub use settings::{KEYS, Settings};
pub use shown::Shown;
pub use size::{BadSize, Size};
pub use sources::{Origin, Sources, Value};
pub use time::{long_time, timeout};
pub use types::{Kind, LogFormat, bandwidth};
pub use variables::unknown_variables;

use crate::{
    pace::Limit,
    plan::Retain,
    remote,
    sync::{Filter, Options},
};

/// Looks a variable of the environment up.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

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
    /// The settings of the engine.
    pub options: Options,
    /// Who is notified.
    pub notices: Notices,
}

impl Config {
    /// Checks that the settings work together and that none is missing.
    pub fn new(settings: &Settings, sources: &Sources) -> Result<Self, Error> {
        let dest = settings.dest.clone().ok_or_else(|| sources.missing("dest"));
        let (limit, notices) = (settings.limit(sources), Notices::new(settings, sources));
        match (dest, limit, remote_settings(settings, sources), notices) {
            (Ok(dest), Ok(limit), Ok(remote), Ok(notices)) => {
                let options =
                    Options { page_size: remote.page_size, retry: remote.retry.clone(), ..settings.options()? };
                Ok(Self { dest, existing: settings.existing, remote, limit, options, notices })
            }
            (dest, limit, remote, notices) => {
                Err(Error::all([dest.err(), limit.err(), remote.err(), notices.err()].into_iter().flatten()))
            }
        }
    }
}

/// Checks all that is set, and not whether all is set that a run needs.
pub fn check(settings: &Settings, sources: &Sources) -> Result<(), Error> {
    let (limit, notices) = (settings.limit(sources), Notices::new(settings, sources));
    Error::none(limit.err().into_iter().chain(notices.err()))
}

impl Default for Settings {
    fn default() -> Self {
        Self::read(&Sources::default(), "").0
    }
}

impl Settings {
    /// The limit of API requests.
    pub fn limit(&self, sources: &Sources) -> Result<Limit, Error> {
        match self.rate {
            RateSetting::Auto => Ok(self.rate_max.map_or(Limit::None, Limit::UpTo)),
            _ if sources.get("rate_max").is_some() => {
                Err(sources
                    .bad("rate_max", "it is the ceiling of --rate auto, and --rate is a number: remove one of them"))
            }
            RateSetting::Set(rate) => Ok(Limit::Set(rate)),
            RateSetting::Unlimited => Ok(Limit::None),
        }
    }

    /// The filters.
    pub fn filter(&self) -> Result<Filter, Error> {
        Ok(Filter::new(&self.binder, &self.exclude_binder, &self.include, &self.exclude)?)
    }

    fn options(&self) -> Result<Options, Error> {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let defaults = Options::default();
        Ok(Options {
            filter: self.filter()?,
            concurrency: self.concurrency,
            bandwidth: self.bandwidth,
            max_removals: self.max_removals.unwrap_or(defaults.max_removals),
            max_duration: self.max_duration,
            min_free: self.min_free,
            refresh_folders: self.refresh_folders,
            scrub: self.scrub,
            retain: Retain { age: self.retain.map(seconds), versions: self.retain_versions },
            retain_runs: self.retain_runs.map(seconds),
            ..defaults
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::pace::Rate;

    fn config(variables: &[(&str, &str)]) -> Result<Config, Error> {
        let variables: HashMap<String, OsString> = variables.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let sources = Sources::of_environment(&|name| variables.get(name).cloned())?;
        let (settings, wrong) = Settings::read(&sources, "run");
        Error::none(wrong)?;
        Config::new(&settings, &sources)
    }

    const COMPLETE: [(&str, &str); 4] = [
        ("IBINDER_ORG_ID", "AB"),
        ("IBINDER_CLIENT_ID", "c"),
        ("IBINDER_CLIENT_SECRET", "s3cret"),
        ("IBINDER_DEST", "/a"),
    ];

    #[test]
    fn the_defaults_work() {
        let config = config(&COMPLETE).unwrap();
        assert_eq!(config.remote.api_url.as_str(), "https://api.ibinder.com/api");
        assert_eq!(config.remote.organisation.as_str(), "AB");
        assert_eq!(config.limit, Limit::UpTo(Rate::per_second(50.0).unwrap()));
        assert_eq!(config.remote.give_up, Duration::from_mins(30));
        assert_eq!((config.options.concurrency, config.remote.downloads), (8, 8));
        assert_eq!((config.options.min_free, config.remote.min_speed), (0, 1000));
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let none = config(&[]).unwrap_err().to_string();
        for (name, _) in COMPLETE {
            let rest: Vec<_> = COMPLETE.into_iter().filter(|(n, _)| *n != name).collect();
            let error = config(&rest).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains('\n') && none.contains(name), "{error} {none}");
            let mut empty = rest;
            empty.push((name, "  "));
            assert!(config(&empty).is_err(), "{name}");
        }
        assert!(none.starts_with("4 mistakes in the configuration:\n  dest is not set; "), "{none}");
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let wrong = [("IBINDER_CONCURRENCY", "0"), ("IBINDER_MAX_DURATION", "soon"), ("IBINDER_API_URL", "ftp://x")];
        let error = config(&[&COMPLETE[..], &wrong].concat()).unwrap_err();
        assert_eq!(error.each().len(), 3);
        for (name, _) in wrong {
            assert!(error.to_string().contains(&format!("\n  {name} can't be used: ")), "{error}");
        }
    }

    #[test]
    fn a_rate_is_set_or_found_out() {
        let per_second = |number| Rate::per_second(number).unwrap();
        #[rustfmt::skip]
        let table = [
            // --rate, --rate-max, what they mean
            ("",      "",     Some(Limit::UpTo(per_second(50.0)))),
            ("auto",  "80",   Some(Limit::UpTo(per_second(80.0)))),
            ("",      "0",    None),
            ("",      "-1",   None),
            ("10",    "",     Some(Limit::Set(per_second(10.0)))),
            ("10",    "80",   None),
            ("0",     "",     Some(Limit::None)),
            ("0",     "80",   None),
            ("-1",    "",     None),
            ("1e9",   "",     None),
        ];
        for (rate, rate_max, limit) in table {
            let config = config(&[&COMPLETE[..], &[("IBINDER_RATE", rate), ("IBINDER_RATE_MAX", rate_max)]].concat());
            assert_eq!(config.ok().map(|config| config.limit), limit, "{rate} {rate_max}");
        }
    }
}
