//! Who is told how it went.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use url::Url;

use crate::{
    config::{Error, Origin, Settings, check_output_path},
    paths::is_replaceable,
    remote::is_loopback,
};

/// The settings that limit what is looked at.
const FILTERS: [&str; 4] = ["binder", "exclude_binder", "include", "exclude"];

/// Who is told how it went, besides whoever reads standard output; as the flags give it.
#[derive(Debug, Clone, Default)]
pub struct GivenNotices {
    /// `--status-file`
    pub status_file: Option<PathBuf>,
    /// `--metrics-file`
    pub metrics_file: Option<PathBuf>,
    /// `--ping-url`
    pub ping_url: Option<Hidden>,
    /// `--webhook`
    pub webhook: Option<Hidden>,
    /// `--on-failure`
    pub on_failure: Option<String>,
}

/// Who is told how it went.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// The profile, which tells the mirrors of one machine apart.
    pub profile: Option<String>,
    /// Whether the command line limits what is looked at. Such a run is somebody's own and no night: what it does not
    /// see, a success of it would hide. What the file or the environment leaves out is left out on purpose.
    pub by_hand: bool,
    /// A copy of the mirror's status, for a user who may not read the mirror.
    pub status_file: Option<PathBuf>,
    /// A Prometheus textfile.
    pub metrics_file: Option<PathBuf>,
    /// What is pinged at the start and at the end of a run.
    pub ping: Option<Address>,
    /// What gets the report of a run that is not complete.
    pub webhook: Option<Address>,
    /// The command that gets it.
    pub on_failure: Option<String>,
}

/// A text that is not shown.
#[derive(Clone)]
pub struct Hidden(pub String);

/// A URL of which only the host is shown: whoever knows its path may write there.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host())
    }
}

impl Address {
    fn parse(name: &'static str, text: &str) -> Result<Self, Error> {
        // The text itself is never repeated.
        let bad = |why: &str| Error::Bad { name: name.into(), why: why.to_owned() };
        let url = Url::parse(text.trim()).map_err(|error| bad(&format!("it is no URL: {error}")))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(bad("plain http is for this machine only (127.0.0.0/8, ::1, localhost); write https://"));
            }
            _ => return Err(bad("only https:// is supported")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it has a user name or password; they have no place there"));
        }
        Ok(Self(url))
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Its host, which may be shown.
    pub fn host(&self) -> String {
        self.0.host_str().unwrap_or_default().to_owned()
    }
}

/// The files for others that are set, for a command that has no flags for them.
pub fn files_of(settings: &Settings) -> GivenNotices {
    let path = |name| settings.get(name).and_then(|setting| setting.values.first()).map(PathBuf::from);
    GivenNotices { status_file: path("status_file"), metrics_file: path("metrics_file"), ..GivenNotices::default() }
}

impl GivenNotices {
    /// Checks what was given for the mirror at `dest`.
    pub fn check(self, dest: Option<&Path>, settings: &Settings) -> Result<Notices, Error> {
        for (name, file) in [("--status-file", &self.status_file), ("--metrics-file", &self.metrics_file)] {
            let checked = file
                .as_ref()
                .map_or(Ok(()), |file| check_output_path(name, file, dest).and_then(|()| writable(name, file)));
            checked.map_err(|error| settings.explain(error))?;
        }
        if self.metrics_file.as_ref().is_some_and(|file| file.extension() != Some("prom".as_ref())) {
            let why = "node exporter reads only names that end in .prom".to_owned();
            return Err(settings.explain(Error::Bad { name: "--metrics-file".into(), why }));
        }
        let address = |name, given: Option<Hidden>| given.map(|Hidden(text)| Address::parse(name, &text)).transpose();
        let ping = address("--ping-url", self.ping_url).map_err(|error| settings.explain(error))?;
        let webhook = address("--webhook", self.webhook).map_err(|error| settings.explain(error))?;
        Ok(Notices {
            profile: settings.profile().map(str::to_owned),
            by_hand: FILTERS.iter().any(|name| settings.get(name).is_some_and(|set| set.origin == Origin::Flag)),
            status_file: self.status_file,
            metrics_file: self.metrics_file,
            ping,
            webhook,
            on_failure: self.on_failure.filter(|command| !command.trim().is_empty()),
        })
    }

    /// Those that can be told although something that was given can't work.
    pub fn usable(self, dest: &Path, settings: &Settings) -> Notices {
        let alone = |given: Self| given.check(Some(dest), settings).unwrap_or_default();
        let none = Self::default;
        Notices {
            status_file: alone(Self { status_file: self.status_file, ..none() }).status_file,
            metrics_file: alone(Self { metrics_file: self.metrics_file, ..none() }).metrics_file,
            ping: alone(Self { ping_url: self.ping_url, ..none() }).ping,
            webhook: alone(Self { webhook: self.webhook, ..none() }).webhook,
            ..alone(Self { on_failure: self.on_failure, ..none() })
        }
    }
}

/// Refuses a name that something else than a file has: it would be read first, and a pipe may never answer.
fn writable(name: &'static str, file: &Path) -> Result<(), Error> {
    let bad = |error| Error::Bad { name: name.into(), why: format!("{} can't be replaced: {error}", file.display()) };
    is_replaceable(file).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ping: &str, webhook: &str) -> Result<Notices, Error> {
        let some = |text: &str| Some(Hidden(text.to_owned()));
        let given = GivenNotices { ping_url: some(ping), webhook: some(webhook), ..GivenNotices::default() };
        given.check(None, &Settings::default())
    }

    #[test]
    fn addresses_are_checked_and_not_shown() {
        let good = ["https://hc-ping.com/5ecret", "http://127.0.0.1:8000/5ecret?create=1", "http://localhost/5ecret"];
        for url in good {
            let notices = check(url, url).unwrap();
            assert!(!format!("{notices:?}").contains("5ecret"));
            assert_eq!(notices.ping.unwrap().url().as_str(), url);
        }
        for bad in [
            "http://hc-ping.com/5ecret",
            "5ecret",
            "ftp://x/5ecret",
            "https://a:5ecret@x/",
            "https://",
            "",
            "file:///5ecret",
        ] {
            for result in [check(bad, good[0]), check(good[0], bad)] {
                let error = result.unwrap_err().to_string();
                assert!(!error.contains("5ecret") && error.starts_with("--"), "{bad}: {error}");
            }
        }
    }

    #[test]
    fn metrics_are_for_a_collector_that_reads_one_ending() {
        for (name, good) in
            [("/x/ibinder.prom", true), ("/x/ibinder.txt", false), ("/x/prom", false), ("/x/.prom", false)]
        {
            let given = GivenNotices { metrics_file: Some(name.into()), ..GivenNotices::default() };
            assert_eq!(given.check(None, &Settings::default()).is_ok(), good, "{name}");
        }
    }

    #[test]
    fn one_that_cannot_work_leaves_the_others() {
        let some = |text: &str| Some(Hidden(text.to_owned()));
        let on_failure = Some("true".to_owned());
        let given = GivenNotices {
            ping_url: some("nothing"),
            webhook: some("https://x/"),
            on_failure,
            status_file: Some("/mirror/status.json".into()),
            metrics_file: Some("/beside.prom".into()),
        };
        let usable = given.usable(Path::new("/mirror"), &Settings::default());
        assert_eq!((usable.status_file, usable.metrics_file), (None, Some("/beside.prom".into())));
        assert_eq!((usable.ping, usable.webhook.is_some(), usable.on_failure.as_deref()), (None, true, Some("true")));
    }
}
