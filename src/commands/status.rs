//! `status`: whether the mirror is healthy.

use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::{
    cli,
    mirror::{self, Root},
    model::STATE_FOLDER,
    monitoring::{Health, STATUS, Status, Whereabouts},
    paths::{self, Unreadable},
    session::{Exit, status_file},
    ui,
};

/// A status is never larger than this.
const LARGEST: u64 = 1 << 20;

#[derive(Serialize)]
struct Told<'s> {
    #[serde(flatten)]
    health: &'s Health,
    status: Option<&'s Status>,
}

/// Judges the mirror's status, and ends as monitoring expects.
pub fn status(dest: Option<&Path>, given: &cli::Status) -> Exit {
    let read = match (&given.from, dest) {
        (Some(file), _) => of_file(file),
        (None, Some(dest)) => of_mirror(dest),
        (None, None) => Err("--dest or --from is needed".to_owned()),
    };
    let (health, status) = match read {
        Ok(status) => (judge(&status, given), Some(status)),
        Err(why) => (Health::unknown(why), None),
    };
    if given.json {
        ui::print_json(&Told { health: &health, status: status.as_ref() });
    } else {
        ui::print(&ui::standing(&health, status.as_ref(), &TimeZone::system()));
    }
    Exit::Other(health.level.code())
}

fn judge(status: &Status, given: &cli::Status) -> Health {
    let here = status_file::process();
    let whereabouts: Vec<Whereabouts> =
        status.at_work.iter().map(|working| working.process.whereabouts(&here, status_file::look)).collect();
    let max_age = i64::try_from(given.max_age.as_secs()).unwrap_or(i64::MAX);
    Health::of(status, Timestamp::now(), max_age, &whereabouts)
}

fn of_mirror(dest: &Path) -> Result<Status, String> {
    Root::open(dest).map_err(|error| error.to_string())?;
    let path = dest.join(STATE_FOLDER).join(STATUS);
    read(&path).map_err(|why| match why {
        Unread::Missing if mirror::survey(dest).is_ok_and(|survey| survey == mirror::DestinationKind::Mirror) => {
            format!("{} has no status yet: the next run writes it", dest.display())
        }
        Unread::Missing => format!("{} holds no mirror; is the disk mounted?", dest.display()),
        Unread::Other(why) => why,
    })
}

fn of_file(path: &Path) -> Result<Status, String> {
    read(path).map_err(|why| match why {
        Unread::Missing => format!("{} is not there: `run --status-file` writes it", path.display()),
        Unread::Other(why) => why,
    })
}

enum Unread {
    Missing,
    Other(String),
}

fn read(path: &Path) -> Result<Status, Unread> {
    let failed = |error: Unreadable| match error.kind() {
        Some(std::io::ErrorKind::NotFound) => Unread::Missing,
        Some(std::io::ErrorKind::PermissionDenied) => Unread::Other(format!(
            "{} may not be read by this user: let `run --status-file` write a copy elsewhere, and give it with --from",
            path.display()
        )),
        _ => Unread::Other(format!("{} can't be read: {error}", path.display())),
    };
    let bytes = paths::read(path, LARGEST).map_err(failed)?;
    Status::read(&bytes).map_err(|why| Unread::Other(format!("{} can't be read: {why}", path.display())))
}
