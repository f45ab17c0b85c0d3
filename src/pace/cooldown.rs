//! Holds all requests back after a 429.
//!
//! A 429 is about the client as a whole, so it delays every request. The delay is `Retry-After`, or else one that
//! doubles with each consecutive 429.
//!
//! Requests that were in flight when a hold began are all refused, which is one event: only a request sent after
//! the last hold began makes the delay grow, and only the success of one resets it. A [`Permit`] remembers when it
//! was issued.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use tokio::time::Instant;

use crate::pace::LONGEST_WAIT;

/// The first and the longest delay after a 429 without `Retry-After`.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// A longer hold is logged once.
const LONG_HOLD: Duration = Duration::from_secs(5);

/// Permission to send one request; passed back with its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    pub(super) sent: Instant,
    /// How many holds had begun when it was issued.
    holds: u64,
}

impl Permit {
    /// When it was issued.
    pub fn sent(&self) -> Instant {
        self.sent
    }
}

#[derive(Debug, Default)]
pub(super) struct Cooldown(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// No permits are issued before.
    until: Option<Instant>,
    /// How many holds have begun.
    holds: u64,
    /// Consecutive 429s without `Retry-After`.
    step: u32,
    /// The end of the last hold that was logged.
    logged: Option<Instant>,
}

impl Cooldown {
    /// A permit, or the end of the present hold.
    pub(super) fn pass(&self) -> Result<Permit, Instant> {
        let state = self.state();
        let now = Instant::now();
        match state.until {
            Some(until) if until > now => Err(until),
            _ => Ok(Permit { sent: now, holds: state.holds }),
        }
    }

    /// How long the present hold still takes.
    pub(super) fn rest(&self) -> Option<Duration> {
        self.pass().err().map(|until| until.saturating_duration_since(Instant::now()))
    }

    pub(super) fn hold(&self, wait: Duration) {
        self.state().extend(wait);
    }

    pub(super) fn throttled(&self, permit: Permit, retry_after: Option<Duration>) {
        let mut state = self.state();
        // A clock that is behind writes a zero wait, which is as good as none.
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
        // The state is consistent between any two statements, so a panic elsewhere doesn't spoil it.
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
            Some(remaining) if remaining > now => self.until = Some(until.max(remaining)),
            _ => {
                self.until = Some(until);
                self.holds += 1;
            }
        }
        if self.should_log(until, now) {
            self.logged = Some(until);
            let at = Timestamp::now().saturating_add(until - now).unwrap_or(Timestamp::MAX);
            let at = at.to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string();
            tracing::warn!("iBinder is throttling requests; next try at {at}");
        }
    }

    /// Whether a hold is long and not yet logged.
    fn should_log(&self, until: Instant, now: Instant) -> bool {
        until >= now + LONG_HOLD && self.logged.is_none_or(|logged| until >= logged + LONG_HOLD)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The rest of the present hold.
    fn remaining(cooldown: &Cooldown) -> Duration {
        cooldown.pass().map_or_else(|until| until - Instant::now(), |_| Duration::ZERO)
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_extends_only_and_is_capped() {
        let cooldown = Cooldown::default();
        cooldown.hold(Duration::ZERO);
        assert_eq!(remaining(&cooldown), Duration::ZERO);
        cooldown.hold(5 * SECOND);
        cooldown.hold(2 * SECOND);
        assert_eq!(remaining(&cooldown), 5 * SECOND);
        cooldown.hold(8 * SECOND);
        assert_eq!(remaining(&cooldown), 8 * SECOND);
        cooldown.hold(Duration::MAX);
        assert_eq!(remaining(&cooldown), LONGEST_WAIT);
        advance(LONGEST_WAIT).await;
        assert_eq!(remaining(&cooldown), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_delay_grows_and_a_success_resets_it() {
        let cooldown = Cooldown::default();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            cooldown.throttled(cooldown.pass().unwrap(), None);
            assert_eq!(remaining(&cooldown), seconds * SECOND);
            advance(seconds * SECOND).await;
        }
        cooldown.answered(cooldown.pass().unwrap());
        cooldown.throttled(cooldown.pass().unwrap(), None);
        assert_eq!(remaining(&cooldown), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_in_flight_count_once() {
        let cooldown = Cooldown::default();
        let permits = [(); 8].map(|()| cooldown.pass().unwrap());
        for permit in &permits[..4] {
            cooldown.throttled(*permit, None);
            assert_eq!(remaining(&cooldown), SECOND);
        }
        advance(SECOND).await;
        let later = cooldown.pass().unwrap();
        // Late responses to requests sent before the hold neither extend nor reset the delay.
        cooldown.throttled(permits[4], None);
        cooldown.answered(permits[5]);
        assert_eq!(remaining(&cooldown), Duration::ZERO);
        cooldown.throttled(later, None);
        assert_eq!(remaining(&cooldown), 2 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_is_logged_once_unless_it_grows() {
        let (mut state, now) = (State::default(), Instant::now());
        for (seconds, should) in [(2, false), (7, true), (8, false), (20, true), (9, false)] {
            assert_eq!(state.should_log(now + seconds * SECOND, now), should, "{seconds}");
            state.extend(seconds * SECOND);
        }
        assert_eq!(state.logged, Some(now + 20 * SECOND));
        advance(60 * SECOND).await;
        assert!(state.should_log(now + 70 * SECOND, now + 60 * SECOND), "another hold");
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_wins() {
        let cooldown = Cooldown::default();
        let permits = [(); 2].map(|()| cooldown.pass().unwrap());
        cooldown.throttled(permits[0], Some(7 * SECOND));
        assert_eq!(remaining(&cooldown), 7 * SECOND);
        cooldown.throttled(permits[1], Some(9 * SECOND));
        assert_eq!(remaining(&cooldown), 9 * SECOND);
        advance(9 * SECOND).await;
        cooldown.throttled(cooldown.pass().unwrap(), Some(Duration::from_hours(5)));
        assert_eq!(remaining(&cooldown), LONGEST_WAIT);
        advance(LONGEST_WAIT).await;
        cooldown.throttled(cooldown.pass().unwrap(), Some(Duration::ZERO));
        assert_eq!(remaining(&cooldown), SECOND);
    }
}
