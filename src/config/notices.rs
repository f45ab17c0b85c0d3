//! Who is notified of how a run went.

use std::path::{Path, PathBuf};

use crate::{
    config::{Address, Error, KEYS, MailSettings, NAMES, Settings, Sources, check_output_path},
    model::LinkBase,
    paths::is_replaceable,
    report::Language,
};

/// Who is notified of how a run went.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// The profile, which tells the mirrors of one machine apart.
    pub profile: Option<String>,
    /// Whether filters were given on the command line. The success of such a run would hide what it leaves out; filters of
    /// the file or the environment are permanent.
    pub by_hand: bool,
    /// A copy of the mirror's status, for a user who may not read the mirror.
    pub status_file: Option<PathBuf>,
    /// The page of a run, for people who may not read the mirror's state.
    pub report_file: Option<PathBuf>,
    /// How its links begin; `None` for the way to the mirror.
    pub link_base: Option<LinkBase>,
    /// The language of pages.
    pub language: Language,
    /// The organisation's name, for people.
    pub organisation: Option<String>,
    /// A Prometheus textfile.
    pub metrics_file: Option<PathBuf>,
    /// The URL to ping at the start and at the end of a run.
    pub ping: Option<Address>,
    /// The URL that gets the report of an incomplete run.
    pub webhook: Option<Address>,
    /// The command that gets it.
    pub on_failure: Option<String>,
    /// Who gets mail.
    pub mail: Option<MailSettings>,
    /// Where this program may keep small files between runs; outside of the mirror.
    pub cache: Option<PathBuf>,
}

impl Notices {
    /// Checks all of them.
    pub fn new(settings: &Settings, sources: &Sources) -> Result<Self, Error> {
        let (notices, wrong) = Self::read(settings, sources);
        Error::none(wrong).map(|()| notices)
    }

    /// Those that can work, if others can't.
    pub fn usable(settings: &Settings, sources: &Sources) -> Self {
        Self::read(settings, sources).0
    }

    fn read(settings: &Settings, sources: &Sources) -> (Self, Vec<Error>) {
        let (dest, mut wrong) = (settings.dest.as_deref(), Vec::new());
        let mut usable = |key, file: &Option<PathBuf>, is_named: fn(&Path) -> Result<(), &'static str>| {
            let file = file.clone()?;
            let name = sources.name(key);
            let checked = check_output_path(name.clone(), &file, dest).and_then(|()| writable(name, &file));
            let checked = checked.and_then(|()| is_named(&file).map_err(|why| sources.bad(key, why)));
            checked.map_err(|error| wrong.push(error)).ok().map(|()| file)
        };
        let cache = sources.cache.clone();
        let (mail, of_mail) = MailSettings::read(settings, sources);
        let notices = Self {
            mail,
            status_file: usable(NAMES.status_file, &settings.status_file, |_| Ok(())),
            report_file: usable(NAMES.report_file, &settings.report_file, |_| Ok(())),
            link_base: settings.link_base.clone(),
            language: settings.report_language.unwrap_or(settings.mail_language),
            organisation: settings.organisation_name.clone().filter(|name| !name.is_empty()),
            metrics_file: usable(NAMES.metrics_file, &settings.metrics_file, for_collector),
            profile: sources.profile.clone(),
            by_hand: KEYS.iter().any(|key| key.is_filter() && sources.is_flag(key.name)),
            ping: settings.ping_url.clone(),
            webhook: settings.webhook.clone(),
            on_failure: settings.on_failure.clone().filter(|command| !command.trim().is_empty()),
            cache: cache.filter(|folder| check_output_path(String::new(), folder, dest).is_ok()),
        };
        wrong.extend(of_mail);
        (notices, wrong)
    }
}

fn for_collector(file: &Path) -> Result<(), &'static str> {
    let is_read = file.extension().is_some_and(|extension| extension == "prom");
    if is_read { Ok(()) } else { Err("node exporter reads only names that end in .prom") }
}

/// Refuses a path that has something other than a file: reading a pipe may block for ever.
fn writable(name: String, file: &Path) -> Result<(), Error> {
    let bad = |error| Error::Bad { name: name.into(), why: format!("{} can't be replaced: {error}", file.display()) };
    is_replaceable(file).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metrics_file_ends_in_prom() {
        for (name, good) in
            [("/x/ibinder.prom", true), ("/x/ibinder.txt", false), ("/x/prom", false), ("/x/.prom", false)]
        {
            assert_eq!(for_collector(Path::new(name)).is_ok(), good, "{name}");
        }
    }

    #[test]
    fn an_unusable_notification_leaves_the_others() {
        let settings = Settings {
            dest: Some("/mirror".into()),
            webhook: Address::parse("https://x/").ok(),
            on_failure: Some("true".to_owned()),
            status_file: Some("/mirror/status.json".into()),
            metrics_file: Some("/beside.prom".into()),
            ..Settings::default()
        };
        let usable = Notices::usable(&settings, &Sources::default());
        assert_eq!((usable.status_file, usable.metrics_file), (None, Some("/beside.prom".into())));
        assert_eq!((usable.webhook.is_some(), usable.on_failure.as_deref()), (true, Some("true")));
        let error = Notices::new(&settings, &Sources::default()).unwrap_err().to_string();
        assert!(error.starts_with("--status-file can't be used: "), "{error}");
    }
}
