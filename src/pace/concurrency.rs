//! How many downloads run at once.
//!
//! The best number depends on the storage, on the network and on the sizes of documents. Downloads start with a
//! few slots; their number doubles, up to a ceiling, as long as the total throughput doesn't suffer. It halves
//! when storage throttles, or when throughput stays clearly lower for a while.
//!
//! Only time in which all slots were in use counts. [`HillClimb`] is a pure function of what it is given, the time
//! included.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

/// The initial number of slots.
const FIRST: usize = 4;

/// The bytes that a document's overhead counts for.
const OVERHEAD: u64 = 64 * 1024;

/// A window lasts at least this long, and until this many bytes per slot have arrived.
const WINDOW: Duration = Duration::from_millis(50);
const PER_SLOT: u64 = 256 * 1024;

/// Throughput below this share of the best, in this many windows in a row, makes the number fall.
const WORSE: f64 = 0.7;
const WINDOWS: u32 = 3;

/// The best throughput decays by this factor per window, since documents of another size may follow.
const DECAY: f64 = 0.98;

/// The number of windows without growth after a fall.
const REST: u32 = 20;

#[derive(Debug)]
struct HillClimb {
    ceiling: usize,
    slots: usize,
    began: Instant,
    amount: u64,
    /// The best throughput, in bytes per second.
    best: f64,
    worse: u32,
    rest: u32,
}

impl HillClimb {
    fn new(ceiling: usize, now: Instant) -> Self {
        let ceiling = ceiling.max(1);
        Self { ceiling, slots: FIRST.min(ceiling), began: now, amount: 0, best: 0.0, worse: 0, rest: 0 }
    }

    /// Bytes arrived; `all_used` says whether all slots were in use.
    fn received(&mut self, bytes: u64, all_used: bool, now: Instant) {
        self.amount += bytes;
        let lasted = now.saturating_duration_since(self.began);
        if lasted >= WINDOW && self.amount >= PER_SLOT * self.slots as u64 {
            #[expect(clippy::cast_precision_loss, reason = "a rate needs no exact bytes")]
            let rate = self.amount as f64 / lasted.as_secs_f64();
            (self.began, self.amount) = (now, 0);
            if all_used {
                self.evaluate(rate);
            }
        }
    }

    fn evaluate(&mut self, rate: f64) {
        let is_worse = rate < self.best * WORSE;
        self.worse = if is_worse { self.worse + 1 } else { 0 };
        self.best = (self.best * DECAY).max(rate);
        self.rest = self.rest.saturating_sub(1);
        if self.worse >= WINDOWS {
            self.halve();
        } else if !is_worse && self.rest == 0 {
            self.slots = (self.slots * 2).min(self.ceiling);
        }
    }

    /// Storage throttled. Requests in flight report it too: only the first report within a rest counts.
    fn throttled(&mut self) {
        if self.rest < REST {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.slots = (self.slots / 2).max(1);
        // Fewer slots may well be slower.
        (self.best, self.worse, self.rest) = (0.0, 0, REST);
    }
}

/// The slots of all downloads.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    free: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    search: HillClimb,
    /// Existing slots, and how many of them end when they become free.
    existing: usize,
    ending: usize,
}

/// Permission to download, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Slot<'l> {
    slots: &'l ConcurrencyLimit,
    permit: Option<SemaphorePermit<'l>>,
}

impl ConcurrencyLimit {
    /// A limit of up to `ceiling` slots.
    pub fn new(ceiling: usize) -> Self {
        let search = HillClimb::new(ceiling, Instant::now());
        let existing = search.slots;
        Self { free: Semaphore::new(existing), state: Mutex::new(State { search, existing, ending: 0 }) }
    }

    /// Waits for a free slot.
    pub async fn take(&self) -> Slot<'_> {
        // The semaphore is never closed.
        Slot { slots: self, permit: self.free.acquire().await.ok() }
    }

    /// Counts bytes of a document that arrived.
    pub fn received(&self, bytes: u64) {
        self.learn(|search, all_used| search.received(bytes, all_used, Instant::now()));
    }

    /// Counts a response.
    pub fn answered(&self) {
        self.received(OVERHEAD);
    }

    /// Storage throttled.
    pub fn throttled(&self) {
        self.learn(|search, _| search.throttled());
    }

    fn learn(&self, learn: impl FnOnce(&mut HillClimb, bool)) {
        let mut state = self.state();
        learn(&mut state.search, self.free.available_permits() == 0);
        let (slots, now) = (state.search.slots, state.existing - state.ending);
        if slots > now {
            let stay = state.ending.min(slots - now);
            state.ending -= stay;
            let more = slots - now - stay;
            state.existing += more;
            self.free.add_permits(more);
        } else {
            state.ending += now - slots;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        if state.ending > 0
            && let Some(permit) = self.permit.take()
        {
            state.ending -= 1;
            state.existing -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    /// Runs steps of 10 ms against a storage whose throughput in MB/s depends on the slots; returns the slots
    /// after each step.
    fn against(search: &mut HillClimb, now: &mut Instant, steps: usize, rate: impl Fn(usize) -> f64) -> Vec<usize> {
        (0..steps)
            .map(|_| {
                *now += Duration::from_millis(10);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
                search.received((rate(search.slots) * 10_000.0) as u64, true, *now);
                search.slots
            })
            .collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "few slots")]
    fn per_slot(slots: usize) -> f64 {
        slots as f64 * 20.0
    }

    #[test]
    fn slots_follow_throughput() {
        type Storage = fn(usize) -> f64;
        #[rustfmt::skip]
        let table: [(&str, usize, Storage, usize, usize); 6] = [
            // storage                      ceiling  MB/s            steps  slots
            ("each slot brings as much",    32,      per_slot,         20, 32),
            ("the ceiling is low",          6,       per_slot,         20, 6),
            ("one slot is the ceiling",     1,       per_slot,         20, 1),
            ("a fast one that is full",     32,      |_| 400.0,        20, 32),
            ("a slow one takes longer",     32,      |_| 2.0,          20, 4),
            ("a slow one in the end",       32,      |_| 2.0,        1000, 32),
        ];
        for (name, ceiling, rate, steps, slots) in table {
            let mut now = Instant::now();
            let mut search = HillClimb::new(ceiling, now);
            assert_eq!(against(&mut search, &mut now, steps, rate).last(), Some(&slots), "{name}");
        }
    }

    #[test]
    fn too_many_slots_are_given_up() {
        // More than 16 slow each other down.
        let rate = |slots: usize| if slots > 16 { 60.0 } else { per_slot(slots) };
        let mut now = Instant::now();
        let mut search = HillClimb::new(64, now);
        let slots = against(&mut search, &mut now, 2000, rate);
        let good = slots.iter().filter(|slots| (8..=16).contains(*slots)).count();
        assert!(good > 1200, "{good}");
    }

    #[test]
    fn throttling_halves_the_slots_once_for_a_while() {
        let mut now = Instant::now();
        let mut search = HillClimb::new(32, now);
        against(&mut search, &mut now, 30, per_slot);
        for _ in 0..32 {
            search.throttled();
        }
        assert_eq!(search.slots, 16, "a burst of refusals counts once");
        assert!(against(&mut search, &mut now, 80, per_slot).iter().all(|slots| *slots == 16));
        assert_eq!(against(&mut search, &mut now, 60, per_slot).last(), Some(&32));
    }

    #[test]
    fn unused_slots_do_not_grow() {
        let mut now = Instant::now();
        let mut search = HillClimb::new(32, now);
        for _ in 0..100 {
            now += WINDOW;
            search.received(100 << 20, false, now);
        }
        assert_eq!(search.slots, FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn waiters_get_freed_and_new_slots() {
        let slots = ConcurrencyLimit::new(8);
        let mut taken: Vec<Slot<'_>> = (0..FIRST).map(|_| slots.take().now_or_never().unwrap()).collect();
        assert!(slots.take().now_or_never().is_none());
        taken.pop();
        taken.push(slots.take().now_or_never().unwrap());
        tokio::time::advance(WINDOW).await;
        slots.received(PER_SLOT * 4);
        taken.extend((0..4).map(|_| slots.take().now_or_never().unwrap()));
        assert!(slots.take().now_or_never().is_none());
        slots.throttled();
        for slot in taken.drain(..4) {
            drop(slot);
            assert!(slots.take().now_or_never().is_none(), "four of eight end");
        }
        taken.pop();
        assert!(slots.take().now_or_never().is_some());
    }
}
