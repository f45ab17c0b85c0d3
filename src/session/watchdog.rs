//! Reports progress to the service manager, and that the run is not stuck.
//!
//! A watchdog signal is sent only if something changed since the last one: a progress counter, a request, an
//! access to the state, bytes of a file. The runtime that does the work sends it. So a hanging runtime, thread or
//! disk ends the signals, while waiting for the service, which sends a request now and then, does not.

use std::time::Duration;

use tokio::time::sleep;

use crate::systemd::{Manager, Notice};

/// The interval of progress messages.
const STATUS: Duration = Duration::from_secs(5);

/// Sends messages as long as it is polled. `moved` changes whenever there was progress.
pub(crate) async fn send_signals(manager: &Manager, moved: impl Fn() -> u64, mut status: impl FnMut() -> String) {
    if !manager.is_present() {
        return std::future::pending().await;
    }
    // Several signals fit into the watchdog's timeout.
    let pause = manager.watchdog().map_or(STATUS, |timeout| STATUS.min(timeout / 4));
    let (mut last, mut shown) = (None, String::new());
    loop {
        let (now, text) = (moved(), status());
        let alive = manager.watchdog().filter(|_| last != Some(now)).map(|_| Notice::Alive);
        let news = Some(Notice::Status(&text)).filter(|_| text != shown);
        manager.notify(&alive.into_iter().chain(news).collect::<Vec<_>>());
        (last, shown) = (Some(now), text);
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, ffi::OsString, os::unix::net::UnixDatagram};

    use tokio::time::timeout;

    use super::*;

    /// The messages of a minute, with a watchdog timeout in seconds.
    async fn received(timeout_seconds: &str, moved: impl Fn() -> u64, status: impl Fn() -> String) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("notify");
        let socket = UnixDatagram::bind(&name).unwrap();
        socket.set_nonblocking(true).unwrap();
        let manager = Manager::of(&|variable| match variable {
            "NOTIFY_SOCKET" => Some(name.clone().into()),
            "WATCHDOG_USEC" => Some(OsString::from(format!("{timeout_seconds}000000"))),
            _ => None,
        });
        let received = std::cell::RefCell::new(Vec::new());
        let listen = || {
            let mut datagram = [0; 4096];
            while let Ok(length) = socket.recv(&mut datagram) {
                received.borrow_mut().push(String::from_utf8_lossy(&datagram[..length]).into_owned());
            }
        };
        let moved = || {
            listen();
            moved()
        };
        let _ = timeout(Duration::from_millis(59_500), send_signals(&manager, moved, status)).await;
        listen();
        received.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn signals_are_sent_while_there_is_progress() {
        let steps = Cell::new(0);
        let moved = || steps.replace(steps.get() + 1);
        assert_eq!(received("40", moved, String::new).await, vec!["WATCHDOG=1\n"; 12]);
    }

    #[tokio::test(start_paused = true)]
    async fn signals_stop_without_progress() {
        assert_eq!(received("40", || 7, String::new).await, ["WATCHDOG=1\n"]);
        assert_eq!(received("0", || 7, String::new).await, Vec::<String>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn four_signals_fit_into_the_timeout() {
        let steps = Cell::new(0);
        let moved = || steps.replace(steps.get() + 1);
        assert_eq!(received("4", moved, String::new).await.len(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_is_sent_when_it_changes() {
        let asked = Cell::new(0);
        let status = || format!("{} documents", asked.replace(asked.get() + 1) / 6);
        assert_eq!(received("0", || 7, status).await, ["STATUS=0 documents\n", "STATUS=1 documents\n"]);
    }
}
