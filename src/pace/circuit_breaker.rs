//! Stops all requests while the service is down.
//!
//! A single failed request is retried on its own. But when nothing is answered any more, a hundred retrying
//! requests only keep the service down and soon use up their tries. After a few failures in a row the breaker
//! opens: all requests wait, and one probe asks for something that any working service can answer. If it is
//! answered, only those requests were faulty, and all continue. If not, the service is down: one probe at a time
//! is sent, at growing intervals. Waiting costs no tries. After `give_up` all waiting requests fail.

use std::{
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::pace::{LONGEST_WAIT, Policy};

/// The number of failures in a row that start a probe; fewer than the tries of one request.
const PROBE_AFTER: u32 = 3;

/// The service was down for longer than `give_up`; contains the last failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaveUp(pub String);

/// The circuit breaker of one service.
#[derive(Debug)]
pub struct CircuitBreaker {
    /// The service's name in the log.
    name: String,
    give_up: Duration,
    /// The shortest and the longest interval between probes.
    first: Duration,
    longest: Duration,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    down: Option<Down>,
}

#[derive(Debug)]
struct Down {
    /// When the outage was first suspected.
    since: Instant,
    /// When the next probe is due; `None` while one is in flight.
    probe: Option<Instant>,
    /// Failed probes.
    failed: u32,
    why: String,
}

/// Permission to send a request or a probe. The caller reports the result; dropping it reports nothing.
#[derive(Debug)]
#[must_use]
pub struct Pass<'o> {
    breaker: &'o CircuitBreaker,
    probe: Option<Instant>,
}

impl CircuitBreaker {
    /// A breaker of a service that is up. Probes are half as frequent as retries of a request.
    pub fn new(name: &str, give_up: Duration, policy: &Policy) -> Self {
        let (first, longest) = (policy.first_delay * 2, policy.max_delay * 2);
        let (name, state, changed) = (name.to_owned(), Mutex::default(), Notify::new());
        Self { name, give_up, first, longest, state, changed }
    }

    /// Whether no outage is suspected.
    pub fn is_up(&self) -> bool {
        self.state().down.is_none()
    }

    /// Whether a probe has confirmed an outage.
    pub fn is_down(&self) -> bool {
        self.state().down.as_ref().is_some_and(|down| down.failed > 0)
    }

    /// The name of a service that is down, and when it is asked again; `None` if that is being done.
    pub fn outage(&self) -> Option<(&str, Option<Duration>)> {
        let state = self.state();
        let down = state.down.as_ref().filter(|down| down.failed > 0)?;
        Some((&self.name, down.probe.map(|at| at.saturating_duration_since(Instant::now()))))
    }

    /// The last failure, if the service was down for longer than `give_up`.
    pub fn gave_up(&self) -> Option<GaveUp> {
        let state = self.state();
        let down = state.down.as_ref().filter(|down| down.failed > 0 && Instant::now() >= down.since + self.give_up)?;
        Some(GaveUp(down.why.clone()))
    }

    /// Waits while the service is down and another task probes it.
    pub async fn pass(&self) -> Result<Pass<'_>, GaveUp> {
        loop {
            // Registers before looking, so that no change in between is missed.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let until = match self.try_pass()? {
                Ok(pass) => return Ok(pass),
                Err(until) => until,
            };
            tokio::select! {
                () = changed => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// A pass, or when to look again.
    fn try_pass(&self) -> Result<Result<Pass<'_>, Instant>, GaveUp> {
        let (mut state, now) = (self.state(), Instant::now());
        let Some(down) = &mut state.down else { return Ok(Ok(Pass { breaker: self, probe: None })) };
        let end = down.since + self.give_up;
        if now >= end && down.failed > 0 {
            return Err(GaveUp(down.why.clone()));
        }
        // Never gives up before the first probe has ended.
        let later = if now >= end { now + self.longest } else { end };
        Ok(match down.probe {
            Some(at) if at <= now => {
                down.probe = None;
                Ok(Pass { breaker: self, probe: Some(end) })
            }
            Some(at) => Err(at.min(later)),
            None => Err(later),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The probe's deadline; `None` if this is a pass for a normal request.
    pub fn probes_until(&self) -> Option<Instant> {
        self.probe
    }

    /// The service answered, with any status.
    pub fn answered(mut self) {
        self.probe = None;
        let mut state = self.breaker.state();
        state.failures = 0;
        if let Some(down) = state.down.take() {
            if down.failed > 0 {
                tracing::info!("{} answers again", self.breaker.name);
            }
            self.breaker.changed.notify_waiters();
        }
    }

    /// Reports that there was no answer; `after` is the delay that the service asked for.
    pub fn failed(mut self, why: &dyn Display, after: Option<Duration>) {
        let probe = self.probe.take().is_some();
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        match &state.down {
            Some(_) if probe => self.breaker.schedule_probe(&mut state, why, after),
            None if state.failures >= PROBE_AFTER => self.breaker.open(&mut state, why),
            Some(_) | None => {}
        }
    }

    /// Reports a failure of a service that has never answered: the next request is a probe.
    pub fn suspected(mut self, why: &dyn Display, after: Option<Duration>) {
        let probe = self.probe.take().is_some();
        let mut state = self.breaker.state();
        if state.down.is_none() {
            self.breaker.open(&mut state, why);
        } else if probe {
            self.breaker.schedule_probe(&mut state, why, after);
        }
    }

    /// Reports a failure of something that every request needs: opens the breaker at once.
    pub fn fatal(mut self, why: &dyn Display, after: Option<Duration>) {
        let probe = self.probe.take().is_some();
        let mut state = self.breaker.state();
        if state.down.is_none() {
            self.breaker.open(&mut state, why);
            self.breaker.schedule_probe(&mut state, why, after);
        } else if probe {
            self.breaker.schedule_probe(&mut state, why, after);
        }
    }
}

impl CircuitBreaker {
    fn open(&self, state: &mut State, why: &dyn Display) {
        state.down = Some(Down { since: Instant::now(), probe: Some(Instant::now()), failed: 0, why: why.to_string() });
        self.changed.notify_waiters();
    }

    /// Schedules the next probe after one failed.
    fn schedule_probe(&self, state: &mut State, why: &dyn Display, after: Option<Duration>) {
        let Some(down) = &mut state.down else { return };
        if down.failed == 0 {
            let (name, give_up) = (&self.name, self.give_up);
            tracing::warn!("{name} is not answering; retrying for up to {give_up:?}: {why}");
        }
        let delay = self.first.saturating_mul(1 << down.failed.min(16)).min(self.longest);
        let asked = after.unwrap_or_default().min(LONGEST_WAIT);
        down.probe = Some(Instant::now() + delay.max(asked));
        down.failed += 1;
        down.why = why.to_string();
        self.changed.notify_waiters();
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // After an abandoned probe, another task must probe.
        if self.probe.is_some()
            && let Some(down) = &mut self.breaker.state().down
        {
            down.probe = Some(Instant::now());
            self.breaker.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, sync::Arc};

    use futures::{FutureExt as _, future::join_all};
    use tokio::time::timeout;

    use super::*;

    const HALF_AN_HOUR: Duration = Duration::from_mins(30);

    fn up() -> CircuitBreaker {
        CircuitBreaker::new("iBinder", HALF_AN_HOUR, &Policy::default())
    }

    async fn suspected() -> CircuitBreaker {
        let breaker = up();
        for _ in 0..PROBE_AFTER {
            breaker.pass().await.unwrap().failed(&"503", None);
        }
        breaker
    }

    async fn down() -> CircuitBreaker {
        let breaker = suspected().await;
        breaker.pass().await.unwrap().failed(&"503", None);
        breaker
    }

    /// Whether a future is still pending.
    async fn waits(future: impl Future) -> bool {
        timeout(Duration::from_millis(1), future).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_between_resets_the_failures() {
        let breaker = up();
        for _ in 0..10 {
            for _ in 1..PROBE_AFTER {
                breaker.pass().await.unwrap().failed(&"503", None);
            }
            let pass = breaker.pass().await.unwrap();
            assert_eq!(pass.probes_until(), None);
            pass.answered();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answered_probe_closes_the_breaker() {
        let (breaker, start) = (suspected().await, Instant::now());
        let probe = breaker.pass().await.unwrap();
        assert!(probe.probes_until().is_some());
        assert!(waits(breaker.pass()).await);
        probe.answered();
        let pass = breaker.pass().await.unwrap();
        assert_eq!(pass.probes_until(), None);
        assert!(start.elapsed() < Duration::from_millis(10), "nobody waits for longer than the probe takes");
    }

    #[tokio::test(start_paused = true)]
    async fn one_probes_and_the_others_wait() {
        let breaker = down().await;
        let start = Instant::now();
        let probe = breaker.pass().await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        assert!(waits(breaker.pass()).await);
        let others = join_all((0..50).map(|_| async { breaker.pass().await.unwrap().answered() }));
        let ((), others) = tokio::join!(async { probe.answered() }, others);
        assert_eq!(others.len(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_closes_the_breaker() {
        let breaker = up();
        let late = breaker.pass().await.unwrap();
        for _ in 0..PROBE_AFTER {
            breaker.pass().await.unwrap().failed(&"503", None);
        }
        breaker.pass().await.unwrap().failed(&"503", None);
        late.answered();
        assert_eq!(breaker.pass().await.unwrap().probes_until(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn probes_become_rare_and_then_it_gives_up() {
        let (start, breaker) = (Instant::now(), down().await);
        let mut at = Vec::new();
        let end = loop {
            match breaker.pass().await {
                Ok(probe) => {
                    assert_eq!(probe.probes_until(), Some(start + HALF_AN_HOUR));
                    at.push(start.elapsed().as_secs());
                    probe.failed(&"504", None);
                }
                Err(gave_up) => break gave_up,
            }
        };
        assert_eq!(at[..8], [1, 3, 7, 15, 31, 63, 123, 183]);
        assert!(at.len() < 40, "{at:?}");
        assert_eq!(start.elapsed(), HALF_AN_HOUR);
        assert_eq!(end, GaveUp("504".to_owned()));
        assert!(breaker.pass().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_probe_ends_at_the_deadline() {
        let (start, breaker) = (Instant::now(), suspected().await);
        let probe = breaker.pass().await.unwrap();
        let end = probe.probes_until().unwrap();
        assert_eq!(end, start + HALF_AN_HOUR);
        assert!(waits(breaker.pass()).await);
        sleep_until(end).await;
        assert!(waits(breaker.pass()).await, "the probe may still be answered");
        probe.failed(&"nothing came", None);
        assert!(breaker.pass().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_honours_retry_after() {
        let (breaker, start) = (up(), Instant::now());
        breaker.pass().await.unwrap().fatal(&"429", Some(Duration::from_mins(4)));
        assert!(breaker.pass().await.unwrap().probes_until().is_some());
        assert_eq!(start.elapsed(), Duration::from_mins(4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fatal_failure_opens_the_breaker_at_once() {
        let (breaker, start) = (up(), Instant::now());
        let (first, second) = (breaker.pass().await.unwrap(), breaker.pass().await.unwrap());
        first.fatal(&"no token", None);
        second.fatal(&"no token", None);
        assert!(breaker.pass().await.unwrap().probes_until().is_some());
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn one_failure_of_an_unknown_service_starts_a_probe() {
        let breaker = up();
        breaker.pass().await.unwrap().suspected(&"refused", None);
        assert!(!breaker.is_up() && !breaker.is_down(), "no probe has confirmed it");
        let probe = breaker.pass().await.unwrap();
        assert!(probe.probes_until().is_some());
        probe.suspected(&"refused", None);
        assert!(breaker.is_down());
        assert_eq!(breaker.gave_up(), None);
        sleep_until(Instant::now() + HALF_AN_HOUR).await;
        assert_eq!(breaker.gave_up(), Some(GaveUp("refused".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn another_task_takes_over_a_dropped_probe() {
        let breaker = Arc::new(down().await);
        let probe = breaker.pass().await.unwrap();
        assert!(breaker.pass().now_or_never().is_none());
        drop(probe);
        breaker.pass().await.unwrap().answered();
        breaker.pass().await.unwrap().answered();
    }
}
