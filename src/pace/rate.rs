//! How many requests a second: a rate, and the bucket that keeps to it.
//!
//! The bucket is a GCRA (a leaky bucket that counts in time): a request each `1/rate`, and up to `burst`
//! of them at once after a pause. In any window of a second that is at most `rate + burst` requests.
//! The burst is also what makes up for late wake-ups (a timer has a granularity of a millisecond): what a
//! late one missed is let through at the next. Below 8 a second the burst is a single request and
//! lateness is lost, but there a millisecond is less than a hundredth of the interval.
//!
//! The rate may change at any time: what was taken before stays taken, and no burst comes of it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A number of requests per second, between one in a thousand seconds and a million.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

/// How fast may be asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// As fast as the service answers well, but never above this.
    UpTo(Rate),
    /// So fast, whatever the service would grant.
    Set(Rate),
    /// As fast as it goes.
    None,
}

impl Rate {
    /// Checks a rate, which may be a fraction; none where it is out of bounds.
    pub fn per_second(rate: f64) -> Option<Self> {
        (0.001..=1_000_000.0).contains(&rate).then_some(Self(rate))
    }

    /// Requests per second.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The time between two requests, rounded up: never faster than the rate.
    fn interval(self) -> Duration {
        Duration::from_nanos(whole((1e9 / self.0).ceil()))
    }

    /// How many requests may go at once.
    fn burst(self) -> u32 {
        u32::try_from(whole(self.0 / 4.0)).unwrap_or(u32::MAX).max(1)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and at most 10^12")]
fn whole(number: f64) -> u64 {
    number as u64
}

/// Tells who may go now, and when the next one may.
#[derive(Debug)]
pub(super) struct Bucket(Mutex<State>);

#[derive(Debug)]
struct State {
    rate: Rate,
    /// When everything that was taken so far would have been taken at the bare rate.
    taken_up_to: Instant,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self(Mutex::new(State { rate, taken_up_to: Instant::now() }))
    }

    /// Goes on at another rate.
    pub(super) fn set(&self, rate: Rate) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).rate = rate;
    }

    /// Requests per second.
    pub(super) fn rate(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).rate.get()
    }

    /// Takes a request's share; an error is the time when there may be one.
    pub(super) fn take(&self) -> Result<(), Instant> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, interval) = (Instant::now(), state.rate.interval());
        let ahead = interval.saturating_mul(state.rate.burst() - 1);
        let from = state.taken_up_to.max(now);
        if from > now + ahead {
            return Err(from - ahead);
        }
        state.taken_up_to = from + interval;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_and_interval() {
        for (rate, burst, nanos) in [
            (0.001, 1, 1_000_000_000_000),
            (0.5, 1, 2_000_000_000),
            (1.0, 1, 1_000_000_000),
            (3.0, 1, 333_333_334),
            (7.9, 1, 126_582_279),
            (8.0, 2, 125_000_000),
            (10.0, 2, 100_000_000),
            (28.0, 7, 35_714_286),
            (100.0, 25, 10_000_000),
            (1_000_000.0, 250_000, 1_000),
        ] {
            let rate = Rate::per_second(rate).unwrap();
            assert_eq!((rate.burst(), rate.interval()), (burst, Duration::from_nanos(nanos)), "{rate:?}");
        }
    }

    #[test]
    fn what_is_no_rate() {
        for rate in [0.0, -1.0, 0.000_9, 1_000_001.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Rate::per_second(rate), None, "{rate}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn another_rate_brings_no_burst() {
        let rate = |n| Rate::per_second(n).unwrap();
        let bucket = Bucket::new(rate(8.0));
        assert!(bucket.take().is_ok() && bucket.take().is_ok());
        let until = bucket.take().unwrap_err();
        bucket.set(rate(100.0));
        // The larger burst is had ahead of time, and no more than that.
        let mut more = 0;
        while bucket.take().is_ok() {
            more += 1;
        }
        assert!(more <= 25, "{more}");
        bucket.set(rate(1.0));
        assert!(bucket.take().unwrap_err() >= until);
    }
}
