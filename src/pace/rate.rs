//! A request rate, and a limiter with a small burst.
//!
//! The limiter is `governor`'s GCRA: a request each `1/rate`, and up to `burst` at once after a pause, at most
//! `rate + burst` in any window of a second. The burst also makes up for late wake-ups (timers tick in
//! milliseconds). Below 8 per second the burst is one request and lateness is lost, but there a millisecond is
//! less than a hundredth of the interval.
//!
//! A new rate gets a new limiter, whose burst is already spent.

use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

/// A smaller increase of the rate doesn't get a new limiter.
const MIN_INCREASE: f64 = 1.01;

/// Requests per second, from 0.001 to a million.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

/// The limit of the request rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Adaptive, up to this ceiling.
    UpTo(Rate),
    /// Fixed.
    Set(Rate),
    /// Unlimited.
    None,
}

impl Rate {
    /// `None` if the rate is out of bounds.
    pub fn per_second(rate: f64) -> Option<Self> {
        (0.001..=1_000_000.0).contains(&rate).then_some(Self(rate))
    }

    /// In requests per second.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The time between two requests, rounded up so as never to exceed the rate.
    fn interval(self) -> Duration {
        Duration::from_nanos(whole((1e9 / self.0).ceil()))
    }

    /// How many requests may go at once.
    fn burst(self) -> NonZeroU32 {
        NonZeroU32::new(u32::try_from(whole(self.0 / 4.0)).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
    }

    fn quota(self) -> Quota {
        // An interval is at least a microsecond.
        let quota = Quota::with_period(self.interval()).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        quota.allow_burst(self.burst())
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and at most 10^12")]
fn whole(number: f64) -> u64 {
    number as u64
}

#[derive(Debug)]
pub(super) struct Bucket(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The requested rate, and the one that the limiter enforces.
    rate: Rate,
    limited: Rate,
    limiter: Limiter,
    epoch: Instant,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Time since a limiter was made, on the clock that tests can pause.
#[derive(Debug, Clone)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl State {
    fn new(rate: Rate) -> Self {
        let epoch = Instant::now();
        let limiter = RateLimiter::direct_with_clock(rate.quota(), TokioClock(epoch));
        Self { rate, limited: rate, limiter, epoch }
    }

    /// With the burst spent, so that a new rate doesn't bring one.
    fn drained(rate: Rate) -> Self {
        let state = Self::new(rate);
        // Can't fail: a new limiter has its whole burst.
        let _ = state.limiter.check_n(rate.burst());
        state
    }
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self(Mutex::new(State::new(rate)))
    }

    /// Changes the rate. A small increase keeps the limiter, since a new one forgets late requests.
    pub(super) fn set(&self, rate: Rate) {
        let mut state = self.state();
        if (state.limited.get()..state.limited.get() * MIN_INCREASE).contains(&rate.get()) {
            state.rate = rate;
        } else {
            *state = State::drained(rate);
        }
    }

    /// In requests per second.
    pub(super) fn rate(&self) -> f64 {
        self.state().rate.get()
    }

    /// Takes a permit; the error is when the next one is due.
    pub(super) fn take(&self) -> Result<(), Instant> {
        let state = self.state();
        state.limiter.check().map_err(|not| state.epoch + not.earliest_possible())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            assert_eq!((rate.burst().get(), rate.interval()), (burst, Duration::from_nanos(nanos)), "{rate:?}");
        }
    }

    #[test]
    fn invalid_rates() {
        for rate in [0.0, -1.0, 0.000_9, 1_000_001.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Rate::per_second(rate), None, "{rate}");
        }
    }

    fn rate(n: f64) -> Rate {
        Rate::per_second(n).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_rate_brings_no_burst() {
        let bucket = Bucket::new(rate(8.0));
        assert!(bucket.take().is_ok() && bucket.take().is_ok());
        let until = bucket.take().unwrap_err();
        bucket.set(rate(100.0));
        let now = Instant::now();
        assert_eq!(bucket.take(), Err(now + Duration::from_millis(10)), "the larger burst has to be earned");
        bucket.set(rate(1.0));
        assert!(bucket.take().unwrap_err() >= until);
        // A pause earns the burst again.
        bucket.set(rate(100.0));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((0..100).filter(|_| bucket.take().is_ok()).count(), 25);
    }

    #[tokio::test(start_paused = true)]
    async fn a_constantly_rising_rate_is_used() {
        let (bucket, start) = (Bucket::new(rate(10.0)), Instant::now());
        let mut taken = 0;
        while start.elapsed() < Duration::from_secs(10) {
            match bucket.take() {
                Ok(()) => taken += 1,
                Err(until) => {
                    bucket.set(rate(10.0 + start.elapsed().as_secs_f64()));
                    tokio::time::sleep_until(until).await;
                }
            }
        }
        // The mean rate is 15 a second.
        assert!((140..=152).contains(&taken), "{taken}");
    }
}
