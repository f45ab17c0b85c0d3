//! Finds the request rate when the service's limit is unknown.
//!
//! The rate starts moderate, rises while the service answers well, and falls on a 429, on a share of 503s, or when
//! responses become much slower. Each fall remembers the rate at which it happened. The rate then returns there
//! quickly, stays near it, and only later probes above it (the curve of CUBIC congestion control, RFC 9438, over a
//! fixed time): refused requests are rare.
//!
//! - Only time in which a request waited for the rate counts: an unused rate proves nothing.
//! - Requests sent before a fall say nothing about the rate after it: a burst of refusals is one fall.
//! - Latency is compared per kind of request, since a page takes longer than a link. If a lower rate doesn't make
//!   responses faster, it doesn't fall again for that reason.
//! - Time is passed in.

use std::time::Duration;

use tokio::time::Instant;

use super::SavedRate;

/// The first rate for an unknown service, in requests per second.
const FIRST: f64 = 10.0;

/// The lowest rate.
const FLOOR: f64 = 0.5;

/// The factor of a fall, and of a fall soon after another.
const FALL: f64 = 0.85;
const STEEP_FALL: f64 = 0.7;

/// A fall this soon after another means that the rate is far too high.
const SOON: Duration = Duration::from_secs(10);

/// Until the first refusal, the rate grows by this factor in this time.
const GROWTH: f64 = 1.5;
const GROWS_IN: Duration = Duration::from_secs(5);

/// The time to return to the rate of the last fall: as long as this many requests take, within bounds in seconds.
const RETURN_REQUESTS: f64 = 400.0;
const RETURN: std::ops::RangeInclusive<f64> = 30.0..=200.0;

/// After a longer gap between two requests that waited (in seconds, and in intervals) the rate counts as unused.
const IN_USE: f64 = 1.5;
const INTERVALS_IN_USE: f64 = 2.5;

/// Responses are slow if they take this many times their best time, and this many seconds more.
const SLOWER: f64 = 3.0;
const SLOWER_BY: f64 = 0.5;

/// The minimum number of responses between two falls for slowness.
const ANSWERS: u32 = 50;

/// The share of 503s among recent responses that makes the rate fall.
const UNAVAILABLE: f64 = 0.1;

/// The number of responses in the moving average.
const LAST: f64 = 20.0;

/// A kind of request; latency is compared within a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// Returns many items.
    Page,
    /// Returns one item.
    One,
    /// Returns how many items there are; too few of them are sent to compare their latency.
    Total,
}

#[derive(Debug)]
pub(super) struct Adaptive {
    ceiling: f64,
    rate: f64,
    /// The rate at the last fall.
    enough: Option<f64>,
    /// The rate that an earlier run saved.
    before: Option<SavedRate>,
    /// How long the rate has been rising, in time that was used.
    risen: Duration,
    base: f64,
    fell: Option<Instant>,
    used: Option<Instant>,
    pages: Answers,
    ones: Answers,
    /// The share of 503s among recent responses.
    unavailable: f64,
}

/// Recent responses of one kind.
#[derive(Debug, Default)]
struct Answers {
    since_fall: u32,
    /// In seconds: the moving average, and its best value.
    now: Option<f64>,
    best: Option<f64>,
}

impl Adaptive {
    /// Starts afresh, or near the rate that an earlier run saved.
    pub(super) fn new(ceiling: f64, saved: Option<SavedRate>) -> Self {
        let floor = FLOOR.min(ceiling);
        let rate = saved.map_or(FIRST, |saved| saved.rate * FALL).clamp(floor, ceiling);
        Self {
            ceiling,
            rate,
            enough: saved.filter(|saved| saved.limit).map(|saved| saved.rate.clamp(floor, ceiling)),
            before: saved,
            risen: Duration::ZERO,
            base: rate,
            fell: None,
            used: None,
            pages: Answers::default(),
            ones: Answers::default(),
            unavailable: 0.0,
        }
    }

    /// In requests per second.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// The rate that the next run starts from: that of the last fall, or the highest one reached.
    pub(super) fn rate_to_save(&self) -> SavedRate {
        // A ceiling below the saved rate says nothing about the service.
        if let Some(saved) = self.before.filter(|saved| saved.rate > self.ceiling && self.fell.is_none()) {
            return saved;
        }
        match self.enough {
            Some(rate) if self.rate <= rate => SavedRate { rate, limit: true },
            _ => SavedRate { rate: self.rate.max(self.before.map_or(0.0, |saved| saved.rate)), limit: false },
        }
    }

    /// A request had to wait for the rate.
    pub(super) fn waited(&mut self, now: Instant) {
        if let Some(before) = self.used.replace(now) {
            let gap = now.saturating_duration_since(before);
            if gap.as_secs_f64() <= IN_USE.max(INTERVALS_IN_USE / self.rate) {
                self.risen += gap;
                self.rise();
            }
        }
    }

    /// A request sent at `sent` was answered.
    pub(super) fn answered(&mut self, asked: RequestKind, sent: Instant, now: Instant) {
        self.unavailable -= self.unavailable / LAST;
        let answers = match asked {
            RequestKind::Page => &mut self.pages,
            RequestKind::One => &mut self.ones,
            RequestKind::Total => return,
        };
        answers.note(now.saturating_duration_since(sent).as_secs_f64());
        if answers.are_slow() {
            answers.best = answers.now;
            self.fall(sent, now);
        }
    }

    /// A request sent at `sent` was answered with 503.
    pub(super) fn unavailable(&mut self, sent: Instant, now: Instant) {
        self.unavailable += (1.0 - self.unavailable) / LAST;
        if self.unavailable > UNAVAILABLE {
            self.unavailable = 0.0;
            self.fall(sent, now);
        }
    }

    /// Lowers the rate because of a request sent at `sent`.
    pub(super) fn fall(&mut self, sent: Instant, now: Instant) {
        if self.fell.is_some_and(|fell| sent <= fell) {
            return;
        }
        let soon = self.fell.is_some_and(|fell| now.saturating_duration_since(fell) < SOON);
        let first = self.enough.is_none();
        self.enough = Some(self.rate);
        self.rate = (self.rate * if soon || first { STEEP_FALL } else { FALL }).max(FLOOR.min(self.ceiling));
        self.base = self.rate;
        self.risen = Duration::ZERO;
        self.fell = Some(now);
        self.used = None;
        self.pages.since_fall = 0;
        self.ones.since_fall = 0;
    }

    fn rise(&mut self) {
        let risen = self.risen.as_secs_f64();
        let rate = match self.enough {
            None => self.base * GROWTH.powf(risen / GROWS_IN.as_secs_f64()),
            Some(enough) => {
                let back = (RETURN_REQUESTS / enough).clamp(*RETURN.start(), *RETURN.end());
                // At the lowest rate `base` equals `enough`, and the rate must still rise.
                let depth = (enough - self.base).max(enough * (1.0 - FALL));
                enough + depth * (risen / back - 1.0).powi(3)
            }
        };
        self.rate = rate.clamp(self.rate, self.ceiling.max(self.rate));
    }
}

impl Answers {
    fn note(&mut self, took: f64) {
        self.since_fall += 1;
        let now = self.now.map_or(took, |now| now + (took - now) / LAST);
        self.now = Some(now);
        // The best value decays slowly, because the service may have changed.
        self.best = Some(self.best.map_or(now, |best| (best * 1.000_5).min(now)));
    }

    fn are_slow(&self) -> bool {
        let (Some(now), Some(best)) = (self.now, self.best) else { return false };
        self.since_fall >= ANSWERS && now > best * SLOWER && now > best + SLOWER_BY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A client with unlimited work against a token bucket; after a refusal all requests wait for a second.
    /// Returns how many were served and refused in each second.
    fn against(adaptive: &mut Adaptive, granted: f64, seconds: u32) -> Vec<(u32, u32)> {
        let start = Instant::now();
        let (mut now, mut bucket, mut filled) = (start, granted, start);
        let mut per_second = vec![(0, 0); usize::try_from(seconds).unwrap()];
        while let Some(second) =
            per_second.get_mut(usize::try_from(now.duration_since(start).as_secs()).unwrap_or(usize::MAX))
        {
            bucket = (bucket + now.duration_since(filled).as_secs_f64() * granted).min(granted);
            filled = now;
            adaptive.waited(now);
            if bucket >= 1.0 {
                bucket -= 1.0;
                second.0 += 1;
                adaptive.answered(RequestKind::One, now, now + Duration::from_millis(30));
            } else {
                // Requests in flight are refused as well.
                second.1 += 2;
                adaptive.fall(now, now);
                adaptive.fall(now, now);
                now += SECOND;
            }
            now += Duration::from_secs_f64(1.0 / adaptive.rate());
        }
        per_second
    }

    #[test]
    fn finds_an_unknown_limit_with_few_refusals() {
        for granted in [2.0, 5.0, 10.0, 20.0, 40.0] {
            let seconds = against(&mut Adaptive::new(50.0, None), granted, 600);
            let served: u32 = seconds[60..].iter().map(|(served, _)| served).sum();
            let refused: u32 = seconds.iter().map(|(_, refused)| refused).sum();
            let all: u32 = seconds.iter().map(|(served, refused)| served + refused).sum();
            let share = f64::from(served) / (540.0 * granted);
            let refused = f64::from(refused) / f64::from(all);
            assert!(share >= 0.9, "{granted}: {share}");
            // The initial descent costs a few refusals, which weigh more at a low rate.
            assert!(refused <= if granted < 5.0 { 0.02 } else { 0.01 }, "{granted}: {refused}");
        }
    }

    #[test]
    fn the_next_run_starts_near_the_saved_rate() {
        let mut first = Adaptive::new(50.0, None);
        against(&mut first, 20.0, 300);
        let saved = first.rate_to_save();
        assert!(saved.limit && (19.0..=25.0).contains(&saved.rate), "{saved:?}");
        let seconds = against(&mut Adaptive::new(50.0, Some(saved)), 20.0, 60);
        let served: u32 = seconds.iter().map(|(served, _)| served).sum();
        assert!(f64::from(served) >= 0.85 * 60.0 * 20.0, "{served}");
    }

    #[test]
    fn idle_runs_keep_the_saved_rate() {
        for limit in [true, false] {
            let mut saved = SavedRate { rate: 30.0, limit };
            for _ in 0..20 {
                saved = Adaptive::new(50.0, Some(saved)).rate_to_save();
            }
            assert_eq!(saved, SavedRate { rate: 30.0, limit });
        }
    }

    #[test]
    fn a_low_ceiling_does_not_overwrite_the_saved_rate() {
        let saved = SavedRate { rate: 20.0, limit: true };
        let adaptive = Adaptive::new(3.0, Some(saved));
        assert!(adaptive.rate() <= 3.0);
        assert_eq!(adaptive.rate_to_save(), saved);
    }

    #[test]
    fn the_rate_never_exceeds_the_ceiling() {
        let mut adaptive = Adaptive::new(12.0, None);
        against(&mut adaptive, 1000.0, 120);
        assert!((adaptive.rate() - 12.0).abs() < 1e-9);
        for limit in [true, false] {
            assert!(Adaptive::new(3.0, Some(SavedRate { rate: 80.0, limit })).rate() <= 3.0);
        }
        assert!(Adaptive::new(3.0, None).rate() <= 3.0 && Adaptive::new(0.2, None).rate() <= 0.2);
    }

    #[test]
    fn an_unused_rate_does_not_rise() {
        let (mut adaptive, mut now) = (Adaptive::new(50.0, None), Instant::now());
        for _ in 0..1000 {
            now += 2 * SECOND;
            adaptive.waited(now);
            adaptive.answered(RequestKind::One, now, now + SECOND / 10);
        }
        assert!((adaptive.rate() - FIRST).abs() < 1e-9, "{}", adaptive.rate());
    }

    #[test]
    fn the_lowest_rate_rises_again() {
        let (mut adaptive, mut now) = (Adaptive::new(50.0, None), Instant::now());
        for _ in 0..100 {
            now += SECOND;
            adaptive.fall(now, now);
        }
        assert!((adaptive.rate() - FLOOR).abs() < 1e-9, "it never stops altogether");
        let seconds = against(&mut adaptive, 20.0, 1800);
        let last: u32 = seconds[1600..].iter().map(|(served, _)| served).sum();
        assert!(last > 200 * 15, "{last}");
    }

    #[test]
    fn a_burst_of_refusals_is_one_fall() {
        let (mut adaptive, start) = (Adaptive::new(50.0, None), Instant::now());
        for n in 0..30 {
            adaptive.fall(start + n * SECOND / 100, start + SECOND);
        }
        assert!((adaptive.rate() - FIRST * STEEP_FALL).abs() < 1e-9, "{}", adaptive.rate());
        adaptive.fall(start + 2 * SECOND, start + 3 * SECOND);
        assert!(adaptive.rate() < FIRST * STEEP_FALL * STEEP_FALL + 1e-9);
    }

    /// `count` responses of `millis` each, sent one after the other.
    fn answers(adaptive: &mut Adaptive, now: &mut Instant, asked: RequestKind, millis: u64, count: u32) {
        for _ in 0..count {
            *now += SECOND / 10;
            adaptive.answered(asked, *now, *now + Duration::from_millis(millis));
        }
    }

    #[test]
    fn slower_responses_lower_the_rate() {
        let (mut adaptive, mut now) = (Adaptive::new(50.0, None), Instant::now());
        answers(&mut adaptive, &mut now, RequestKind::One, 50, 200);
        answers(&mut adaptive, &mut now, RequestKind::One, 120, 200);
        answers(&mut adaptive, &mut now, RequestKind::Page, 2000, 200);
        assert!(adaptive.rate() >= FIRST, "a little slower is no trouble, nor are pages");
        answers(&mut adaptive, &mut now, RequestKind::One, 2000, 100);
        let fallen = adaptive.rate();
        assert!(fallen < FIRST);
        answers(&mut adaptive, &mut now, RequestKind::One, 2000, 1000);
        assert!(adaptive.rate() >= fallen, "a lower rate is no help");
        answers(&mut adaptive, &mut now, RequestKind::One, 50, 200);
        answers(&mut adaptive, &mut now, RequestKind::One, 2000, 100);
        assert!(adaptive.rate() < fallen);
    }

    #[test]
    fn many_503s_lower_the_rate() {
        let (mut adaptive, mut now) = (Adaptive::new(50.0, None), Instant::now());
        for _ in 0..50 {
            answers(&mut adaptive, &mut now, RequestKind::One, 50, 30);
            adaptive.unavailable(now, now);
        }
        assert!(adaptive.rate() >= FIRST, "one in thirty is a service as they are");
        for _ in 0..5 {
            adaptive.unavailable(now, now);
        }
        assert!(adaptive.rate() < FIRST);
    }
}
