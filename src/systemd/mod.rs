//! The service manager that started the program: systemd, for a unit with `Type=notify`.
//!
//! It is told when the work begins and ends, how far it is, and that it is not stuck: by datagrams to a
//! socket that the environment names (`sd_notify(3)`). Usually nobody is there to be told, and a datagram
//! that is lost changes nothing, so that telling never fails. The crate `sd-notify` would send them too,
//! but not to the abstract sockets of containers, and it reads the environment itself.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::{
        ffi::OsStrExt as _,
        net::{SocketAddr, UnixDatagram},
    },
    process,
    time::Duration,
};

/// A manager whose queue is full is waited for so long, and then it misses something.
const PATIENCE: Duration = Duration::from_secs(1);

/// Something to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice<'n> {
    /// The work begins.
    Ready,
    /// The work goes on.
    Alive,
    /// Only the end is left.
    Stopping,
    /// How far it is.
    Status(&'n str),
}

/// The way to the manager, if there is one.
#[derive(Debug, Default)]
pub struct Manager {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// The manager that the environment names.
    pub fn of(environment: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let Some(name) = environment("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Self::default() };
        match connect(&name) {
            Ok(socket) => Self { socket: Some(socket), watchdog: watchdog(environment, process::id()) },
            Err(error) => {
                tracing::warn!("the service manager at {} is told nothing: {error}", name.display());
                Self::default()
            }
        }
    }

    /// Whether somebody is there.
    pub fn listens(&self) -> bool {
        self.socket.is_some()
    }

    /// How long it waits for a sign of life, if it does.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells it something, in one datagram.
    pub fn tell(&self, notices: &[Notice<'_>]) {
        let Some(socket) = self.socket.as_ref().filter(|_| !notices.is_empty()) else { return };
        if let Err(error) = socket.send(lines(notices).as_bytes()) {
            tracing::debug!("the service manager was not told: {error}");
        }
    }
}

fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect_addr(&address(name)?)?;
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    match name.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => path(name),
    }
}

#[cfg(not(target_os = "linux"))]
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    path(name)
}

fn path(name: &OsStr) -> io::Result<SocketAddr> {
    if !name.as_bytes().starts_with(b"/") {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "NOTIFY_SOCKET is no address that is known here"));
    }
    SocketAddr::from_pathname(name)
}

/// The manager's patience, where it is this process that it waits for.
fn watchdog(environment: &dyn Fn(&str) -> Option<OsString>, process: u32) -> Option<Duration> {
    let number = |name| environment(name)?.to_str()?.parse::<u64>().ok();
    let other = number("WATCHDOG_PID").is_some_and(|meant| meant != u64::from(process));
    number("WATCHDOG_USEC").filter(|time| *time > 0 && !other).map(Duration::from_micros)
}

fn lines(notices: &[Notice<'_>]) -> String {
    let line = |notice: &Notice<'_>| match notice {
        Notice::Ready => "READY=1\n".to_owned(),
        Notice::Alive => "WATCHDOG=1\n".to_owned(),
        Notice::Stopping => "STOPPING=1\n".to_owned(),
        // A line of its own would be taken for another notice.
        Notice::Status(text) => format!("STATUS={}\n", text.replace(['\n', '\r'], " ")),
    };
    notices.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &OsStr)]) -> Manager {
        Manager::of(&|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into()))
    }

    fn heard(socket: &UnixDatagram) -> String {
        socket.set_nonblocking(true).unwrap();
        let mut datagram = [0; 4096];
        let length = socket.recv(&mut datagram).unwrap_or(0);
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    }

    #[test]
    fn it_is_told_at_its_socket() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("notify");
        let socket = UnixDatagram::bind(&name).unwrap();
        let manager = of(&[("NOTIFY_SOCKET", name.as_os_str())]);
        manager.tell(&[Notice::Ready, Notice::Status("one\nREADY=0"), Notice::Alive, Notice::Stopping]);
        assert_eq!(heard(&socket), "READY=1\nSTATUS=one READY=0\nWATCHDOG=1\nSTOPPING=1\n");
        manager.tell(&[]);
        assert_eq!(heard(&socket), "");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_told_at_an_abstract_socket() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("ibinder-sync-test-{}", process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        of(&[("NOTIFY_SOCKET", format!("@{name}").as_ref())]).tell(&[Notice::Ready]);
        assert_eq!(heard(&socket), "READY=1\n");
    }

    #[test]
    fn where_nobody_is_nobody_is_told() {
        for name in ["", "relative", "vsock:2:1", "/nowhere/notify", "@"] {
            let manager = of(&[("NOTIFY_SOCKET", name.as_ref()), ("WATCHDOG_USEC", "1000000".as_ref())]);
            assert!(!manager.listens() && manager.watchdog().is_none(), "{name}");
            manager.tell(&[Notice::Ready]);
        }
        assert!(!of(&[]).listens());
    }

    #[test]
    fn a_watchdog_waits_for_the_process_that_it_names() {
        let second = Some(Duration::from_secs(1));
        for (time, process, expected) in [
            (Some("1000000"), None, second),
            (Some("1000000"), Some("7"), second),
            (Some("1000000"), Some("8"), None),
            (Some("0"), None, None),
            (Some("soon"), None, None),
            (None, Some("7"), None),
        ] {
            let variable = |name: &str| if name == "WATCHDOG_USEC" { time } else { process }.map(OsString::from);
            assert_eq!(watchdog(&variable, 7), expected, "{time:?} {process:?}");
        }
    }
}
