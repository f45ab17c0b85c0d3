//! How many requests a second, and governor's clock for it.
//!
//! The limit is a GCRA (a leaky bucket that counts in time): a request each `1/rate`, and up to
//! `burst` of them at once after a pause. In any window of a second that is at most
//! `rate + burst` requests. The burst is also what makes up for late wake-ups (a timer has a
//! granularity of a millisecond): what a late one missed is let through at the next. Below 8 a
//! second the burst is a single request and lateness is lost, but there a millisecond is less than
//! a hundredth of the interval.
//!
//! governor's own waiting sleeps on a timer of its own; here it only answers *when*, on tokio's
//! clock, and the caller sleeps.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

/// A number of requests per second, between one in a thousand seconds and a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(Quota);

impl Rate {
    /// Checks a rate, which may be a fraction; none where it is out of bounds.
    pub fn per_second(rate: f64) -> Option<Self> {
        if !(0.001..=1_000_000.0).contains(&rate) {
            return None;
        }
        // Rounded up: never faster than the rate.
        let interval = Duration::from_nanos(whole((1e9 / rate).ceil()));
        let burst = u32::try_from(whole(rate / 4.0)).unwrap_or(u32::MAX);
        Quota::with_period(interval)
            .map(|quota| Self(quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN))))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and at most 10^12")]
fn whole(number: f64) -> u64 {
    number as u64
}

/// tokio's clock, which tests can pause, as governor reads it: time since it was made.
#[derive(Debug)]
struct Since(Instant);

impl Clock for Since {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

/// Tells who may go now, and when the next one may.
#[derive(Debug)]
pub(super) struct Bucket {
    start: Instant,
    limiter: RateLimiter<NotKeyed, InMemoryState, Since, NoOpMiddleware<Nanos>>,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        let start = Instant::now();
        Self { start, limiter: RateLimiter::direct_with_clock(rate.0, Since(start)) }
    }

    /// Takes a request's share; an error is the time when there may be one.
    pub(super) fn take(&self) -> Result<(), Instant> {
        self.limiter.check().map_err(|denied| self.start + Duration::from(denied.earliest_possible()))
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
            let Rate(quota) = Rate::per_second(rate).unwrap();
            assert_eq!(
                (quota.burst_size().get(), quota.replenish_interval()),
                (burst, Duration::from_nanos(nanos)),
                "{rate}"
            );
        }
    }

    #[test]
    fn what_is_no_rate() {
        for rate in [0.0, -1.0, 0.000_9, 1_000_001.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Rate::per_second(rate), None, "{rate}");
        }
    }
}
