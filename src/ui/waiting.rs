//! What a run waits for.

use std::time::Duration;

use crate::{report::format::number_of, ui::eta::about};

/// If nothing happens for this long, the reason is shown.
const SILENT: Duration = Duration::from_secs(10);

/// A longer pause is shown with the time of its end.
const LONG: Duration = Duration::from_secs(90);

/// Why no requests are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    /// iBinder asked for a pause, which still takes this long.
    Throttled(Duration),
    /// A service is not answering.
    Down {
        /// Its name.
        who: String,
        /// When it is asked again; `None` if that is being done.
        next: Option<Duration>,
    },
}

/// What a run waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Why no requests are sent, if none are.
    pub pause: Option<Pause>,
    /// Open requests for a token.
    pub token: u64,
    /// Open requests to the API.
    pub api: u64,
    /// Open requests to storage, and downloads that have begun.
    pub storage: u64,
}

/// What is waited for, if requests are held back or nothing has happened for some time.
pub(super) fn note(waiting: &Waiting, silence: Duration, clock: impl Fn(Duration) -> String) -> Option<String> {
    let when = |time: Duration| {
        if time > LONG {
            format!("at {}", clock(time))
        } else {
            format!("in {}", about(time + Duration::from_millis(999)))
        }
    };
    match &waiting.pause {
        Some(Pause::Throttled(time)) => return Some(format!("iBinder is throttling; requests go on {}", when(*time))),
        Some(Pause::Down { who, next: Some(time) }) => {
            return Some(format!("{who} is not answering; next try {}", when(*time)));
        }
        Some(Pause::Down { who, next: None }) => return Some(format!("{who} is not answering; trying again now")),
        None if silence < SILENT => return None,
        None => {}
    }
    let silence = about(silence);
    Some(match waiting {
        Waiting { token: 1.., .. } => format!("no token for {silence}: waiting for the authorisation server"),
        Waiting { api: open @ 1.., .. } => {
            format!("no answer for {silence}: waiting for iBinder ({})", number_of(*open, "request", "requests"))
        }
        Waiting { storage: open @ 1.., .. } => {
            format!("no bytes for {silence}: waiting for storage ({})", number_of(*open, "download", "downloads"))
        }
        // No request is open: they wait for their turn, or this machine works.
        _ => format!("no document for {silence}: requests wait for their turn, or the disk is at work"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_said() {
        let seconds = Duration::from_secs;
        let open = |token, api, storage| Waiting { pause: None, token, api, storage };
        let pause = |pause| Waiting { pause: Some(pause), ..open(0, 1, 0) };
        let down = |next: Option<u64>| {
            pause(Pause::Down { who: "storage host b.example".into(), next: next.map(Duration::from_secs) })
        };
        #[rustfmt::skip]
        let table = [
            (open(1, 2, 3),                            9,   None),
            (open(1, 2, 3),                            15,  Some("no token for 15 s: waiting for the authorisation server")),
            (open(0, 2, 3),                            15,  Some("no answer for 15 s: waiting for iBinder (2 requests)")),
            (open(0, 0, 1),                            120, Some("no bytes for 2 min: waiting for storage (1 download)")),
            (open(0, 0, 0),                            15,  Some("no document for 15 s: requests wait for their turn, or the disk is at work")),
            (pause(Pause::Throttled(seconds(12))),     0,   Some("iBinder is throttling; requests go on in 12 s")),
            (pause(Pause::Throttled(seconds(300))),    99,  Some("iBinder is throttling; requests go on at 12:05:00")),
            (down(Some(8)),                            0,   Some("storage host b.example is not answering; next try in 8 s")),
            (down(None),                               0,   Some("storage host b.example is not answering; trying again now")),
        ];
        let clock = |time: Duration| format!("12:{:02}:00", time.as_secs() / 60);
        for (waiting, silence, text) in table {
            assert_eq!(note(&waiting, seconds(silence), clock).as_deref(), text);
        }
    }
}
