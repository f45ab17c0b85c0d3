//! Which process this is, and whether another one is still there.
//!
//! An id alone says little, since ids are given anew. With the moment at which the process began it is
//! unmistakable, even across a restart of the machine, and anybody may read that moment where `/proc` shows it.

use std::fs;

use rustix::process::{Pid, test_kill_process};

/// Where a process is, apart from its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// The name of the machine.
    pub host: String,
    /// Another one after each start of the machine.
    pub boot: String,
    /// Within which ids count.
    pub ids: String,
    /// When this process began.
    pub began: Option<u64>,
}

/// Where this process is. What a system can't tell, or does not let it see, is empty.
pub fn here() -> Here {
    let text = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    let ids = fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned());
    Here {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        boot: text("/proc/sys/kernel/random/boot_id"),
        ids: ids.unwrap_or_default(),
        began: began(std::process::id()),
    }
}

/// Whether a process, of whatever program, has an id.
pub fn exists(id: u32) -> bool {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    // One that may not be signalled is there.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// When the process with an id began, in ticks since the machine was started; none where that can't be seen.
pub fn began(id: u32) -> Option<u64> {
    began_of(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// The 22nd field. The second is the name, which may have spaces and parentheses of its own.
fn began_of(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_there() {
        assert!(exists(std::process::id()) && exists(1));
        assert!(!exists(0) && !exists(u32::MAX));
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        assert!(!exists(gone.id()));
        assert_eq!(here(), here());
    }

    #[test]
    fn when_a_process_began() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99123 1 2";
        assert_eq!((began_of(stat), began_of("7 (a"), began_of("")), (Some(99_123), None, None));
        if cfg!(target_os = "linux") {
            assert!(here().began.is_some() && began(1) != here().began);
        }
    }
}
