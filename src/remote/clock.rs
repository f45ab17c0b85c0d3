//! The service's clock, extrapolated from `Date` headers with a monotonic clock.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::header::{DATE, HeaderMap};

use crate::remote::headers::text;

const DATES: DateTimeParser = DateTimeParser::new();

/// The last `Date` header, and when it arrived.
#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<Option<(Timestamp, Instant)>>);

impl Clock {
    /// Records the `Date` header of a response, if it has one.
    pub(super) fn answered(&self, headers: &HeaderMap, at: Instant) {
        let Some(date) = text(headers, DATE).and_then(|date| DATES.parse_timestamp(date).ok()) else { return };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, at));
    }

    /// The service's time at `at`; `None` without any `Date` header.
    pub(super) fn at(&self, at: Instant) -> Option<Timestamp> {
        let (date, received) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        date.checked_add(at.saturating_duration_since(received)).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_extrapolates_from_the_last_date() {
        let (clock, start) = (Clock::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let answered = |date: &str, at| clock.answered(&HeaderMap::from_iter([(DATE, date.parse().unwrap())]), at);
        assert_eq!(clock.at(start), None);
        answered("soon", start);
        clock.answered(&HeaderMap::new(), start);
        assert_eq!(clock.at(start), None);
        answered("Sun, 06 Nov 1994 08:49:37 GMT", start);
        assert_eq!(clock.at(after(23)).unwrap().to_string(), "1994-11-06T08:50:00Z");
        answered("Sun, 06 Nov 1994 09:00:00 GMT", after(30));
        answered("never", after(31));
        assert_eq!(clock.at(after(31)).unwrap().to_string(), "1994-11-06T09:00:01Z");
    }
}
