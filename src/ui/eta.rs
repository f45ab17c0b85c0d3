//! How fast something goes, and how long the rest will take, so that a person can rely on it.
//!
//! A rate over all the time hides that the network has become slow, and one over the last second jumps about. Here it
//! is that of the last half minute; and what was said of the time left is kept for a while, counted down, before
//! it is corrected.

use std::{collections::VecDeque, time::Duration};

/// How far back the rate looks.
const WINDOW: Duration = Duration::from_secs(30);

/// Nothing is said before so much time and so many things.
const EARLY: (Duration, u64) = (Duration::from_secs(3), 10);

/// How long what was said is kept.
const STEADY: Duration = Duration::from_secs(5);

/// A count that grows, as it was at some moments. Times count from its beginning.
#[derive(Debug, Default)]
pub(super) struct Course {
    seen: VecDeque<(Duration, u64)>,
    said: Option<(Duration, Duration)>,
}

impl Course {
    /// The count is this now.
    pub(super) fn see(&mut self, now: Duration, count: u64) {
        self.seen.push_back((now, count));
        while self.seen.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= WINDOW) {
            self.seen.pop_front();
        }
    }

    /// How much comes in a second.
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    pub(super) fn rate(&self) -> f64 {
        let (Some((from, before)), Some((to, after))) = (self.seen.front(), self.seen.back()) else { return 0.0 };
        // From the beginning on nothing was there.
        let (from, before) = if *to < WINDOW { (Duration::ZERO, 0) } else { (*from, *before) };
        after.saturating_sub(before) as f64 / to.saturating_sub(from).as_secs_f64().max(0.001)
    }

    /// How long it will take until the count is `all`; none while nobody can know.
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    pub(super) fn left(&mut self, all: u64) -> Option<Duration> {
        let (now, count) = *self.seen.back()?;
        if now < EARLY.0 || count < EARLY.1 || count >= all {
            self.said = None;
            return None;
        }
        if let Some((at, left)) = self.said.filter(|(at, _)| now.saturating_sub(*at) < STEADY) {
            return Some(left.saturating_sub(now.saturating_sub(at)));
        }
        let left = Duration::try_from_secs_f64((all - count) as f64 / self.rate()).ok()?;
        self.said = Some((now, left));
        Some(left)
    }
}

/// A length of time for people: the longer, the coarser.
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
    fn lengths_of_time_for_people() {
        for (time, text) in
            [(9, "9 s"), (11, "15 s"), (90, "2 min"), (3600, "60 min"), (5400, "1 h 30 min"), (86_401, "24 h 10 min")]
        {
            assert_eq!(about(seconds(time)), text);
        }
    }

    #[test]
    fn the_rate_is_that_of_the_last_half_minute() {
        let mut course = Course::default();
        assert!(course.rate().abs() < 0.001);
        for now in 1..=10 {
            course.see(seconds(now), now * 100);
        }
        assert!((course.rate() - 100.0).abs() < 0.001, "{}", course.rate());
        for now in 11..=60 {
            course.see(seconds(now), 1000 + (now - 10) * 10);
        }
        assert!((course.rate() - 10.0).abs() < 0.001, "{}", course.rate());
        assert!(course.seen.len() <= 32, "{}", course.seen.len());
    }

    #[test]
    fn the_time_left_does_not_jump_about() {
        let mut course = Course::default();
        course.see(seconds(1), 500);
        assert_eq!(course.left(1000), None, "too early");
        course.see(seconds(10), 500);
        assert_eq!(course.left(1000), Some(seconds(10)));
        // A burst changes nothing at once, and the time goes on.
        course.see(seconds(12), 900);
        assert_eq!(course.left(1000), Some(seconds(8)));
        course.see(seconds(15), 900);
        assert!(course.left(1000).unwrap() < seconds(2));
        course.see(seconds(16), 1000);
        assert_eq!(course.left(1000), None, "nothing is left");
        let mut stuck = Course::default();
        stuck.see(seconds(1), 20);
        stuck.see(seconds(100), 20);
        stuck.see(seconds(140), 20);
        assert_eq!(stuck.left(1000), None, "nobody knows");
    }
}
