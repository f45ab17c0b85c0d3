//! What the service manager hears while a run goes on: how far it is, and that it is alive.
//!
//! A sign of life is given only when something has moved since the last one: a counter of the progress, a
//! request, an access to the state, bytes of a file. And it is given by the runtime that does the work. So a runtime that
//! hangs, a thread that never answers and a disk that never returns all end the signs, while a wait for
//! the service, in which one request at a time is sent, does not.

use std::time::Duration;

use tokio::time::sleep;

use crate::systemd::{Manager, Notice};

/// How often it is told how far the run is.
const STATUS: Duration = Duration::from_secs(5);

/// Tells the manager as long as it is polled. `moved` is a number that is another one whenever
/// something went on.
pub(crate) async fn beat(manager: &Manager, moved: impl Fn() -> u64, mut status: impl FnMut() -> String) {
    if !manager.listens() {
        return std::future::pending().await;
    }
    // A few chances within the manager's patience.
    let pause = manager.watchdog().map_or(STATUS, |patience| STATUS.min(patience / 4));
    let (mut last, mut said) = (None, String::new());
    loop {
        let (now, text) = (moved(), status());
        let alive = manager.watchdog().filter(|_| last != Some(now)).map(|_| Notice::Alive);
        let news = Some(Notice::Status(&text)).filter(|_| text != said);
        manager.tell(&alive.into_iter().chain(news).collect::<Vec<_>>());
        (last, said) = (Some(now), text);
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, ffi::OsString, os::unix::net::UnixDatagram};

    use tokio::time::timeout;

    use super::*;

    /// What is heard in a minute, with a watchdog that waits so many seconds.
    async fn heard(patience: &str, moved: impl Fn() -> u64, status: impl Fn() -> String) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("notify");
        let socket = UnixDatagram::bind(&name).unwrap();
        socket.set_nonblocking(true).unwrap();
        let manager = Manager::of(&|variable| match variable {
            "NOTIFY_SOCKET" => Some(name.clone().into()),
            "WATCHDOG_USEC" => Some(OsString::from(format!("{patience}000000"))),
            _ => None,
        });
        let heard = std::cell::RefCell::new(Vec::new());
        let listen = || {
            let mut datagram = [0; 4096];
            while let Ok(length) = socket.recv(&mut datagram) {
                heard.borrow_mut().push(String::from_utf8_lossy(&datagram[..length]).into_owned());
            }
        };
        let moved = || {
            listen();
            moved()
        };
        let _ = timeout(Duration::from_millis(59_500), beat(&manager, moved, status)).await;
        listen();
        heard.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn while_something_moves_it_is_alive() {
        let steps = Cell::new(0);
        let moved = || steps.replace(steps.get() + 1);
        assert_eq!(heard("40", moved, String::new).await, vec!["WATCHDOG=1\n"; 12]);
    }

    #[tokio::test(start_paused = true)]
    async fn when_nothing_moves_the_signs_end() {
        assert_eq!(heard("40", || 7, String::new).await, ["WATCHDOG=1\n"]);
        assert_eq!(heard("0", || 7, String::new).await, Vec::<String>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_four_chances_within_its_patience() {
        let steps = Cell::new(0);
        let moved = || steps.replace(steps.get() + 1);
        assert_eq!(heard("4", moved, String::new).await.len(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_how_far_the_run_is_when_that_changes() {
        let asked = Cell::new(0);
        let status = || format!("{} documents", asked.replace(asked.get() + 1) / 6);
        assert_eq!(heard("0", || 7, status).await, ["STATUS=0 documents\n", "STATUS=1 documents\n"]);
    }
}
