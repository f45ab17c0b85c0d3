//! `with-lock`: runs a command while nothing changes the mirror.

use std::{
    ffi::OsString,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, ExitStatus},
    sync::Arc,
};

use crate::{
    mirror::Mirror,
    session::{Error, Exit, check_destination, open::open_finished, output::ended, runtime, signals},
};

/// Runs a command while the lock is held and the state is consistent; returns its exit code.
pub fn with_lock(dest: &Path, command: &[OsString]) -> Exit {
    ended(run_locked(dest, command).map(|status| Exit::Other(code(status))))
}

fn run_locked(dest: &Path, command: &[OsString]) -> Result<ExitStatus, Error> {
    if !check_destination(dest, false)? {
        return Err(Error::NoMirror(dest.to_owned()));
    }
    let mirror = Arc::new(Mirror::open(dest)?);
    // Closed at once, so that `state.db` alone is complete.
    drop(open_finished(&mirror, dest, "with-lock")?);
    let runtime = runtime()?;
    signals::leave_interrupts(&runtime);
    // The command inherits the lock, which it keeps if this program is killed.
    mirror.share_lock()?;
    let [program, arguments @ ..] = command else {
        return Err(Error::Command("no command was given".to_owned()));
    };
    let refused = |error| Error::Command(format!("{} cannot be started: {error}", program.display()));
    Command::new(program).args(arguments).env("IBINDER_SYNC_DEST", mirror.root().path()).status().map_err(refused)
}

/// The exit code as in a shell.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(1)
}
