//! A transfer rate and a remaining time that people can rely on.
//!
//! An average over the whole time hides a slow network, and one over the last second fluctuates. This uses the
//! last half minute, and keeps an estimate for a while, counting it down, before correcting it.

use std::{collections::VecDeque, time::Duration};

/// The period of the rate.
const WINDOW: Duration = Duration::from_secs(30);

/// No estimate before this time and count.
const MIN_SAMPLES: (Duration, u64) = (Duration::from_secs(3), 10);

/// How long an estimate is kept.
const KEEP: Duration = Duration::from_secs(5);

/// Samples of a growing count. Times are measured from its start.
#[derive(Debug, Default)]
pub(super) struct RateEstimator {
    seen: VecDeque<(Duration, u64)>,
    estimate: Option<(Duration, Duration)>,
}

impl RateEstimator {
    /// Adds a sample.
    pub(super) fn add_sample(&mut self, now: Duration, count: u64) {
        self.seen.push_back((now, count));
        while self.seen.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= WINDOW) {
            self.seen.pop_front();
        }
    }

    /// The rate per second.
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    pub(super) fn rate(&self) -> f64 {
        let (Some((from, before)), Some((to, after))) = (self.seen.front(), self.seen.back()) else { return 0.0 };
        // The count starts at zero.
        let is_first = self.seen.len() == 1;
        let (from, before) = if *to < WINDOW || is_first { (Duration::ZERO, 0) } else { (*from, *before) };
        after.saturating_sub(before) as f64 / to.saturating_sub(from).as_secs_f64().max(0.001)
    }

    /// The remaining time until the count is `all`; `None` if unknown.
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    pub(super) fn remaining(&mut self, all: u64) -> Option<Duration> {
        let (now, count) = *self.seen.back()?;
        if now < MIN_SAMPLES.0 || count < MIN_SAMPLES.1 || count >= all {
            self.estimate = None;
            return None;
        }
        if let Some((at, remaining)) = self.estimate.filter(|(at, _)| now.saturating_sub(*at) < KEEP) {
            return Some(remaining.saturating_sub(now.saturating_sub(at)));
        }
        let remaining = Duration::try_from_secs_f64((all - count) as f64 / self.rate()).ok()?;
        self.estimate = Some((now, remaining));
        Some(remaining)
    }
}

/// A duration for people; coarser if longer.
pub(super) fn about(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..10 => format!("{seconds} s"),
        seconds @ 10..90 => format!("{} s", seconds.div_ceil(5) * 5),
        seconds @ 90..5400 => format!("{} min", seconds.div_ceil(60)),
        seconds => {
            let minutes = seconds.div_ceil(600) * 10;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn durations_for_people() {
        for (time, text) in
            [(9, "9 s"), (11, "15 s"), (90, "2 min"), (3600, "60 min"), (5400, "1 h 30 min"), (86_401, "24 h 10 min")]
        {
            assert_eq!(about(seconds(time)), text);
        }
    }

    #[test]
    fn the_rate_is_that_of_the_last_half_minute() {
        let mut estimator = RateEstimator::default();
        assert!(estimator.rate().abs() < 0.001);
        for now in 1..=10 {
            estimator.add_sample(seconds(now), now * 100);
        }
        assert!((estimator.rate() - 100.0).abs() < 0.001, "{}", estimator.rate());
        for now in 11..=60 {
            estimator.add_sample(seconds(now), 1000 + (now - 10) * 10);
        }
        assert!((estimator.rate() - 10.0).abs() < 0.001, "{}", estimator.rate());
        assert!(estimator.seen.len() <= 32, "{}", estimator.seen.len());
    }

    #[test]
    fn the_first_sample_has_a_rate_however_late_it_is() {
        let mut estimator = RateEstimator::default();
        estimator.add_sample(seconds(30), 600);
        assert!((estimator.rate() - 20.0).abs() < 0.001, "{}", estimator.rate());
    }

    #[test]
    fn the_remaining_time_is_stable() {
        let mut estimator = RateEstimator::default();
        estimator.add_sample(seconds(1), 500);
        assert_eq!(estimator.remaining(1000), None, "too early");
        estimator.add_sample(seconds(10), 500);
        assert_eq!(estimator.remaining(1000), Some(seconds(10)));
        // A burst changes nothing at once, and the countdown continues.
        estimator.add_sample(seconds(12), 900);
        assert_eq!(estimator.remaining(1000), Some(seconds(8)));
        estimator.add_sample(seconds(15), 900);
        assert!(estimator.remaining(1000).unwrap() < seconds(2));
        estimator.add_sample(seconds(16), 1000);
        assert_eq!(estimator.remaining(1000), None, "nothing remains");
        let mut stuck = RateEstimator::default();
        stuck.add_sample(seconds(1), 20);
        stuck.add_sample(seconds(100), 20);
        stuck.add_sample(seconds(140), 20);
        assert_eq!(stuck.remaining(1000), None, "nobody knows");
    }
}
