//! Which process this is, and whether another one is still there.

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
}

/// Where this process is. What a system can't tell is empty.
pub fn here() -> Here {
    let text = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    let ids = fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned());
    Here {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        boot: text("/proc/sys/kernel/random/boot_id"),
        ids: ids.unwrap_or_default(),
    }
}

/// Whether a process of this program has an id. Ids are given anew: one that another program has is nobody's.
pub fn lives(id: u32) -> bool {
    let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) else { return false };
    // One that may not be signalled is there.
    if test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
        return false;
    }
    let name = |of: &str| fs::read(format!("/proc/{of}/comm")).ok();
    match (name(&id.to_string()), name("self")) {
        (Some(its), Some(own)) => its == own,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lives() {
        assert!(lives(std::process::id()));
        // The first process is another program, and no test leaves its id free.
        assert!(!lives(1));
        assert!(!lives(0) && !lives(u32::MAX));
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        assert!(!lives(gone.id()));
        assert_eq!(here(), here());
    }
}
