//! How many downloads go on at once.
//!
//! Storage is another service than the API, and how many downloads it serves best depends on it, on the
//! way to it and on how large documents are. So a few begin, and their number doubles as long as that
//! does no harm to what comes through them in all, up to a ceiling. It halves when storage says that it
//! has had enough, or when clearly less comes through for a while.
//!
//! Only time in which all lanes were taken counts: who waits for something else says nothing of storage.
//! [`Climb`] is values in, values out: time is passed in.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

/// How many begin.
const FIRST: usize = 4;

/// What a document counts besides its bytes: asking for it takes as long as so many.
const DOCUMENT: u64 = 64 * 1024;

/// A window lasts so long at least, and until so many bytes came through each lane on average.
const WINDOW: Duration = Duration::from_millis(50);
const PER_LANE: u64 = 256 * 1024;

/// It does harm when less than this share of the best comes through, in so many windows in a row.
const HARM: f64 = 0.7;
const WINDOWS: u32 = 3;

/// What is left of the best after a window: documents of another size may have come.
const MEMORY: f64 = 0.98;

/// Windows without growth after harm.
const REST: u32 = 20;

/// The number of lanes, as it follows from what comes through them.
#[derive(Debug)]
struct Climb {
    ceiling: usize,
    lanes: usize,
    began: Instant,
    amount: u64,
    /// Bytes per second at best.
    best: f64,
    worse: u32,
    rest: u32,
}

impl Climb {
    fn new(ceiling: usize, now: Instant) -> Self {
        let ceiling = ceiling.max(1);
        Self { ceiling, lanes: FIRST.min(ceiling), began: now, amount: 0, best: 0.0, worse: 0, rest: 0 }
    }

    /// Bytes came through; `taken` says whether all lanes are taken.
    fn came(&mut self, bytes: u64, taken: bool, now: Instant) {
        self.amount += bytes;
        let lasted = now.saturating_duration_since(self.began);
        if lasted >= WINDOW && self.amount >= PER_LANE * self.lanes as u64 {
            #[expect(clippy::cast_precision_loss, reason = "a rate needs no exact bytes")]
            let rate = self.amount as f64 / lasted.as_secs_f64();
            (self.began, self.amount) = (now, 0);
            if taken {
                self.judge(rate);
            }
        }
    }

    fn judge(&mut self, rate: f64) {
        let harm = rate < self.best * HARM;
        self.worse = if harm { self.worse + 1 } else { 0 };
        self.best = (self.best * MEMORY).max(rate);
        self.rest = self.rest.saturating_sub(1);
        if self.worse >= WINDOWS {
            self.halve();
        } else if !harm && self.rest == 0 {
            self.lanes = (self.lanes * 2).min(self.ceiling);
        }
    }

    /// Storage has had enough. What is under way says so too: once it was heard, a rest follows.
    fn enough(&mut self) {
        if self.rest < REST {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.lanes = (self.lanes / 2).max(1);
        // Fewer lanes may well bring less, and that is no harm.
        (self.best, self.worse, self.rest) = (0.0, 0, REST);
    }
}

/// The lanes of all downloads.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    free: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    climb: Climb,
    /// Lanes that there are, and of those how many end when they become free.
    there: usize,
    ending: usize,
}

/// Leave to download. It ends when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Slot<'l> {
    lanes: &'l ConcurrencyLimit,
    permit: Option<SemaphorePermit<'l>>,
}

impl ConcurrencyLimit {
    /// Up to so many lanes.
    pub fn new(ceiling: usize) -> Self {
        let climb = Climb::new(ceiling, Instant::now());
        let there = climb.lanes;
        Self { free: Semaphore::new(there), state: Mutex::new(State { climb, there, ending: 0 }) }
    }

    /// Waits for a lane.
    pub async fn take(&self) -> Slot<'_> {
        // It is never closed.
        Slot { lanes: self, permit: self.free.acquire().await.ok() }
    }

    /// Bytes of a document came.
    pub fn came(&self, bytes: u64) {
        self.learn(|climb, taken| climb.came(bytes, taken, Instant::now()));
    }

    /// The answer to a request began.
    pub fn answered(&self) {
        self.came(DOCUMENT);
    }

    /// Storage asked for patience.
    pub fn enough(&self) {
        self.learn(|climb, _| climb.enough());
    }

    fn learn(&self, learn: impl FnOnce(&mut Climb, bool)) {
        let mut state = self.state();
        learn(&mut state.climb, self.free.available_permits() == 0);
        let (lanes, now) = (state.climb.lanes, state.there - state.ending);
        if lanes > now {
            let stay = state.ending.min(lanes - now);
            state.ending -= stay;
            let more = lanes - now - stay;
            state.there += more;
            self.free.add_permits(more);
        } else {
            state.ending += now - lanes;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.lanes.state();
        if state.ending > 0
            && let Some(permit) = self.permit.take()
        {
            state.ending -= 1;
            state.there -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    /// Runs against a storage whose throughput in MB/s follows from the lanes, in steps of 10 ms; returns the
    /// lanes after each of so many steps.
    fn against(climb: &mut Climb, now: &mut Instant, steps: usize, rate: impl Fn(usize) -> f64) -> Vec<usize> {
        (0..steps)
            .map(|_| {
                *now += Duration::from_millis(10);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
                climb.came((rate(climb.lanes) * 10_000.0) as u64, true, *now);
                climb.lanes
            })
            .collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "few lanes")]
    fn per_lane(lanes: usize) -> f64 {
        lanes as f64 * 20.0
    }

    #[test]
    fn lanes_follow_what_comes_through() {
        type Storage = fn(usize) -> f64;
        #[rustfmt::skip]
        let table: [(&str, usize, Storage, usize, usize); 6] = [
            // storage                      ceiling  MB/s            steps  lanes then
            ("each lane brings as much",    32,      per_lane,         20, 32),
            ("the ceiling is low",          6,       per_lane,         20, 6),
            ("one lane is the ceiling",     1,       per_lane,         20, 1),
            ("a fast one that is full",     32,      |_| 400.0,        20, 32),
            ("a slow one takes longer",     32,      |_| 2.0,          20, 4),
            ("a slow one in the end",       32,      |_| 2.0,        1000, 32),
        ];
        for (name, ceiling, rate, steps, lanes) in table {
            let mut now = Instant::now();
            let mut climb = Climb::new(ceiling, now);
            assert_eq!(against(&mut climb, &mut now, steps, rate).last(), Some(&lanes), "{name}");
        }
    }

    #[test]
    fn too_many_lanes_are_left() {
        // Above 16 they are in each other's way.
        let rate = |lanes: usize| if lanes > 16 { 60.0 } else { per_lane(lanes) };
        let mut now = Instant::now();
        let mut climb = Climb::new(64, now);
        let lanes = against(&mut climb, &mut now, 2000, rate);
        let good = lanes.iter().filter(|lanes| (8..=16).contains(*lanes)).count();
        assert!(good > 1200, "{good}");
    }

    #[test]
    fn a_storage_that_has_had_enough_is_left_alone_for_a_while() {
        let mut now = Instant::now();
        let mut climb = Climb::new(32, now);
        against(&mut climb, &mut now, 30, per_lane);
        for _ in 0..32 {
            climb.enough();
        }
        assert_eq!(climb.lanes, 16, "a storm is one word");
        assert!(against(&mut climb, &mut now, 80, per_lane).iter().all(|lanes| *lanes == 16));
        assert_eq!(against(&mut climb, &mut now, 60, per_lane).last(), Some(&32));
    }

    #[test]
    fn lanes_that_are_not_needed_are_not_made() {
        let mut now = Instant::now();
        let mut climb = Climb::new(32, now);
        for _ in 0..100 {
            now += WINDOW;
            climb.came(100 << 20, false, now);
        }
        assert_eq!(climb.lanes, FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_a_lane_that_is_left_or_made() {
        let lanes = ConcurrencyLimit::new(8);
        let mut held: Vec<Slot<'_>> = (0..FIRST).map(|_| lanes.take().now_or_never().unwrap()).collect();
        assert!(lanes.take().now_or_never().is_none());
        held.pop();
        held.push(lanes.take().now_or_never().unwrap());
        tokio::time::advance(WINDOW).await;
        lanes.came(PER_LANE * 4);
        held.extend((0..4).map(|_| lanes.take().now_or_never().unwrap()));
        assert!(lanes.take().now_or_never().is_none());
        lanes.enough();
        for lane in held.drain(..4) {
            drop(lane);
            assert!(lanes.take().now_or_never().is_none(), "four of eight end");
        }
        held.pop();
        assert!(lanes.take().now_or_never().is_some());
    }
}
