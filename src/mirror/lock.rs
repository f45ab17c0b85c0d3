//! The lock that one writing command at a time holds.

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

/// The lock, held as long as this lives. Its file names its holder, who empties it at the end: one
/// that names somebody and is free was left by a command that was cut off.
#[derive(Debug)]
pub(super) struct Lock {
    file: OwnedFd,
    was_cut_off: bool,
    settled: AtomicBool,
    shared: AtomicBool,
}

impl Lock {
    /// Takes the lock of a state folder, or says who holds it.
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
        let was_cut_off = holder(&lock).is_some();
        // The process id is for people; the kernel's lock is what counts, so a failure here is none.
        let _ = rustix::fs::ftruncate(&lock, 0);
        if let Ok(copy) = lock.try_clone() {
            let _ = writeln!(std::fs::File::from(copy), "{}", std::process::id());
        }
        Ok(Self { file: lock, was_cut_off, settled: AtomicBool::new(false), shared: AtomicBool::new(false) })
    }
}

impl Lock {
    /// Whether the command that held it last never came to its end.
    pub(super) fn was_cut_off(&self) -> bool {
        self.was_cut_off
    }

    /// What a command that was cut off may have left is dealt with: the lock need not tell of it any more.
    pub(super) fn settled(&self) {
        self.settled.store(true, Relaxed);
    }

    /// Lets the programs that this one starts hold the lock, too: it then ends with the last of them.
    pub(super) fn share(&self) -> Result<(), Error> {
        self.shared.store(true, Relaxed);
        rustix::io::fcntl_setfd(&self.file, FdFlags::empty()).map_err(|e| Error::io("share", "lock", e))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // One that was refused has changed nothing: the next one must still learn of the cut.
        if self.settled.load(Relaxed) || !self.was_cut_off {
            let _ = rustix::fs::ftruncate(&self.file, 0);
        }
        if self.shared.load(Relaxed) {
            return;
        }
        // Closing would not do: a process that is being started has a copy until it runs its program.
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
    fn a_copy_in_another_process_does_not_keep_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let open = || rustix::fs::open(folder.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let lock = Lock::take(&open()).unwrap();
        let inherited = lock.file.try_clone().unwrap();
        assert!(matches!(Lock::take(&open()), Err(Error::Locked(Some(id))) if id == std::process::id()));
        drop(lock);
        assert!(!Lock::take(&open()).unwrap().was_cut_off());
        drop(inherited);
        std::fs::write(folder.path().join("lock"), "123\n").unwrap();
        // Who is refused leaves the trace, who has dealt with it takes it away.
        assert!(Lock::take(&open()).unwrap().was_cut_off());
        let dealt_with = Lock::take(&open()).unwrap();
        assert!(dealt_with.was_cut_off());
        dealt_with.settled();
        drop(dealt_with);
        assert!(!Lock::take(&open()).unwrap().was_cut_off());
    }
}
