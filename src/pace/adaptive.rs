//! Which rate, where nobody knows what the service grants.
//!
//! The service is shared with people at work, and its limit is not documented. So the rate starts
//! moderate, rises while the service answers well, and falls by a share when it has had enough: an
//! answer 429, a share of 503 among the answers, or answers that become much slower than they were.
//! Each fall remembers the rate at which it came. From then on the rate returns to that one quickly,
//! lingers there, and only then tries whether more is granted (the curve is that of CUBIC congestion
//! control, RFC 9438, over a fixed time): the rate that held is used most of the time, and a try that
//! costs refused requests comes seldom.
//!
//! - Only time in which somebody waited for the rate counts: what isn't used proves nothing.
//! - What was sent before a fall says nothing of the rate after it: a storm of refusals is one fall.
//! - An answer is slow compared with its like, since a page takes longer than a link. If a lower rate
//!   makes it no faster, that is how fast the service is now, and no reason to fall again.
//! - Values in, values out: time is passed in.

use std::time::Duration;

use tokio::time::Instant;

use super::SavedRate;

/// Where a service that is not known yet is begun with, in requests per second.
const FIRST: f64 = 10.0;

/// The rate never falls below.
const FLOOR: f64 = 0.5;

/// What is left of the rate after a fall; after one that came soon after another.
const FALL: f64 = 0.85;
const STEEP_FALL: f64 = 0.7;

/// A fall within so long of another one means that the rate is far off.
const SOON: Duration = Duration::from_secs(10);

/// While nothing was ever refused, the rate grows by so much in so long.
const GROWTH: f64 = 1.5;
const GROWS_IN: Duration = Duration::from_secs(5);

/// How long it takes to return to the rate that was too much: as long as so many requests, but so
/// many seconds at least and at most.
const RETURN_REQUESTS: f64 = 400.0;
const RETURN: std::ops::RangeInclusive<f64> = 30.0..=200.0;

/// Gaps longer than this between two requests that waited, and than a few intervals, are time in
/// which the rate was not used.
const IN_USE: f64 = 1.5;
const INTERVALS_IN_USE: f64 = 2.5;

/// Answers are slow when they take so many times as long as they did, and so much longer.
const SLOWER: f64 = 3.0;
const SLOWER_BY: f64 = 0.5;

/// Answers between two falls for slowness at least.
const ANSWERS: u32 = 50;

/// The share of 503 among the last answers that is taken for "enough".
const UNAVAILABLE: f64 = 0.1;

/// Over how many answers the last ones are averaged.
const LAST: f64 = 20.0;

/// What was asked for. Each kind is compared with itself: a page takes longer than a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// Many things at once.
    Page,
    /// One thing.
    One,
}

/// The rate as it follows from the answers.
#[derive(Debug)]
pub(super) struct Adaptive {
    ceiling: f64,
    rate: f64,
    /// The rate at which the service last had enough.
    enough: Option<f64>,
    /// The rate that held before.
    before: Option<SavedRate>,
    /// Since when the rate rises, in time that was used.
    risen: Duration,
    base: f64,
    fell: Option<Instant>,
    used: Option<Instant>,
    pages: Answers,
    ones: Answers,
    /// The share of 503 among the last answers.
    unavailable: f64,
}

/// What the last answers of a kind were like.
#[derive(Debug, Default)]
struct Answers {
    since_fall: u32,
    /// Seconds: what an answer takes now, and what it took at best.
    now: Option<f64>,
    best: Option<f64>,
}

impl Adaptive {
    /// Begins anew, or near the rate that held before.
    pub(super) fn new(ceiling: f64, held: Option<SavedRate>) -> Self {
        let floor = FLOOR.min(ceiling);
        let rate = held.map_or(FIRST, |held| held.rate * FALL).clamp(floor, ceiling);
        Self {
            ceiling,
            rate,
            enough: held.filter(|held| held.limit).map(|held| held.rate.clamp(floor, ceiling)),
            before: held,
            risen: Duration::ZERO,
            base: rate,
            fell: None,
            used: None,
            pages: Answers::default(),
            ones: Answers::default(),
            unavailable: 0.0,
        }
    }

    /// Requests per second, now.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// The rate to begin with the next time: the one that was too much, or the highest that was reached.
    pub(super) fn held(&self) -> SavedRate {
        // A ceiling below what held says nothing about the service.
        if let Some(held) = self.before.filter(|held| held.rate > self.ceiling && self.fell.is_none()) {
            return held;
        }
        match self.enough {
            Some(rate) if self.rate <= rate => SavedRate { rate, limit: true },
            _ => SavedRate { rate: self.rate.max(self.before.map_or(0.0, |held| held.rate)), limit: false },
        }
    }

    /// Somebody had to wait for the rate: it is used.
    pub(super) fn waited(&mut self, now: Instant) {
        if let Some(before) = self.used.replace(now) {
            let gap = now.saturating_duration_since(before);
            if gap.as_secs_f64() <= IN_USE.max(INTERVALS_IN_USE / self.rate) {
                self.risen += gap;
                self.rise();
            }
        }
    }

    /// An answer came to what was sent then.
    pub(super) fn answered(&mut self, asked: RequestKind, sent: Instant, now: Instant) {
        self.unavailable -= self.unavailable / LAST;
        let answers = match asked {
            RequestKind::Page => &mut self.pages,
            RequestKind::One => &mut self.ones,
        };
        answers.note(now.saturating_duration_since(sent).as_secs_f64());
        if answers.are_slow() {
            answers.best = answers.now;
            self.fall(sent, now);
        }
    }

    /// The service couldn't answer what was sent then (503).
    pub(super) fn unavailable(&mut self, sent: Instant, now: Instant) {
        self.unavailable += (1.0 - self.unavailable) / LAST;
        if self.unavailable > UNAVAILABLE {
            self.unavailable = 0.0;
            self.fall(sent, now);
        }
    }

    /// The service had enough of what was sent then.
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
                // At the lowest rate nothing was left to fall, and it rises all the same.
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
        // What was best is forgotten slowly: the service may have become another one.
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

    /// A client that always has something to ask, against a bucket that grants so much; after a
    /// refusal everybody waits for a second. Returns what was served and refused in each second.
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
                // What is under way with it is refused as well.
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
    fn most_of_an_unknown_limit_is_used_and_little_refused() {
        for granted in [2.0, 5.0, 10.0, 20.0, 40.0] {
            let seconds = against(&mut Adaptive::new(50.0, None), granted, 600);
            let served: u32 = seconds[60..].iter().map(|(served, _)| served).sum();
            let refused: u32 = seconds.iter().map(|(_, refused)| refused).sum();
            let all: u32 = seconds.iter().map(|(served, refused)| served + refused).sum();
            let share = f64::from(served) / (540.0 * granted);
            let refused = f64::from(refused) / f64::from(all);
            assert!(share >= 0.9, "{granted}: {share}");
            // The way down from where it begins costs a few, which a rate this low takes long to outnumber.
            assert!(refused <= if granted < 5.0 { 0.02 } else { 0.01 }, "{granted}: {refused}");
        }
    }

    #[test]
    fn what_held_is_where_the_next_run_begins() {
        let mut first = Adaptive::new(50.0, None);
        against(&mut first, 20.0, 300);
        let held = first.held();
        assert!(held.limit && (19.0..=25.0).contains(&held.rate), "{held:?}");
        let seconds = against(&mut Adaptive::new(50.0, Some(held)), 20.0, 60);
        let served: u32 = seconds.iter().map(|(served, _)| served).sum();
        assert!(f64::from(served) >= 0.85 * 60.0 * 20.0, "{served}");
    }

    #[test]
    fn quiet_nights_forget_nothing() {
        for limit in [true, false] {
            let mut held = SavedRate { rate: 30.0, limit };
            for _ in 0..20 {
                held = Adaptive::new(50.0, Some(held)).held();
            }
            assert_eq!(held, SavedRate { rate: 30.0, limit });
        }
    }

    #[test]
    fn a_night_with_a_low_ceiling_is_not_remembered_as_a_limit() {
        let held = SavedRate { rate: 20.0, limit: true };
        let adaptive = Adaptive::new(3.0, Some(held));
        assert!(adaptive.rate() <= 3.0);
        assert_eq!(adaptive.held(), held);
    }

    #[test]
    fn the_ceiling_protects_others() {
        let mut adaptive = Adaptive::new(12.0, None);
        against(&mut adaptive, 1000.0, 120);
        assert!((adaptive.rate() - 12.0).abs() < 1e-9);
        for limit in [true, false] {
            assert!(Adaptive::new(3.0, Some(SavedRate { rate: 80.0, limit })).rate() <= 3.0);
        }
        assert!(Adaptive::new(3.0, None).rate() <= 3.0 && Adaptive::new(0.2, None).rate() <= 0.2);
    }

    #[test]
    fn a_rate_that_is_not_used_does_not_rise() {
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
    fn a_storm_is_one_fall() {
        let (mut adaptive, start) = (Adaptive::new(50.0, None), Instant::now());
        for n in 0..30 {
            adaptive.fall(start + n * SECOND / 100, start + SECOND);
        }
        assert!((adaptive.rate() - FIRST * STEEP_FALL).abs() < 1e-9, "{}", adaptive.rate());
        adaptive.fall(start + 2 * SECOND, start + 3 * SECOND);
        assert!(adaptive.rate() < FIRST * STEEP_FALL * STEEP_FALL + 1e-9);
    }

    /// So many answers that took so long, all of them sent by and by.
    fn answers(adaptive: &mut Adaptive, now: &mut Instant, asked: RequestKind, millis: u64, count: u32) {
        for _ in 0..count {
            *now += SECOND / 10;
            adaptive.answered(asked, *now, *now + Duration::from_millis(millis));
        }
    }

    #[test]
    fn slower_answers_make_it_fall() {
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
    fn a_service_that_can_answer_less_makes_it_fall() {
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
