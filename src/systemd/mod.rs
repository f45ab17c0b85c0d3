//! Notifies the service manager: systemd, for a unit with `Type=notify`.
//!
//! It sends readiness, progress and watchdog messages as datagrams to a socket that the environment names
//! (`sd_notify(3)`). Usually there is none, and a lost datagram changes nothing, so sending never fails. The crate
//! `sd-notify` does not support the abstract sockets of containers, and reads the environment itself.

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

/// How long to wait for a full queue before dropping a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice<'n> {
    /// The service is ready.
    Ready,
    /// A watchdog signal.
    Alive,
    /// The service is stopping.
    Stopping,
    /// A status line.
    Status(&'n str),
}

/// The connection to the service manager, if there is one.
#[derive(Debug, Default)]
pub struct Manager {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// Connects to the socket that the environment names.
    pub fn of(environment: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let Some(name) = environment("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Self::default() };
        match connect(&name) {
            Ok(socket) => Self { socket: Some(socket), watchdog: watchdog(environment, process::id()) },
            Err(error) => {
                tracing::warn!("can't notify the service manager at {}: {error}", name.display());
                Self::default()
            }
        }
    }

    /// Whether there is a service manager.
    pub fn is_present(&self) -> bool {
        self.socket.is_some()
    }

    /// The watchdog's timeout, if it is enabled.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Sends messages in one datagram.
    pub fn notify(&self, notices: &[Notice<'_>]) {
        let Some(socket) = self.socket.as_ref().filter(|_| !notices.is_empty()) else { return };
        if let Err(error) = socket.send(lines(notices).as_bytes()) {
            tracing::debug!("a message to the service manager was lost: {error}");
        }
    }
}

fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
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
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "NOTIFY_SOCKET has an unsupported address"));
    }
    SocketAddr::from_pathname(name)
}

/// The watchdog's timeout, if it is for this process.
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
        // A line break would start another message.
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

    fn received(socket: &UnixDatagram) -> String {
        socket.set_nonblocking(true).unwrap();
        let mut datagram = [0; 4096];
        let length = socket.recv(&mut datagram).unwrap_or(0);
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    }

    #[test]
    fn messages_arrive_at_a_socket() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("notify");
        let socket = UnixDatagram::bind(&name).unwrap();
        let manager = of(&[("NOTIFY_SOCKET", name.as_os_str())]);
        manager.notify(&[Notice::Ready, Notice::Status("one\nREADY=0"), Notice::Alive, Notice::Stopping]);
        assert_eq!(received(&socket), "READY=1\nSTATUS=one READY=0\nWATCHDOG=1\nSTOPPING=1\n");
        manager.notify(&[]);
        assert_eq!(received(&socket), "");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn messages_arrive_at_an_abstract_socket() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("ibinder-sync-test-{}", process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        of(&[("NOTIFY_SOCKET", format!("@{name}").as_ref())]).notify(&[Notice::Ready]);
        assert_eq!(received(&socket), "READY=1\n");
    }

    #[test]
    fn nothing_is_sent_without_a_manager() {
        for name in ["", "relative", "vsock:2:1", "/nowhere/notify", "@"] {
            let manager = of(&[("NOTIFY_SOCKET", name.as_ref()), ("WATCHDOG_USEC", "1000000".as_ref())]);
            assert!(!manager.is_present() && manager.watchdog().is_none(), "{name}");
            manager.notify(&[Notice::Ready]);
        }
        assert!(!of(&[]).is_present());
    }

    #[test]
    fn the_watchdog_is_for_the_named_process() {
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
