//! What the commands share: opening a mirror, carrying out a run, and what happens at its end.

pub(crate) mod adoption;
pub(crate) mod confirm;
pub(crate) mod error;
mod exit;
pub(crate) mod finalize;
pub(crate) mod notifications;
pub(crate) mod open;
pub(crate) mod output;
pub(crate) mod reporting;
pub(crate) mod service_client;
pub(crate) mod signals;
pub(crate) mod sink;
pub(crate) mod state_backups;
pub(crate) mod status_file;
pub(crate) mod watchdog;

pub use error::Error;
pub use exit::Exit;
pub(crate) use open::{Reading, Writing};
pub use output::Output;

use std::{path::Path, sync::Arc};

use crate::{
    mirror::{self, DestinationKind},
    paths::{mirror_above, mirror_below},
    remote::Requests,
    sync::{self, Finished, Parts},
    systemd::Notice,
    ui,
};

/// Files that a command opens at once: the mirror's folders, connections, and downloads.
const LEAST_FILES: u64 = 128;

/// Refuses to begin where the process may open too few files, and makes a file that gets too large an error. By
/// default the signal of that ends the program.
pub fn check_limits() -> Result<(), Exit> {
    const SIGXFSZ: i32 = 25;
    let files = mirror::descriptors();
    let error = if files < LEAST_FILES {
        Error::FewFiles(files, LEAST_FILES)
    } else {
        match runtime() {
            Ok(runtime) => {
                let _inside = runtime.enter();
                // The handler stays when nobody listens any more.
                let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ));
                return Ok(());
            }
            Err(error) => error,
        }
    };
    ui::complain(&error);
    Err(error.exit())
}

/// A runtime of one thread: everything that takes the processor has threads of its own.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)
}

/// Runs the engine to its end, with its progress on the screen and the service manager told.
pub(crate) fn execute(parts: Parts, requests: &Requests, output: &Output) -> Result<Finished, Error> {
    let (state, progress) = (Arc::clone(&parts.state), Arc::clone(&parts.progress));
    let _screen = ui::Screen::start(Arc::clone(&parts.progress), &output.bars, output.quiet, output.json_log);
    let mut status = ui::StatusLine::default();
    let moved = || {
        [progress.moves(), requests.sent(), state.uses(), mirror::bytes_moved()].into_iter().fold(0, u64::wrapping_add)
    };
    let beat = watchdog::beat(&output.manager, moved, || status.line(&progress));
    output.manager.tell(&[Notice::Ready]);
    let finished = runtime()?.block_on(async {
        tokio::select! {
            finished = sync::run(parts) => finished,
            () = beat => unreachable!("beating never ends"),
        }
    });
    let ended = ui::ended(finished.outcome(), &finished.tally.documents());
    output.manager.tell(&[Notice::Status(&ended)]);
    Ok(finished)
}

/// The longest path of a destination, in bytes: `SQLite` opens no file whose path has 512, and copies of the state lie
/// deepest.
pub(crate) const MOST_PATH: usize = 512 - "/.ibinder-sync/copies/000000000-20260101T000000Z.db-journal".len() - 1;

/// Refuses to make, or to go on with, a mirror inside another one, and one above others: whatever is in a mirror is
/// the service's.
pub(crate) fn check_place(dest: &Path) -> Result<(), Error> {
    let length = std::path::absolute(dest).map_or(0, |path| path.as_os_str().len());
    if length > MOST_PATH {
        return Err(Error::LongPath(length));
    }
    if let Some(mirror) = mirror_above(dest).map_err(|e| Error::Look(dest.to_owned(), e))? {
        return Err(Error::Nested(dest.to_owned(), mirror));
    }
    let below = match mirror::survey(dest)? {
        DestinationKind::Foreign => mirror_below(dest),
        DestinationKind::Mirror | DestinationKind::StateLost | DestinationKind::Absent | DestinationKind::Empty => None,
    };
    below.map_or(Ok(()), |mirror| Err(Error::Above(dest.to_owned(), mirror)))
}

/// Refuses a destination that can't be mirrored into; true where it holds a mirror.
pub(crate) fn check_destination(dest: &Path, existing: bool) -> Result<bool, Error> {
    match mirror::survey(dest)? {
        DestinationKind::Mirror => Ok(true),
        DestinationKind::StateLost => Err(Error::StateLost(dest.to_owned())),
        DestinationKind::Foreign => Err(Error::Foreign(dest.to_owned())),
        DestinationKind::Absent | DestinationKind::Empty if existing => Err(Error::NotExisting(dest.to_owned())),
        DestinationKind::Absent | DestinationKind::Empty => Ok(false),
    }
}
