//! The lock that one writing command at a time holds.

use std::io::Write as _;

use rustix::{
    fd::OwnedFd,
    fs::{FlockOperation, Mode, OFlags},
    io::{Errno, FdFlags},
};

use super::Error;

/// The lock, held as long as this lives.
#[derive(Debug)]
pub(super) struct Lock(OwnedFd);

impl Lock {
    /// Takes the lock of a state folder, or says who holds it.
    pub(super) fn take(state: &OwnedFd) -> Result<Self, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let lock = rustix::fs::openat(state, "lock", flags, Mode::from_bits_truncate(0o600)).map_err(|e| match e {
            Errno::ROFS | Errno::NOSPC | Errno::DQUOT | Errno::IO => Error::io("open", "lock", e),
            _ => Error::Destination(format!(
                "cannot open the lock of the mirror: {e}; if it is not a file, move it away"
            )),
        })?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Error::Locked(holder(&lock))),
            Err(error) => return Err(Error::io("lock", "lock", error)),
        }
        // The process id is for people; the kernel's lock is what counts, so a failure here is none.
        let _ = rustix::fs::ftruncate(&lock, 0);
        if let Ok(copy) = lock.try_clone() {
            let _ = writeln!(std::fs::File::from(copy), "{}", std::process::id());
        }
        Ok(Self(lock))
    }
}

impl Lock {
    /// Lets the programs that this one starts hold the lock, too: it then ends with the last of them.
    pub(super) fn share(&self) -> Result<(), Error> {
        rustix::io::fcntl_setfd(&self.0, FdFlags::empty()).map_err(|e| Error::io("share", "lock", e))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would not do: a process that is being started has a copy until it runs its program.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
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
        let inherited = lock.0.try_clone().unwrap();
        assert!(matches!(Lock::take(&open()), Err(Error::Locked(Some(id))) if id == std::process::id()));
        drop(lock);
        Lock::take(&open()).unwrap();
        drop(inherited);
    }
}
