//! A transfer rate and a remaining time that people can rely on.
//!
//! An average over the whole time hides a slow network, and one over the last second fluctuates. A rate that is shown is
//! that of the last half minute; one that the remaining time is computed from is that of the last half of the work. The
//! remaining time is kept for a while, counting it down, before it is corrected.

use std::{collections::VecDeque, time::Duration};

/// The period of a rate that is shown, and the shortest one for the remaining time.
const WINDOW: Duration = Duration::from_secs(30);
const SHORTEST: Duration = Duration::from_secs(10);

/// Samples of a window.
const SAMPLES: u32 = 100;

/// No estimate before this time and count.
const MIN_SAMPLES: (Duration, u64) = (Duration::from_secs(3), 10);

/// How long an estimate is kept: this share of it, within bounds.
const KEPT_SHARE: u32 = 10;
const KEEP: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// Samples of a growing count. Times are measured from its start.
#[derive(Debug, Default)]
pub(super) struct RateEstimator {
    seen: VecDeque<(Duration, u64)>,
    /// When the count began to grow.
    began: Option<Duration>,
    /// Whether the window is the last half of the time in which the count grew.
    is_lasting: bool,
}

impl RateEstimator {
    /// For a remaining time.
    pub(super) fn lasting() -> Self {
        Self { is_lasting: true, ..Self::default() }
    }

    /// Adds a sample.
    pub(super) fn add_sample(&mut self, now: Duration, count: u64) {
        if count == 0 {
            // Waiting for the first one says nothing about the rate.
            self.seen.clear();
        } else if self.began.is_none() {
            self.began = Some(self.seen.back().map_or(Duration::ZERO, |(at, _)| *at));
        }
        let window = self.window(now);
        let is_near = |(at, _): &(Duration, u64)| now.saturating_sub(*at) < window / SAMPLES;
        if self.seen.len() > 1 && self.seen.get(self.seen.len() - 2).is_some_and(is_near) {
            self.seen.pop_back();
        }
        self.seen.push_back((now, count));
        while self.seen.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= window) {
            self.seen.pop_front();
        }
    }

    fn window(&self, now: Duration) -> Duration {
        let grown = now.saturating_sub(self.began.unwrap_or(now));
        if self.is_lasting { SHORTEST.max(grown / 2) } else { WINDOW }
    }

    /// The rate per second.
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    pub(super) fn rate(&self) -> f64 {
        let (Some((from, before)), Some((to, after))) = (self.seen.front(), self.seen.back()) else { return 0.0 };
        let is_first = self.seen.len() == 1;
        let (from, before) = if is_first { (Duration::ZERO, 0) } else { (*from, *before) };
        after.saturating_sub(before) as f64 / to.saturating_sub(from).as_secs_f64().max(0.001)
    }

    /// The remaining time until the count is `all`; `None` if unknown.
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    pub(super) fn remaining(&self, all: u64) -> Option<Duration> {
        let (now, count) = *self.seen.back()?;
        if count >= all {
            return Some(Duration::ZERO);
        }
        let grown = now.saturating_sub(self.began?);
        if grown < MIN_SAMPLES.0 || count < MIN_SAMPLES.1 {
            return None;
        }
        Duration::try_from_secs_f64((all - count) as f64 / self.rate()).ok()
    }
}

/// An estimate that is kept for a while.
#[derive(Debug, Default)]
pub(super) struct Countdown(Option<(Duration, Duration)>);

impl Countdown {
    /// The remaining time to show; `estimate` is the present one.
    pub(super) fn show(&mut self, now: Duration, estimate: Option<Duration>) -> Option<Duration> {
        let estimate = estimate.filter(|remaining| !remaining.is_zero());
        let is_kept = |(at, remaining): &(Duration, Duration)| {
            now.saturating_sub(*at) < (*remaining / KEPT_SHARE).clamp(KEEP[0], KEEP[1])
        };
        if estimate.is_none() || !self.0.as_ref().is_some_and(is_kept) {
            self.0 = estimate.map(|remaining| (now, remaining));
        }
        self.0.map(|(at, remaining)| remaining.saturating_sub(now.saturating_sub(at)))
    }
}

/// A duration for people; coarser if longer.
pub(super) fn about(time: Duration) -> String {
    let round = |seconds: u64, to: u64| (seconds + to / 2) / to * to;
    match time.as_secs() {
        seconds @ 0..20 => format!("{seconds} s"),
        seconds @ 20..88 => format!("{} s", round(seconds, 5)),
        seconds @ 88..595 => match round(seconds, 10) {
            seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
            seconds => format!("{} min {} s", seconds / 60, seconds % 60),
        },
        seconds @ 595..5370 => format!("{} min", round(seconds, 60) / 60),
        seconds => match round(seconds, 600) / 60 {
            minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
            minutes => format!("{} h {} min", minutes / 60, minutes % 60),
        },
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
        #[rustfmt::skip]
        let table = [
            (9, "9 s"), (19, "19 s"), (21, "20 s"), (43, "45 s"), (87, "85 s"), (88, "1 min 30 s"), (121, "2 min"),
            (594, "9 min 50 s"), (595, "10 min"), (3600, "60 min"), (5369, "89 min"), (5370, "1 h 30 min"), (86_401, "24 h"),
        ];
        for (time, text) in table {
            assert_eq!(about(seconds(time)), text, "{time}");
        }
    }

    /// Seconds, and the growth in each of them.
    type Steps<'s> = &'s [(u64, u64)];

    /// An estimator of a count that grew like this.
    fn grown(mut estimator: RateEstimator, steps: Steps<'_>) -> RateEstimator {
        let (mut now, mut count) = (0, 0);
        for (lasting, each) in steps {
            for _ in 0..*lasting {
                (now, count) = (now + 1, count + each);
                estimator.add_sample(seconds(now), count);
            }
        }
        estimator
    }

    #[test]
    fn the_rate_is_that_of_the_window() {
        #[rustfmt::skip]
        let table: [(Steps<'_>, f64, f64); 5] = [
            // seconds and growth                 shown   lasting
            (&[(1, 600)],                         600.0,  600.0),
            (&[(10, 100)],                        100.0,  100.0),
            (&[(10, 100), (50, 10)],              10.0,   10.0),
            (&[(20, 0), (8, 100)],                100.0,  100.0),   // it began late
            (&[(1, 0), (60, 10), (40, 40)],       40.0,   34.0),
        ];
        for (steps, shown, lasting) in table {
            let rates = [RateEstimator::default(), RateEstimator::lasting()].map(|e| grown(e, steps).rate());
            assert!((rates[0] - shown).abs() < 0.01 && (rates[1] - lasting).abs() < 1.0, "{steps:?} {rates:?}");
        }
        let long = grown(RateEstimator::lasting(), &[(10_000, 3)]);
        assert!(long.seen.len() <= 2 * SAMPLES as usize, "{}", long.seen.len());
        assert!((long.rate() - 3.0).abs() < 0.01, "{}", long.rate());
    }

    #[test]
    fn the_first_sample_has_a_rate_however_late_it_is() {
        let mut estimator = RateEstimator::default();
        assert!(estimator.rate().abs() < 0.001);
        estimator.add_sample(seconds(30), 600);
        assert!((estimator.rate() - 20.0).abs() < 0.001, "{}", estimator.rate());
    }

    #[test]
    fn the_remaining_time_needs_some_experience() {
        let remaining = |steps: &[(u64, u64)], all| grown(RateEstimator::lasting(), steps).remaining(all);
        assert_eq!(remaining(&[(2, 500)], 2000), None, "too early");
        assert_eq!(remaining(&[(9, 1)], 2000), None, "too few");
        assert_eq!(remaining(&[(10, 50)], 1000), Some(seconds(10)));
        assert_eq!(remaining(&[(10, 100)], 1000), Some(Duration::ZERO));
        assert_eq!(remaining(&[(5, 20), (400, 0)], 1000), None, "nobody knows");
    }

    #[test]
    fn a_remaining_time_is_kept_for_a_while() {
        let mut countdown = Countdown::default();
        #[rustfmt::skip]
        let table = [
            (10, Some(100), Some(100)),
            (19, Some(50),  Some(91)),  // a burst changes nothing at once
            (20, Some(60),  Some(60)),
            (21, None,      None),
            (22, Some(9),   Some(9)),
            (23, Some(6),   Some(6)),
            (24, Some(0),   None),
        ];
        for (now, estimate, shown) in table {
            assert_eq!(countdown.show(seconds(now), estimate.map(seconds)), shown.map(seconds), "{now}");
        }
    }
}
