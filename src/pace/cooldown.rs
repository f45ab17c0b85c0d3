//! What slows everybody at once.
//!
//! An answer 429 speaks of the client as a whole, so it holds back every request, not only the
//! one that got it. How long is the service's word (`Retry-After`), or else a delay that
//! grows as long as each hold is followed by another 429.
//!
//! When the service has had enough, all requests under way are told so. They were sent before the
//! hold began, so they are one event: only a request that was sent after the last hold began
//! makes the delay grow, and only such a one, well answered, takes it back. A [`Permit`]
//! remembers when that was.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use tokio::time::Instant;

use crate::pace::LONGEST_WAIT;

/// The delay after the first 429 that names none, and the longest.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// A hold that lasts longer than this is logged, once.
const TOLD: Duration = Duration::from_secs(5);

/// Leave to send one request; how the service answered it is told with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    pub(super) sent: Instant,
    /// How many holds had begun when it was given.
    holds: u64,
}

impl Permit {
    /// When it was given.
    pub fn sent(&self) -> Instant {
        self.sent
    }
}

#[derive(Debug, Default)]
pub(super) struct Cooldown(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Nobody gets a permit before.
    until: Option<Instant>,
    /// How many holds have begun.
    holds: u64,
    /// How many 429 in a row had to be answered by a delay of our own.
    step: u32,
    /// The end of a hold that was logged last.
    told: Option<Instant>,
}

impl Cooldown {
    /// Leave to go, or the time until which everybody is held back.
    pub(super) fn pass(&self) -> Result<Permit, Instant> {
        let state = self.state();
        let now = Instant::now();
        match state.until {
            Some(until) if until > now => Err(until),
            _ => Ok(Permit { sent: now, holds: state.holds }),
        }
    }

    pub(super) fn hold(&self, wait: Duration) {
        self.state().extend(wait);
    }

    pub(super) fn throttled(&self, permit: Permit, retry_after: Option<Duration>) {
        let mut state = self.state();
        // Nothing to wait for, as a clock that is behind writes it, is as good as no word.
        if let Some(wait) = retry_after.filter(|wait| !wait.is_zero()) {
            state.extend(wait);
        } else if permit.holds == state.holds {
            let delay = FIRST_DELAY.saturating_mul(1 << state.step.min(16)).min(LONGEST_DELAY);
            state.step = state.step.saturating_add(1);
            state.extend(delay);
        }
    }

    pub(super) fn answered(&self, permit: Permit) {
        let mut state = self.state();
        if permit.holds == state.holds {
            state.step = 0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn extend(&mut self, wait: Duration) {
        let now = Instant::now();
        let until = now + wait.min(LONGEST_WAIT);
        if until <= now {
            return;
        }
        match self.until {
            Some(held) if held > now => self.until = Some(until.max(held)),
            _ => {
                self.until = Some(until);
                self.holds += 1;
            }
        }
        if self.is_news(until, now) {
            self.told = Some(until);
            let at = Timestamp::now().saturating_add(until - now).unwrap_or(Timestamp::MAX);
            let at = at.to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string();
            tracing::warn!("iBinder is throttling requests; next try at {at}");
        }
    }

    /// Whether a hold is long, and nobody was told of it.
    fn is_news(&self, until: Instant, now: Instant) -> bool {
        until >= now + TOLD && self.told.is_none_or(|told| until >= told + TOLD)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How long everybody is held back from now.
    fn held(brake: &Cooldown) -> Duration {
        brake.pass().map_or_else(|until| until - Instant::now(), |_| Duration::ZERO)
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_extends_only_and_is_capped() {
        let brake = Cooldown::default();
        brake.hold(Duration::ZERO);
        assert_eq!(held(&brake), Duration::ZERO);
        brake.hold(5 * SECOND);
        brake.hold(2 * SECOND);
        assert_eq!(held(&brake), 5 * SECOND);
        brake.hold(8 * SECOND);
        assert_eq!(held(&brake), 8 * SECOND);
        brake.hold(Duration::MAX);
        assert_eq!(held(&brake), LONGEST_WAIT);
        advance(LONGEST_WAIT).await;
        assert_eq!(held(&brake), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_delay_grows_and_a_good_answer_takes_it_back() {
        let brake = Cooldown::default();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            brake.throttled(brake.pass().unwrap(), None);
            assert_eq!(held(&brake), seconds * SECOND);
            advance(seconds * SECOND).await;
        }
        brake.answered(brake.pass().unwrap());
        brake.throttled(brake.pass().unwrap(), None);
        assert_eq!(held(&brake), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_under_way_count_once() {
        let brake = Cooldown::default();
        let permits = [(); 8].map(|()| brake.pass().unwrap());
        for permit in &permits[..4] {
            brake.throttled(*permit, None);
            assert_eq!(held(&brake), SECOND);
        }
        advance(SECOND).await;
        let later = brake.pass().unwrap();
        // Slow answers to what was sent before the hold: neither another delay nor a good sign.
        brake.throttled(permits[4], None);
        brake.answered(permits[5]);
        assert_eq!(held(&brake), Duration::ZERO);
        brake.throttled(later, None);
        assert_eq!(held(&brake), 2 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_is_told_once_unless_it_grows() {
        let (mut state, now) = (State::default(), Instant::now());
        for (seconds, news) in [(2, false), (7, true), (8, false), (20, true), (9, false)] {
            assert_eq!(state.is_news(now + seconds * SECOND, now), news, "{seconds}");
            state.extend(seconds * SECOND);
        }
        assert_eq!(state.told, Some(now + 20 * SECOND));
        advance(60 * SECOND).await;
        assert!(state.is_news(now + 70 * SECOND, now + 60 * SECOND), "another hold");
    }

    #[tokio::test(start_paused = true)]
    async fn the_services_word_rules() {
        let brake = Cooldown::default();
        let permits = [(); 2].map(|()| brake.pass().unwrap());
        brake.throttled(permits[0], Some(7 * SECOND));
        assert_eq!(held(&brake), 7 * SECOND);
        brake.throttled(permits[1], Some(9 * SECOND));
        assert_eq!(held(&brake), 9 * SECOND);
        advance(9 * SECOND).await;
        brake.throttled(brake.pass().unwrap(), Some(Duration::from_hours(5)));
        assert_eq!(held(&brake), LONGEST_WAIT);
        advance(LONGEST_WAIT).await;
        brake.throttled(brake.pass().unwrap(), Some(Duration::ZERO));
        assert_eq!(held(&brake), SECOND);
    }
}
