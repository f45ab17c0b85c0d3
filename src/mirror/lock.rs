//! The lock of the mirror, held by one writing command at a time.

use std::{
    io::Write as _,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use rustix::{
    fd::OwnedFd,
    fs::{FlockOperation, Mode, OFlags},
    io::{Errno, FdFlags},
};

use super::Error;

/// Held until dropped. Its file contains the holder's process id and is emptied at the end, so a free lock with an id was
/// left by an interrupted command.
#[derive(Debug)]
pub(super) struct Lock {
    file: OwnedFd,
    was_interrupted: bool,
    interruption_cleared: AtomicBool,
    shared: AtomicBool,
}

impl Lock {
    /// Takes the lock of a state folder; the error names the holder.
    pub(super) fn take(state: &OwnedFd) -> Result<Self, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let lock = rustix::fs::openat(state, "lock", flags, Mode::from_bits_truncate(0o600)).map_err(|e| match e {
            Errno::ROFS | Errno::NOSPC | Errno::DQUOT | Errno::IO => Error::io("open", "lock", e),
            Errno::ACCESS | Errno::PERM => Error::Destination(format!(
                "cannot open the lock of the mirror: {e}; run as the user that owns the mirror"
            )),
            _ => Error::Destination(format!(
                "cannot open the lock of the mirror: {e}; if it is not a file, move it away"
            )),
        })?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Error::Locked(holder(&lock))),
            Err(error) => return Err(Error::io("lock", "lock", error)),
        }
        let was_interrupted = holder(&lock).is_some();
        // The process id is information for people and only the kernel's lock counts, so failing to write it is ignored.
        let _ = rustix::fs::ftruncate(&lock, 0);
        if let Ok(copy) = lock.try_clone() {
            let _ = writeln!(std::fs::File::from(copy), "{}", std::process::id());
        }
        Ok(Self {
            file: lock,
            was_interrupted,
            interruption_cleared: AtomicBool::new(false),
            shared: AtomicBool::new(false),
        })
    }
}

impl Lock {
    /// Whether the command that held the lock last was interrupted.
    pub(super) fn was_interrupted(&self) -> bool {
        self.was_interrupted
    }

    /// Called when the traces of an interrupted command have been dealt with.
    pub(super) fn clear_interruption(&self) {
        self.interruption_cleared.store(true, Relaxed);
    }

    /// Lets child processes hold the lock, too, so that it is released when the last of them ends.
    pub(super) fn share(&self) -> Result<(), Error> {
        self.shared.store(true, Relaxed);
        rustix::io::fcntl_setfd(&self.file, FdFlags::empty()).map_err(|e| Error::io("share", "lock", e))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A command that was refused has changed nothing, so the next one must still learn of the interruption.
        if self.interruption_cleared.load(Relaxed) || !self.was_interrupted {
            let _ = rustix::fs::ftruncate(&self.file, 0);
        }
        if self.shared.load(Relaxed) {
            return;
        }
        // Closing isn't enough, because a child process shares the descriptor until it executes its program.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

fn holder(lock: &OwnedFd) -> Option<u32> {
    let mut text = [0; 16];
    let read = rustix::io::pread(lock, &mut text, 0).ok()?;
    std::str::from_utf8(text.get(..read)?).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_in_another_process_does_not_keep_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let open = || rustix::fs::open(folder.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let lock = Lock::take(&open()).unwrap();
        let inherited = lock.file.try_clone().unwrap();
        assert!(matches!(Lock::take(&open()), Err(Error::Locked(Some(id))) if id == std::process::id()));
        drop(lock);
        assert!(!Lock::take(&open()).unwrap().was_interrupted());
        drop(inherited);
        std::fs::write(folder.path().join("lock"), "123\n").unwrap();
        // A refused command leaves the trace; one that dealt with it removes it.
        assert!(Lock::take(&open()).unwrap().was_interrupted());
        let dealt_with = Lock::take(&open()).unwrap();
        assert!(dealt_with.was_interrupted());
        dealt_with.clear_interruption();
        drop(dealt_with);
        assert!(!Lock::take(&open()).unwrap().was_interrupted());
    }
}
