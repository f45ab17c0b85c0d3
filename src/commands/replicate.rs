//! `replicate`.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;

use crate::{
    config::{CopySettings, Location, Notices},
    mirror::Mirror,
    session::{
        Error, Exit, Output, check_destination,
        copy::{Copied, Copying},
        open::open_finished,
        output::ended,
        signals::Signals,
        status_file::StatusFile,
    },
    sync::Stop,
    ui,
};

/// Brings the copy of a mirror up to date. With `notices` it is the one that runs keep, and its status is recorded.
pub fn replicate(
    (dest, notices): (&Path, Option<&Notices>),
    location: &Location,
    settings: &CopySettings,
    output: &Output,
) -> Exit {
    let stop = Arc::<Stop>::default();
    let signals = Signals::watch(&stop);
    let status_file = notices.map(|notices| StatusFile::new(dest, notices));
    let copied = copy(dest, (location, settings), status_file.as_ref(), (&stop, output));
    let exit = ended(copied.map(|copied| {
        show(&copied, output);
        copied.exit
    }));
    signals.finished(exit);
    exit
}

fn copy(
    dest: &Path,
    (location, settings): (&Location, &CopySettings),
    status_file: Option<&StatusFile>,
    (stop, output): (&Arc<Stop>, &Output),
) -> Result<Copied, Error> {
    if !check_destination(dest, false)? {
        return Err(Error::NoMirror(dest.to_owned()));
    }
    let mirror = Arc::new(Mirror::open(dest)?);
    let state = open_finished(&mirror, dest, "replicate")?;
    if let Some(status_file) = status_file {
        status_file.begin(mirror.root(), "replicate", "", Timestamp::now())?;
    }
    let copied = Copying { mirror: &mirror, state: &state, location, settings, stop, output }.run();
    if let Some(status_file) = status_file {
        status_file.copy_ended(mirror.root(), &copied.report, None);
    }
    Ok(copied)
}

fn show(copied: &Copied, output: &Output) {
    if let Some(error) = &copied.report.error {
        ui::print_note(&format!("error: {}\n", ui::escape(error)));
    }
    for warning in copied.notes() {
        tracing::warn!("{warning}");
    }
    if output.json {
        ui::print_json(&copied.report);
    } else if copied.report.error.is_none() {
        if !output.quiet {
            ui::print(&format!("{}\n", ui::copied(&copied.report)));
        }
        if let Some(check) = copied.report.check.as_ref().filter(|check| !output.quiet || check.is_damaged()) {
            ui::print(&ui::copy_check(check));
        }
    }
}
