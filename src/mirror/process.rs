//! Identifies this process, and checks whether another one still exists.
//!
//! A process id alone proves little, because ids are reused. Together with the process's start time it is unique, even
//! across restarts of the machine, and anybody may read the start time in `/proc`.

use std::fs;

use rustix::process::{Pid, test_kill_process};

/// What identifies a process besides its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// The host name.
    pub host: String,
    /// Changes with each start of the machine.
    pub boot: String,
    /// The pid namespace in which the id is valid.
    pub ids: String,
    /// When the process started.
    pub started: Option<u64>,
}

/// The identity of this process. Fields that the system doesn't reveal are empty.
pub fn identity() -> ProcessIdentity {
    let text = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    let ids = fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned());
    ProcessIdentity {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        boot: text("/proc/sys/kernel/random/boot_id"),
        ids: ids.unwrap_or_default(),
        started: started(std::process::id()),
    }
}

/// Whether any process has this id.
pub fn exists(id: u32) -> bool {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    // A process that may not be signalled exists.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// When the process with this id started, in ticks since the machine's start; `None` if unknown.
pub fn started(id: u32) -> Option<u64> {
    started_of(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// Field 22. Field 2 is the name, which may contain spaces and parentheses.
fn started_of(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_processes_are_recognised() {
        assert!(exists(std::process::id()) && exists(1));
        assert!(!exists(0) && !exists(u32::MAX));
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        assert!(!exists(gone.id()));
        assert_eq!(identity(), identity());
    }

    #[test]
    fn the_start_time_is_read_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99123 1 2";
        assert_eq!((started_of(stat), started_of("7 (a"), started_of("")), (Some(99_123), None, None));
        if cfg!(target_os = "linux") {
            assert!(identity().started.is_some() && started(1) != identity().started);
        }
    }
}
