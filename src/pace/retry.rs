//! Whether and when a failed request is retried.
//!
//! The delays are exponential with full jitter (uniform between zero and a cap that doubles), so that requests
//! that failed together don't come back together. `backoff`, which is no longer maintained, is used in this file
//! only. What its source shows and this file relies on:
//! - A delay is uniform within `interval ± randomization_factor × interval`; the interval then grows by
//!   `multiplier` up to `max_interval`. A factor of 1 around half the cap is full jitter.
//! - Seconds and nanoseconds are rounded separately, so a delay just below a full second may come out a second too
//!   long: it is capped again.
//! - Its own time limit reads the clock; it is off, `now` is passed in.

use std::time::Duration;

use backoff::{ExponentialBackoff, ExponentialBackoffBuilder, backoff::Backoff};
use tokio::time::Instant;

use super::LONGEST_WAIT;

/// The retry policy of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The most tries, including the first.
    pub max_tries: u32,
    /// The longest time from the first failure to the start of the last try.
    pub max_elapsed: Duration,
    /// The cap of the first delay; it doubles with each retry.
    pub first_delay: Duration,
    /// The highest cap.
    pub max_delay: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_tries: 6,
            max_elapsed: Duration::from_mins(5),
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
        }
    }
}

/// The tries of one request.
#[derive(Debug)]
pub struct Retry {
    tries: u32,
    max_tries: u32,
    /// When the first try failed; its own duration doesn't count.
    failing_since: Option<Instant>,
    max_elapsed: Duration,
    max_delay: Duration,
    delays: ExponentialBackoff,
}

impl Retry {
    /// Before the first try.
    pub fn new(policy: &Policy) -> Self {
        let delays = ExponentialBackoffBuilder::new()
            .with_initial_interval(policy.first_delay.min(policy.max_delay) / 2)
            .with_max_interval(policy.max_delay / 2)
            .with_multiplier(2.0)
            .with_randomization_factor(1.0)
            .with_max_elapsed_time(None)
            .build();
        let &Policy { max_tries, max_elapsed, max_delay, .. } = policy;
        Self { tries: 0, max_tries, failing_since: None, max_elapsed, max_delay, delays }
    }

    /// Counts a failed try. Returns the delay before the next, or `None` to give up.
    ///
    /// The delay is at least `after` (from `Retry-After`, up to [`LONGEST_WAIT`]); if that exceeds the policy's
    /// remaining time it gives up. Jitter is cut to the remaining time.
    pub fn next(&mut self, after: Option<Duration>, now: Instant) -> Option<Duration> {
        self.tries = self.tries.saturating_add(1);
        let since = *self.failing_since.get_or_insert(now);
        let left = self.max_elapsed.saturating_sub(now.saturating_duration_since(since));
        let asked = after.unwrap_or_default().min(LONGEST_WAIT);
        if self.tries >= self.max_tries || left.is_zero() || asked > left {
            return None;
        }
        Some(self.jitter().min(left).max(asked))
    }

    /// Excludes a time in which no request could be sent.
    pub fn exclude(&mut self, waited: Duration) {
        self.failing_since = self.failing_since.map(|since| since + waited);
    }

    /// The number of failed tries.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    fn jitter(&mut self) -> Duration {
        let cap = self.delays.current_interval * 2;
        self.delays.next_backoff().unwrap_or(self.max_delay).min(cap)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn retry(policy: &Policy) -> (Retry, Instant) {
        let now = Instant::now();
        (Retry::new(policy), now)
    }

    #[test]
    fn tries_are_counted_and_end() {
        let (mut retry, now) = retry(&Policy::default());
        for tries in 1..6 {
            assert!(retry.next(None, now).is_some());
            assert_eq!(retry.tries(), tries);
        }
        assert_eq!(retry.next(None, now), None);
        assert_eq!(retry.tries(), 6);
        assert_eq!(retry.next(Some(Duration::ZERO), now), None);
    }

    #[test]
    fn a_single_try_is_not_repeated() {
        for max_tries in [0, 1] {
            let (mut retry, now) = retry(&Policy { max_tries, ..Policy::default() });
            assert_eq!(retry.next(None, now), None);
        }
    }

    #[test]
    fn jitter_fills_a_cap_that_doubles_up_to_the_highest() {
        let policy = Policy { first_delay: SECOND, max_delay: 5 * SECOND, ..Policy::default() };
        for (position, cap) in [1, 2, 4, 5, 5].into_iter().map(|seconds| seconds * SECOND).enumerate() {
            let delays: Vec<_> = (0..400)
                .map(|_| {
                    let (mut retry, now) = retry(&policy);
                    (0..=position).map(|_| retry.next(None, now).unwrap()).last().unwrap()
                })
                .collect();
            let quarters = [cap / 4, cap / 2, cap * 3 / 4, cap].map(|end| delays.iter().filter(|d| **d <= end).count());
            assert_eq!(quarters[3], 400, "{position}");
            // Each quarter has 100 of 400 on average; fewer than 50 has a probability below 10^-8.
            assert!(quarters[0] > 50 && quarters.windows(2).all(|pair| pair[1] - pair[0] > 50), "{quarters:?}");
        }
    }

    #[test]
    fn retry_after_is_honoured_and_capped() {
        let patient = Policy { max_elapsed: 30 * LONGEST_WAIT, ..Policy::default() };
        let (mut retry, now) = retry(&patient);
        assert_eq!(retry.next(Some(40 * SECOND), now), Some(40 * SECOND));
        assert_eq!(retry.next(Some(Duration::MAX), now), Some(LONGEST_WAIT));
        assert!(retry.next(Some(Duration::ZERO), now).unwrap() <= 2 * SECOND);

        let (mut retry, now) = super::tests::retry(&Policy::default());
        assert!(retry.next(None, now).is_some());
        assert_eq!(retry.next(Some(60 * SECOND), now + 240 * SECOND), Some(60 * SECOND));
        assert_eq!(retry.next(Some(61 * SECOND), now + 240 * SECOND), None);
    }

    #[test]
    fn the_last_try_starts_within_the_time() {
        let (mut retry, now) =
            retry(&Policy { max_delay: 500 * SECOND, first_delay: 500 * SECOND, ..Policy::default() });
        assert!(retry.next(None, now).is_some());
        assert!(retry.next(None, now + 299 * SECOND).unwrap() <= SECOND);
        assert_eq!(retry.next(None, now + 300 * SECOND), None);
        assert_eq!(retry.next(None, now + 900 * SECOND), None);
    }

    #[test]
    fn excluded_time_does_not_count() {
        let (mut retry, now) = retry(&Policy::default());
        retry.exclude(900 * SECOND);
        assert!(retry.next(None, now + 900 * SECOND).is_some());
        assert!(retry.next(None, now + 1100 * SECOND).is_some());
        retry.exclude(900 * SECOND);
        assert!(retry.next(None, now + 2099 * SECOND).is_some());
        assert_eq!(retry.next(None, now + 2100 * SECOND), None);
    }

    proptest! {
        #[test]
        fn any_policy_keeps_its_bounds(
            max_tries in 0..9_u32,
            millis in prop::array::uniform3(0..1_000_000_u64),
            answers in prop::collection::vec((prop::option::of(0..2_000_u64), 0..100_000_u64), 1..12),
        ) {
            let [max_elapsed, first_delay, max_delay] = millis.map(Duration::from_millis);
            let (mut retry, mut now) = retry(&Policy { max_tries, max_elapsed, first_delay, max_delay });
            let mut first = None;
            for (after, passed) in answers {
                let after = after.map(Duration::from_secs);
                now += Duration::from_millis(passed);
                let start = *first.get_or_insert(now);
                let Some(delay) = retry.next(after, now) else { break };
                let asked = after.unwrap_or_default().min(LONGEST_WAIT);
                prop_assert!(delay >= asked && delay <= asked.max(max_delay));
                now += delay;
                prop_assert!(retry.tries() < max_tries && now <= start + max_elapsed);
            }
        }
    }
}
