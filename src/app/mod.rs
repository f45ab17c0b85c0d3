//! The composition root: builds the parts from a [`Config`](crate::config::Config) and runs one
//! command with them. One short function a command.

mod acknowledge;
mod adopting;
mod aftermath;
mod ask;
mod binders;
mod closing;
mod configuration;
mod copies;
#[cfg(feature = "sandbox")]
mod demo;
mod doctor;
mod error;
mod exit;
mod export;
mod forget;
mod history;
mod man;
mod opened;
mod output;
mod pacing;
mod plan;
mod pulse;
mod purge;
mod recover;
mod reporting;
mod restore;
mod run;
mod signals;
mod standing;
mod status;
mod verify;
mod voice;
mod with_lock;

pub use acknowledge::acknowledge;
pub use binders::list as list_binders;
pub use configuration::{begin as begin_configuration, schema as show_schema, show as show_configuration};
#[cfg(feature = "sandbox")]
pub use demo::{demo, sandbox};
pub use doctor::doctor;
pub use error::Error;
pub use exit::Exit;
pub use export::export;
pub use forget::{Forget, forget as forget_binder};
pub use history::{history, ls, snapshots};
pub use man::man;
use opened::{Reading, Writing};
pub use plan::plan;
pub use purge::purge;
pub use recover::{adopt, recover};
pub use restore::restore;
pub use run::{refused, run};
pub use status::status;
pub use verify::{Service, verify};
pub use voice::Voice;
pub use with_lock::with_lock;

use std::{path::Path, sync::Arc};

use crate::{
    manager::Notice,
    mirror::{self, Survey},
    paths::{mirror_above, mirror_below},
    remote::Requests,
    sync::{self, Finished, Parts},
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
fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)
}

/// Runs the engine to its end, with its progress on the screen and the service manager told.
fn execute(parts: Parts, requests: &Requests, voice: &Voice) -> Result<Finished, Error> {
    let (state, progress) = (Arc::clone(&parts.state), Arc::clone(&parts.progress));
    let _screen = ui::Screen::start(Arc::clone(&parts.progress), &voice.bars, voice.quiet, voice.json_log);
    let mut status = ui::Status::default();
    let moved =
        || [progress.moves(), requests.sent(), state.uses(), mirror::effort()].into_iter().fold(0, u64::wrapping_add);
    let beat = pulse::beat(&voice.manager, moved, || status.line(&progress));
    voice.manager.tell(&[Notice::Ready]);
    let finished = runtime()?.block_on(async {
        tokio::select! {
            finished = sync::run(parts) => finished,
            () = beat => unreachable!("beating never ends"),
        }
    });
    let ended = ui::ended(finished.outcome(), &finished.tally.documents());
    voice.manager.tell(&[Notice::Status(&ended)]);
    Ok(finished)
}

/// The longest path of a destination, in bytes: `SQLite` opens no file whose path has 512, and copies of the state lie
/// deepest.
const MOST_PATH: usize = 512 - "/.ibinder-sync/copies/000000000-20260101T000000Z.db-journal".len() - 1;

/// Refuses to make, or to go on with, a mirror inside another one, and one above others: whatever is in a mirror is
/// the service's.
fn check_place(dest: &Path) -> Result<(), Error> {
    let length = std::path::absolute(dest).map_or(0, |path| path.as_os_str().len());
    if length > MOST_PATH {
        return Err(Error::LongPath(length));
    }
    if let Some(mirror) = mirror_above(dest).map_err(|e| Error::Look(dest.to_owned(), e))? {
        return Err(Error::Nested(dest.to_owned(), mirror));
    }
    let below = match mirror::survey(dest)? {
        Survey::Foreign => mirror_below(dest),
        Survey::Mirror | Survey::StateLost | Survey::Absent | Survey::Empty => None,
    };
    below.map_or(Ok(()), |mirror| Err(Error::Above(dest.to_owned(), mirror)))
}

/// Refuses a destination that can't be mirrored into; true where it holds a mirror.
fn check_destination(dest: &Path, existing: bool) -> Result<bool, Error> {
    match mirror::survey(dest)? {
        Survey::Mirror => Ok(true),
        Survey::StateLost => Err(Error::StateLost(dest.to_owned())),
        Survey::Foreign => Err(Error::Foreign(dest.to_owned())),
        Survey::Absent | Survey::Empty if existing => Err(Error::NotExisting(dest.to_owned())),
        Survey::Absent | Survey::Empty => Ok(false),
    }
}
