//! What the commands share: opening a mirror, carrying out a run, and finalizing it.

pub(crate) mod adoption;
pub(crate) mod confirm;
pub(crate) mod copy;
mod copy_after_run;
pub(crate) mod error;
mod exit;
pub(crate) mod finalize;
pub(crate) mod mail;
pub(crate) mod notifications;
pub(crate) mod open;
pub(crate) mod output;
pub(crate) mod rank;
pub(crate) mod report_file;
pub(crate) mod reporting;
pub(crate) mod service_client;
pub(crate) mod signals;
pub(crate) mod sink;
pub(crate) mod site;
pub(crate) mod source;
pub(crate) mod state_backups;
pub(crate) mod status_file;
pub(crate) mod watchdog;

pub use error::Error;
pub use exit::Exit;
pub(crate) use open::{Reading, Writing};
pub use output::Output;
pub use source::Source;

use std::{path::Path, sync::Arc};

use crate::{
    config::Config,
    mirror::{self, DestinationKind},
    paths::{mirror_above, mirror_below},
    remote::{Endpoint, Hold, Remote, Requests},
    report::Progress,
    sync::{self, Finished, Parts},
    systemd::Notice,
    ui::{self, Pause, Waiting},
};

/// Refuses to begin if the limit of open files is too low, and turns the signal for too large files, which would
/// end the program, into an error.
pub fn check_limits() -> Result<(), Exit> {
    const SIGXFSZ: i32 = 25;
    let files = mirror::descriptors();
    let error = if files < mirror::NEEDED_DESCRIPTORS {
        Error::FewFiles(files, mirror::NEEDED_DESCRIPTORS)
    } else {
        match runtime() {
            Ok(runtime) => {
                let _inside = runtime.enter();
                // The handler stays without a listener.
                let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ));
                return Ok(());
            }
            Err(error) => error,
        }
    };
    ui::print_error(&error);
    Err(error.exit())
}

/// A runtime with one thread: everything that needs much CPU time has its own thread.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)
}

/// Runs the engine to its end, with progress on the screen and for the service manager.
pub(crate) fn execute(parts: Parts, requests: &Arc<Requests>, output: &Output) -> Result<Finished, Error> {
    let (state, progress) = (Arc::clone(&parts.state), Arc::clone(&parts.progress));
    let waiting = {
        let (remote, requests, progress) = (Arc::clone(&parts.remote), Arc::clone(requests), Arc::clone(&progress));
        move || waiting(&remote, &requests, &progress)
    };
    let shown = (output.quiet, output.json_log);
    let _screen = ui::Screen::of_run(Arc::clone(&progress), &output.bars, shown, waiting.clone());
    let mut status = ui::StatusLine::default();
    let moved = || {
        [progress.moves(), requests.sent(), state.uses(), mirror::bytes_moved()].into_iter().fold(0, u64::wrapping_add)
    };
    let send_signals = watchdog::send_signals(&output.manager, moved, || status.line(&progress, &waiting()));
    output.manager.notify(&[Notice::Ready]);
    let finished = runtime()?.block_on(async {
        tokio::select! {
            finished = sync::run(parts) => finished,
            () = send_signals => unreachable!("the signals never end"),
        }
    });
    let ended = ui::ended(finished.outcome(), &finished.tally.documents());
    output.manager.notify(&[Notice::Status(&ended)]);
    Ok(finished)
}

/// What a run waits for.
fn waiting(remote: &Remote, requests: &Requests, progress: &Progress) -> Waiting {
    let pause = remote.hold().map(|hold| match hold {
        Hold::Throttled(rest) => Pause::Throttled(rest),
        Hold::Down { who, next } => Pause::Down { who, next },
    });
    let [token, api, storage] = [Endpoint::Token, Endpoint::Api, Endpoint::Storage].map(|asked| requests.open(asked));
    Waiting { pause, token, api, storage: storage.max(progress.active.count()) }
}

/// The longest path of a destination, in bytes: `SQLite` opens no file whose path has 512, and copies of the state
/// have the longest paths.
pub(crate) const MAX_PATH: usize = 512 - "/.ibinder-sync/copies/000000000-20260101T000000Z.db-journal".len() - 1;

/// Refuses nested mirrors: everything in a mirror comes from iBinder.
pub(crate) fn check_nesting(dest: &Path) -> Result<(), Error> {
    let length = std::path::absolute(dest).map_or(0, |path| path.as_os_str().len());
    if length > MAX_PATH {
        return Err(Error::LongPath(length));
    }
    if let Some(mirror) = mirror_above(dest).map_err(|e| Error::Look(dest.to_owned(), e))? {
        return Err(Error::Nested(dest.to_owned(), mirror));
    }
    let below = match mirror::survey(dest)? {
        DestinationKind::Foreign => mirror_below(dest),
        DestinationKind::Mirror
        | DestinationKind::Recovery
        | DestinationKind::StateLost
        | DestinationKind::Absent
        | DestinationKind::Empty => None,
    };
    below.map_or(Ok(()), |mirror| Err(Error::Above(dest.to_owned(), mirror)))
}

/// Refuses a destination in which a run can't begin; true if it contains a mirror.
pub(crate) fn check_start(config: &Config) -> Result<bool, Error> {
    match check_destination(&config.dest, config.existing && !config.first)? {
        true if config.first => Err(Error::NotFirst(config.dest.clone())),
        is_mirror => Ok(is_mirror),
    }
}

/// Refuses a destination that can't be mirrored into; true if it contains a mirror.
pub(crate) fn check_destination(dest: &Path, existing: bool) -> Result<bool, Error> {
    match mirror::survey(dest)? {
        DestinationKind::Mirror => Ok(true),
        DestinationKind::Recovery => Err(Error::recovering(dest)),
        DestinationKind::StateLost => Err(Error::StateLost(dest.to_owned())),
        DestinationKind::Foreign => Err(Error::Foreign(dest.to_owned())),
        DestinationKind::Absent | DestinationKind::Empty if existing => Err(Error::NotExisting(dest.to_owned())),
        DestinationKind::Absent | DestinationKind::Empty => Ok(false),
    }
}
