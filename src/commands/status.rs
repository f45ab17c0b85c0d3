//! `status`: whether the mirror is healthy.

use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::{
    cli,
    mirror::{self, Root},
    model::STATE_FOLDER,
    monitoring::{Health, Liveness, STATUS, Status},
    paths::{self, Unreadable},
    session::{Exit, status_file},
    ui,
};

/// Largest size of a status that is read.
const LARGEST: u64 = 1 << 20;

#[derive(Serialize)]
struct JsonOutput<'s> {
    #[serde(flatten)]
    health: &'s Health,
    status: Option<&'s Status>,
}

/// Shows the mirror's health, with the exit codes of monitoring plugins.
pub fn status(dest: Option<&Path>, given: &cli::Status) -> Exit {
    let read = match (&given.from, dest) {
        (Some(file), _) => of_file(file),
        (None, Some(dest)) => of_mirror(dest),
        (None, None) => Err("--dest or --from is needed".to_owned()),
    };
    let (health, status) = match read {
        Ok(status) => (health(&status, given), Some(status)),
        Err(why) => (Health::unknown(why), None),
    };
    if given.json {
        ui::print_json(&JsonOutput { health: &health, status: status.as_ref() });
    } else {
        ui::print(&ui::status(&health, status.as_ref(), &TimeZone::system()));
    }
    Exit::Other(health.level.code())
}

fn health(status: &Status, given: &cli::Status) -> Health {
    let here = status_file::process();
    let liveness: Vec<Liveness> =
        status.at_work.iter().map(|working| working.process.liveness(&here, status_file::look)).collect();
    let max_age = i64::try_from(given.max_age.as_secs()).unwrap_or(i64::MAX);
    Health::of(status, Timestamp::now(), max_age, &liveness)
}

fn of_mirror(dest: &Path) -> Result<Status, String> {
    Root::open(dest).map_err(|error| error.to_string())?;
    let path = dest.join(STATE_FOLDER).join(STATUS);
    read(&path).map_err(|why| match why {
        ReadError::Missing if mirror::survey(dest).is_ok_and(|survey| survey == mirror::DestinationKind::Mirror) => {
            format!("{} has no status yet; the next run writes it", dest.display())
        }
        ReadError::Missing => format!("{} contains no mirror; is the disk mounted?", dest.display()),
        ReadError::Other(why) => why,
    })
}

fn of_file(path: &Path) -> Result<Status, String> {
    read(path).map_err(|why| match why {
        ReadError::Missing => format!("{} does not exist; `run --status-file` writes it", path.display()),
        ReadError::Other(why) => why,
    })
}

enum ReadError {
    Missing,
    Other(String),
}

fn read(path: &Path) -> Result<Status, ReadError> {
    let failed = |error: Unreadable| match error.kind() {
        Some(std::io::ErrorKind::NotFound) => ReadError::Missing,
        Some(std::io::ErrorKind::PermissionDenied) => ReadError::Other(format!(
            "this user may not read {}; write a copy with `run --status-file` and read it with --from",
            path.display()
        )),
        _ => ReadError::Other(format!("{} can't be read: {error}", path.display())),
    };
    let bytes = paths::read(path, LARGEST).map_err(failed)?;
    Status::read(&bytes).map_err(|why| ReadError::Other(format!("{} can't be read: {why}", path.display())))
}
