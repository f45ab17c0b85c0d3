//! Children that run this very program.

use std::{
    env,
    ffi::OsString,
    io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// The children that run at the moment. Each is in a process group of its own: Ctrl-C in a terminal reaches only this
/// program, which passes it on exactly once.
#[derive(Debug, Default)]
pub struct Children(Mutex<Family>);

#[derive(Debug, Default)]
struct Family {
    running: Vec<Pid>,
    stopping: bool,
}

impl Children {
    /// Starts this program with these arguments; `None` after a signal.
    pub fn start(&self, arguments: &[OsString], hidden: &[String], shows_errors: bool) -> io::Result<Option<Child>> {
        let mut family = self.family();
        if family.stopping {
            return Ok(None);
        }
        let mut command = Command::new(program()?);
        command.arg0("ibinder-sync").args(arguments).process_group(0);
        // The service manager listens to one process of a service.
        for name in
            ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"].into_iter().chain(hidden.iter().map(String::as_str))
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(if shows_errors { Stdio::inherit() } else { Stdio::piped() });
        let child = command.spawn()?;
        family.running.push(Pid::from_child(&child));
        Ok(Some(child))
    }

    /// Waits for a child, and returns its exit code as a shell does.
    pub fn wait(&self, child: &mut Child) -> io::Result<u8> {
        let process = Pid::from_child(child);
        // Until it is waited for below, no other process can get its number, and a signal.
        let _ = waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        let mut family = self.family();
        family.running.retain(|running| *running != process);
        let status = child.wait()?;
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(u8::try_from(code).unwrap_or(1))
    }

    /// Passes SIGINT or SIGTERM on; no further child starts.
    pub fn stop(&self, is_interrupt: bool) {
        let mut family = self.family();
        family.stopping = true;
        let signal = if is_interrupt { Signal::INT } else { Signal::TERM };
        for process in &family.running {
            let _ = kill_process(*process, signal);
        }
    }

    fn family(&self) -> MutexGuard<'_, Family> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// This program, also if an upgrade has replaced its file since.
fn program() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    Ok(if path.exists() { path } else { PathBuf::from("/proc/self/exe") })
}
