//! Mail at the end of a run.
//!
//! What was told is kept at two places, so that it survives: in the mirror, and outside of it for runs that can't
//! reach the mirror. A mail about a failure is sent even if neither can be written; the monthly one is not, because
//! it would come every night.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest as _, Sha256};

use crate::{
    config::{MailSettings, Notices},
    mail::{Facts, Letter, Occasion, Told, compose, decide, html, text, trial},
    mirror::{self, Root},
    monitoring::{STATUS, Status},
    notify::{self, Mail, Unsent},
    paths,
    report::RunReport,
    session::Exit,
};

/// How long sending a mail may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The record in the state folder.
const RECORD: &str = "mail.json";

/// The largest record that is read.
const LARGEST: u64 = 1 << 16;

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The password can't be read.
    #[error(transparent)]
    Password(#[from] crate::config::Error),
    /// The mail server did not take it.
    #[error(transparent)]
    Unsent(#[from] Unsent),
}

/// Sends the mail that is due after a run, if any. Nothing that fails here changes the run.
pub(crate) fn send(notices: &Notices, dest: &Path, exit: Exit, report: &RunReport) {
    let complete = match exit {
        // Whoever ended it knows, and the run that holds the lock has its own end.
        Exit::Interrupted | Exit::Locked => return,
        _ => exit == Exit::Complete,
    };
    let Some(mail) = notices.mail.as_ref().filter(|_| !notices.by_hand) else { return };
    let (record, now, zone) = (Record::new(notices, dest), Timestamp::now(), TimeZone::system());
    let told = record.read();
    let Some(occasion) = decide(&told, complete, now, &zone) else { return };
    if occasion == Occasion::Well && !record.write(&told) {
        tracing::warn!(
            "the monthly mail was not sent, because {RECORD} can't be written in the mirror or outside of it"
        );
        return;
    }
    let facts = Facts {
        name: &name(notices, dest),
        machine: &mirror::identity().host,
        dest: &absolute(dest).display().to_string(),
        exit_code: exit.code(),
        report,
        last_complete: last_complete(notices, dest),
        names: mail.names,
        zone: &zone,
    };
    match deliver(mail, &compose(occasion, mail.language, &facts)) {
        Ok(()) if !record.write(&told.after(occasion, now)) => {
            tracing::warn!("{RECORD} can't be written, so more than one mail a day may be sent");
        }
        Ok(()) => {}
        Err(error) => tracing::error!("the mail about this run was not sent: {error}"),
    }
}

/// Sends a mail that shows that mail works.
pub(crate) fn send_trial(mail: &MailSettings, profile: Option<&str>, dest: Option<&Path>) -> Result<(), Error> {
    let name = profile.map(str::to_owned).or_else(|| dest.map(folder_name)).unwrap_or_default();
    deliver(mail, &trial(mail.language, &name, &mirror::identity().host))
}

fn deliver(settings: &MailSettings, letter: &Letter) -> Result<(), Error> {
    let login = settings.login()?;
    let mail = Mail {
        from: settings.from.clone(),
        to: settings.to.clone(),
        subject: letter.subject.clone(),
        text: text(letter),
        html: html(letter),
    };
    let refused = notify::send_mail(&settings.server, login.as_ref(), &mail, LIMIT)?;
    for one in &refused {
        tracing::warn!("{one}");
    }
    let count = settings.to.len() - refused.len();
    tracing::info!("sent a mail to {count} of {} recipients: {}", settings.to.len(), letter.subject);
    Ok(())
}

/// The name of a mirror for people.
fn name(notices: &Notices, dest: &Path) -> String {
    notices.profile.clone().unwrap_or_else(|| folder_name(dest))
}

fn folder_name(dest: &Path) -> String {
    let dest = absolute(dest);
    dest.file_name().unwrap_or(dest.as_os_str()).to_string_lossy().into_owned()
}

fn absolute(dest: &Path) -> PathBuf {
    std::path::absolute(dest).unwrap_or_else(|_| dest.to_owned())
}

/// When the last complete run ended, as the mirror's status or its copy says.
fn last_complete(notices: &Notices, dest: &Path) -> Option<Timestamp> {
    let of_mirror = Root::open(dest).ok().and_then(|root| root.read_note(STATUS));
    let copy = || paths::read(notices.status_file.as_ref()?, LARGEST).ok();
    let status = Status::read(&of_mirror.or_else(copy)?).ok()?;
    (status.dest == absolute(dest).display().to_string()).then_some(status.last_complete_run?.finished_at)
}

/// Where what was told is kept.
struct Record<'r> {
    dest: &'r Path,
    outside: Option<PathBuf>,
}

impl<'r> Record<'r> {
    fn new(notices: &Notices, dest: &'r Path) -> Self {
        let digest = Sha256::digest(absolute(dest).as_os_str().as_encoded_bytes());
        let id = digest.iter().take(8).fold(0_u64, |id, byte| id << 8 | u64::from(*byte));
        Self { dest, outside: notices.cache.as_ref().map(|folder| folder.join(format!("mail-{id:016x}.json"))) }
    }

    /// The newer one of both records.
    fn read(&self) -> Told {
        let outside = self.outside.as_ref().and_then(|path| paths::read(path, LARGEST).ok());
        let found = [self.mirror().and_then(|root| root.read_note(RECORD)), outside];
        let read = found.into_iter().flatten().filter_map(|bytes| serde_json::from_slice::<Told>(&bytes).ok());
        read.max_by_key(|told| told.mails).unwrap_or_default()
    }

    /// Writes both records; true if one of them is written.
    fn write(&self, told: &Told) -> bool {
        let Ok(bytes) = serde_json::to_vec(told) else { return false };
        let within = self.mirror().is_some_and(|root| root.write_note(RECORD, &bytes).is_ok());
        let outside = self.outside.as_ref().is_some_and(|path| {
            let folder = path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok());
            folder && notify::replace(path, &bytes).is_ok()
        });
        within || outside
    }

    /// The mirror, if there is one: its disk may not be mounted.
    fn mirror(&self) -> Option<Root> {
        Root::open(self.dest).ok().filter(|root| root.read_note(STATUS).is_some())
    }
}
