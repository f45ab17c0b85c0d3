//! The configuration of a run: settings that work together, with none missing.

use std::path::{Path, PathBuf};

use super::{CopySettings, Error, NAMES, Notices, RateSetting, Settings, Sources, credentials};
use crate::{
    pace::Limit,
    remote,
    site::SiteOptions,
    sync::{Filter, Options},
};

/// Everything that a run needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the mirror is.
    pub dest: PathBuf,
    /// Whether a destination without state is refused.
    pub existing: bool,
    /// Whether this is the first run, which a mirror refuses.
    pub first: bool,
    /// The organisation, the service's addresses and the credentials.
    pub remote: remote::Settings,
    /// The limit of API requests.
    pub limit: Limit,
    /// The settings of the engine.
    pub options: Options,
    /// Who is notified.
    pub notices: Notices,
    /// What the catalogue shows; `None` without one.
    pub catalogue: Option<SiteOptions>,
    /// The copy that a run brings up to date at its end.
    pub copy: CopySettings,
}

impl Config {
    /// Checks that the settings work together and that none is missing.
    pub fn new(settings: &Settings, sources: &Sources) -> Result<Self, Error> {
        let (limit, notices) = (settings.limit(sources), Notices::new(settings, sources));
        let copy = CopySettings::new(settings, sources);
        match (settings.destination(sources), limit, remote_settings(settings, sources), notices, copy) {
            (Ok(dest), Ok(limit), Ok(remote), Ok(notices), Ok(copy)) => {
                let (dest, options) = (dest.to_owned(), settings.engine(settings.filter()?));
                let catalogue = settings.catalogue.then(|| settings.site());
                let existing = settings.existing;
                Ok(Self { dest, existing, first: false, remote, limit, options, notices, catalogue, copy })
            }
            (dest, limit, remote, notices, copy) => {
                let errors = [dest.err(), remote.err(), limit.err(), notices.err(), copy.err()];
                Err(Error::all(errors.into_iter().flatten().chain(without_file(settings, sources))))
            }
        }
    }
}

/// What a run needs and nothing sets, with what to do about it.
pub fn missing(settings: &Settings, sources: &Sources) -> Vec<Error> {
    let names = unset(settings, sources).map(|name| sources.missing(name));
    names.chain(without_file(settings, sources)).collect()
}

/// A wrong value is not missing.
fn unset(settings: &Settings, sources: &Sources) -> impl Iterator<Item = &'static str> {
    let needed = [
        (NAMES.dest, settings.dest.is_none()),
        (NAMES.organisation, settings.organisation.is_none()),
        (NAMES.client_id, settings.client_id.is_none()),
        (NAMES.client_secret_file, credentials::is_missing(settings, sources)),
        (NAMES.api_url, settings.api_url.is_none()),
        (NAMES.auth_url, settings.auth_url.is_none()),
    ];
    needed.into_iter().filter(|(name, is_unset)| *is_unset && sources.get(name).is_none()).map(|(name, _)| name)
}

/// The advice to somebody who has set nothing yet, or the destination alone.
fn without_file(settings: &Settings, sources: &Sources) -> Option<Error> {
    const OF_THE_SERVICE: usize = 3;
    (sources.file.is_none() && unset(settings, sources).count() >= OF_THE_SERVICE).then_some(Error::NoFile)
}

/// Checks what is set, and accepts that something is missing.
pub fn check(settings: &Settings, sources: &Sources) -> Result<(), Error> {
    let (limit, notices) = (settings.limit(sources), Notices::new(settings, sources));
    let copy = CopySettings::new(settings, sources);
    Error::none([limit.err(), notices.err(), copy.err()].into_iter().flatten())
}

/// The settings of the client. Everything that is missing is reported together.
pub fn remote_settings(settings: &Settings, sources: &Sources) -> Result<remote::Settings, Error> {
    let organisation = settings.organisation.clone().ok_or_else(|| sources.missing(NAMES.organisation));
    let client_id = settings.client_id.clone().ok_or_else(|| sources.missing(NAMES.client_id));
    let api_url = settings.api_url.clone().ok_or_else(|| sources.missing(NAMES.api_url));
    let auth_url = settings.auth_url.clone().ok_or_else(|| sources.missing(NAMES.auth_url));
    match (organisation, client_id, credentials::secret(settings, sources), api_url, auth_url) {
        (Ok(organisation), Ok(client_id), Ok(client_secret), Ok(api_url), Ok(auth_url)) => {
            let origins = origins(sources);
            Ok(settings.client(api_url, auth_url, organisation, client_id, client_secret, origins))
        }
        (organisation, client_id, secret, api, auth) => Err(Error::all(
            [organisation.err(), client_id.err(), secret.err(), api.err(), auth.err()].into_iter().flatten(),
        )),
    }
}

fn origins(sources: &Sources) -> remote::Origins {
    let ways = [NAMES.client_secret, NAMES.client_secret_file, NAMES.client_secret_command];
    let way = ways.into_iter().find(|way| sources.get(way).is_some());
    remote::Origins {
        organisation: sources.name(NAMES.organisation),
        client_id: sources.name(NAMES.client_id),
        client_secret: way.map_or_else(|| credentials::place(sources), |way| sources.name(way)),
        api_url: sources.name(NAMES.api_url),
        auth_url: sources.name(NAMES.auth_url),
    }
}

impl Settings {
    /// The folder that holds the mirror.
    pub fn destination(&self, sources: &Sources) -> Result<&Path, Error> {
        self.dest.as_deref().ok_or_else(|| sources.missing(NAMES.dest))
    }

    /// The limit of API requests.
    pub fn limit(&self, sources: &Sources) -> Result<Limit, Error> {
        match self.rate {
            RateSetting::Auto => Ok(self.rate_max.map_or(Limit::None, Limit::UpTo)),
            _ if sources.get(NAMES.rate_max).is_some() => {
                let why = "it is the ceiling of --rate auto, and --rate is a number: remove one of them";
                Err(sources.bad(NAMES.rate_max, why))
            }
            RateSetting::Set(rate) => Ok(Limit::Set(rate)),
            RateSetting::Unlimited => Ok(Limit::None),
        }
    }

    /// What a catalogue shows.
    pub fn site(&self) -> SiteOptions {
        SiteOptions {
            history: self.catalogue_history,
            per_binder: self.catalogue_per_binder,
            organisation: self.organisation_name.clone(),
        }
    }

    /// The filters.
    pub fn filter(&self) -> Result<Filter, Error> {
        Ok(Filter::new(&self.binder, &self.exclude_binder, &self.include, &self.exclude)?)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, ffi::OsString, time::Duration};

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
        assert!(none.starts_with("4 settings are missing:\n  dest is not set; "), "{none}");
        assert!(none.contains("`ibinder-sync config init`") && none.contains("`ibinder-sync demo "), "{none}");
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
    fn a_rate_is_fixed_or_adaptive() {
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

    #[test]
    fn the_head_of_a_response_may_not_take_longer_than_a_stall() {
        for (stall, head) in [("", 60), ("4s", 4), ("5m", 60)] {
            let config = config(&[&COMPLETE[..], &[("IBINDER_STALL_TIMEOUT", stall)]].concat()).unwrap();
            assert_eq!(config.remote.head_timeout, Duration::from_secs(head), "{stall}");
        }
    }
}
