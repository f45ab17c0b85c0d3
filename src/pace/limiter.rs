//! The rate limiter of all requests.
//!
//! Invariants:
//! - Never more than rate + burst permits in any window of a second; while requests wait, at least 98 % of the
//!   rate is used (see `rate`).
//! - During a hold nothing gets a permit.
//! - First come, first served: the next request sleeps with the turn's lock, the others queue for it. A cancelled
//!   request takes no permit.
//! - Without a rate and a hold, a permit costs one short lock.

use std::{
    sync::{Mutex as Lock, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use crate::pace::{
    Permit, SavedRate,
    adaptive::{Adaptive, RequestKind},
    cooldown::Cooldown,
    rate::{Bucket, Limit, Rate},
};

/// The rate limiter of all requests.
#[derive(Debug)]
pub struct Pace {
    turn: Mutex<()>,
    bucket: Option<Bucket>,
    /// `None` if the rate is fixed or unlimited.
    adaptive: Option<Lock<Adaptive>>,
    cooldown: Cooldown,
}

impl Pace {
    /// An adaptive rate starts near the one that an earlier run saved.
    pub fn new(limit: Limit, saved: Option<SavedRate>) -> Self {
        let (rate, adaptive) = match limit {
            Limit::None => (None, None),
            Limit::Set(rate) => (Some(rate), None),
            Limit::UpTo(ceiling) => {
                let adaptive = Adaptive::new(ceiling.get(), saved);
                (Some(Rate::per_second(adaptive.rate()).unwrap_or(ceiling)), Some(Lock::new(adaptive)))
            }
        };
        Self { turn: Mutex::new(()), bucket: rate.map(Bucket::new), adaptive, cooldown: Cooldown::default() }
    }

    /// The rate to save for the next run; `None` if it isn't adaptive.
    pub fn rate_to_save(&self) -> Option<SavedRate> {
        self.adaptive.as_ref().map(|adaptive| lock(adaptive).rate_to_save())
    }

    /// In requests per second; `None` without a limit.
    pub fn rate(&self) -> Option<f64> {
        self.bucket.as_ref().map(Bucket::rate)
    }

    /// Waits for the request's turn.
    pub async fn permit(&self) -> Permit {
        if self.bucket.is_none()
            && let Ok(permit) = self.cooldown.pass()
        {
            return permit;
        }
        let _turn = self.turn.lock().await;
        loop {
            // A hold may begin during the sleep, so each wake-up checks both again.
            let until = match (self.cooldown.pass(), &self.bucket) {
                (Err(until), _) => until,
                (Ok(_), Some(bucket)) if let Err(until) = bucket.take() => {
                    self.adapt(|adaptive, now| adaptive.waited(now));
                    until
                }
                (Ok(permit), _) => return permit,
            };
            sleep_until(until).await;
        }
    }

    /// How long all requests are still held back, if they are.
    pub fn held(&self) -> Option<Duration> {
        self.cooldown.rest()
    }

    /// Holds all requests back, at most for [`LONGEST_WAIT`](super::LONGEST_WAIT); a longer hold stays.
    pub fn hold(&self, wait: Duration) {
        self.cooldown.hold(wait);
    }

    /// A request was answered with 429: all requests wait for `Retry-After`, or for a delay that grows from 1 to
    /// 60 seconds.
    pub fn throttled(&self, permit: Permit, retry_after: Option<Duration>) {
        self.cooldown.throttled(permit, retry_after);
        self.adapt(|adaptive, now| adaptive.fall(permit.sent, now));
    }

    /// A request succeeded: the next 429 starts with a short delay again.
    pub fn answered(&self, permit: Permit, asked: RequestKind) {
        self.cooldown.answered(permit);
        self.adapt(|adaptive, now| adaptive.answered(asked, permit.sent, now));
    }

    /// A request was answered with 503: the rate falls if there are many.
    pub fn unavailable(&self, permit: Permit) {
        self.adapt(|adaptive, now| adaptive.unavailable(permit.sent, now));
    }

    fn adapt(&self, change: impl FnOnce(&mut Adaptive, Instant)) {
        if let (Some(adaptive), Some(bucket)) = (&self.adaptive, &self.bucket) {
            let mut adaptive = lock(adaptive);
            change(&mut adaptive, Instant::now());
            if let Some(rate) = Rate::per_second(adaptive.rate()) {
                bucket.set(rate);
            }
        }
    }
}

fn lock(adaptive: &Lock<Adaptive>) -> MutexGuard<'_, Adaptive> {
    adaptive.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{future::Future, sync::Arc};

    use futures::future::join_all;
    use proptest::prelude::*;
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace(rate: f64) -> Pace {
        Pace::new(Limit::Set(Rate::per_second(rate).unwrap()), None)
    }

    fn paused<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
    }

    /// When each of `count` requests got its permit, in their order.
    async fn grants(pace: &Pace, count: usize) -> Vec<Duration> {
        let start = Instant::now();
        join_all((0..count).map(|_| async {
            pace.permit().await;
            start.elapsed()
        }))
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_a_steady_rate_in_order() {
        let times = grants(&pace(8.0), 5).await;
        let waits: Vec<_> = times.iter().map(Duration::as_millis).collect();
        assert_eq!(waits, [0, 0, 125, 250, 375]);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_rates_have_no_burst() {
        let waits: Vec<_> = grants(&pace(0.5), 3).await.iter().map(Duration::as_secs).collect();
        assert_eq!(waits, [0, 2, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_stops_all_requests_with_or_without_a_rate() {
        for pace in [Pace::new(Limit::None, None), pace(100.0)] {
            pace.hold(3 * SECOND);
            assert!(grants(&pace, 20).await.iter().all(|wait| *wait >= 3 * SECOND));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_that_begins_or_grows_during_the_wait_counts() {
        for (pace, hold) in [(Pace::new(Limit::None, None), SECOND), (pace(1.0), SECOND), (pace(1.0), Duration::ZERO)] {
            let pace = Arc::new(pace);
            pace.permit().await;
            pace.hold(hold);
            let waiting = tokio::spawn({
                let pace = pace.clone();
                async move { grants(&pace, 1).await[0] }
            });
            sleep(SECOND / 2).await;
            pace.hold(4 * SECOND);
            assert!(waiting.await.unwrap() >= 4 * SECOND);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_delays_all_requests_and_a_success_resets_it() {
        let pace = Pace::new(Limit::None, None);
        for seconds in [1, 2, 4] {
            pace.throttled(pace.permit().await, None);
            assert_eq!(grants(&pace, 2).await, [seconds * SECOND; 2]);
        }
        pace.answered(pace.permit().await, RequestKind::One);
        pace.throttled(pace.permit().await, None);
        assert_eq!(grants(&pace, 1).await, [SECOND]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_request_takes_no_permit() {
        let pace = pace(1.0);
        pace.permit().await;
        assert!(timeout(SECOND / 2, pace.permit()).await.is_err());
        let waits: Vec<_> = grants(&pace, 2).await.iter().map(Duration::as_millis).collect();
        assert_eq!(waits, [500, 1500]);
    }

    #[tokio::test(start_paused = true)]
    async fn late_wake_ups_are_made_up_for() {
        let pace = pace(100.0);
        let start = Instant::now();
        for _ in 0..1000 {
            pace.permit().await;
            // The runtime is busy for longer than an interval each time.
            advance(Duration::from_micros(9_900)).await;
        }
        assert!(start.elapsed() < Duration::from_secs_f64(10.0 / 0.98), "{:?}", start.elapsed());
    }

    /// When a client with pauses, holds and parallel requests gets its permits.
    async fn busy(rate: f64, script: &[(usize, u64, u64)]) -> Vec<Duration> {
        let (pace, start) = (pace(rate), Instant::now());
        let mut times = Vec::new();
        for &(count, pause, hold) in script {
            let at = start.elapsed();
            times.extend(grants(&pace, count).await.iter().map(|wait| at + *wait));
            sleep(Duration::from_micros(pause)).await;
            pace.hold(Duration::from_micros(hold));
        }
        times
    }

    fn any_rate() -> impl Strategy<Value = f64> {
        prop_oneof![0.2..8.0, 8.0..120.0, 120.0..2500.0, prop::sample::select(vec![1.0, 4.0, 7.99, 8.0, 10.0, 100.0])]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_window_of_a_second_has_too_many(
            rate in any_rate(),
            script in prop::collection::vec((1..60_usize, 0..900_000_u64, prop_oneof![Just(0), 0..700_000_u64]), 1..12),
        ) {
            let times = paused(busy(rate, &script));
            prop_assert!(times.is_sorted());
            for (first, from) in times.iter().enumerate() {
                let within = times[first..].partition_point(|time| *time <= *from + SECOND);
                let within = f64::from(u32::try_from(within).unwrap());
                prop_assert!(within <= rate + (rate / 4.0).floor().max(1.0), "{} at {}", within, rate);
            }
        }

        #[test]
        fn the_rate_is_used(rate in any_rate(), late in 0..1000_u64) {
            let count = usize::try_from(Duration::from_secs_f64(4.0 * rate).as_secs()).unwrap() + 50;
            let times = paused(async {
                // The timer wheel ticks in milliseconds: start anywhere between two ticks.
                advance(Duration::from_micros(late)).await;
                grants(&pace(rate), count).await
            });
            // Only the second half counts, without the initial burst.
            let used = f64::from(u32::try_from(count - 1 - count / 2).unwrap())
                / (times[count - 1].as_secs_f64() - times[count / 2].as_secs_f64());
            prop_assert!(used >= 0.98 * rate, "{} of {}", used, rate);
        }
    }
}
