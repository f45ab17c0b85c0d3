//! What all requests do while the service is down.
//!
//! A fault of one request is that request's own: it is tried again, and costs one of its tries. But
//! when nothing is answered any more, a hundred requests that each try again only keep the service
//! down, and their tries are soon spent. So after a few failures in a row without one answer in
//! between everybody waits, and one request asks for something that any service which works can
//! answer. If it is answered, the faults were the others' own, and they go on. If not, the service
//! is down: a single request at a time asks again, at intervals that widen. Waiting costs nobody a
//! try. After so long the service is given up, and whoever waits is told.

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

/// Failures in a row that are looked into: fewer than a request has tries.
const SUSPICIOUS: u32 = 3;

/// The service was down for longer than anybody wants to wait; the last failure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaveUp(pub String);

/// Whether a service answers at all.
#[derive(Debug)]
pub struct CircuitBreaker {
    /// Who it is, for the log.
    name: String,
    give_up: Duration,
    /// The time between the first two probes, and the longest.
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
    /// Since when it is suspected.
    since: Instant,
    /// When the next probe may go; none while one is under way.
    probe: Option<Instant>,
    /// How many have failed.
    failed: u32,
    why: String,
}

/// Leave to send a request, or to probe; how it went must be told. One that is dropped tells nothing.
#[derive(Debug)]
#[must_use]
pub struct Pass<'o> {
    outage: &'o CircuitBreaker,
    probe: Option<Instant>,
}

impl CircuitBreaker {
    /// A service that is up, and is given up after being down for so long. The probes come twice as
    /// rarely as a request is tried again.
    pub fn new(name: &str, give_up: Duration, policy: &Policy) -> Self {
        let (first, longest) = (policy.first_delay * 2, policy.max_delay * 2);
        let (name, state, changed) = (name.to_owned(), Mutex::default(), Notify::new());
        Self { name, give_up, first, longest, state, changed }
    }

    /// Whether it answers, as far as anybody knows.
    pub fn is_up(&self) -> bool {
        self.state().down.is_none()
    }

    /// Whether it is down, and a probe has confirmed that.
    pub fn is_down(&self) -> bool {
        self.state().down.as_ref().is_some_and(|down| down.failed > 0)
    }

    /// Whether it was down for so long that nobody probes it again; the last failure in words.
    pub fn gave_up(&self) -> Option<GaveUp> {
        let state = self.state();
        let down = state.down.as_ref().filter(|down| down.failed > 0 && Instant::now() >= down.since + self.give_up)?;
        Some(GaveUp(down.why.clone()))
    }

    /// Waits as long as the service is down and somebody else asks for it.
    pub async fn pass(&self) -> Result<Pass<'_>, GaveUp> {
        loop {
            // Whoever changes something between the look and the wait is heard.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let until = match self.attempt()? {
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
    fn attempt(&self) -> Result<Result<Pass<'_>, Instant>, GaveUp> {
        let (mut state, now) = (self.state(), Instant::now());
        let Some(down) = &mut state.down else { return Ok(Ok(Pass { outage: self, probe: None })) };
        let end = down.since + self.give_up;
        if now >= end && down.failed > 0 {
            return Err(GaveUp(down.why.clone()));
        }
        // Nobody is given up without a probe: the first one may be on its way still.
        let later = if now >= end { now + self.longest } else { end };
        Ok(match down.probe {
            Some(at) if at <= now => {
                down.probe = None;
                Ok(Pass { outage: self, probe: Some(end) })
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
    /// Until when, if it is leave to ask whether the service is back and for nothing else.
    pub fn probes_until(&self) -> Option<Instant> {
        self.probe
    }

    /// The service answered, whatever it said.
    pub fn answered(mut self) {
        self.probe = None;
        let mut state = self.outage.state();
        state.failures = 0;
        if let Some(down) = state.down.take() {
            if down.failed > 0 {
                tracing::info!("{} answers again", self.outage.name);
            }
            self.outage.changed.notify_waiters();
        }
    }

    /// Nothing was answered; `after` says how long whoever refused asks to wait.
    pub fn failed(mut self, why: &dyn Display, after: Option<Duration>) {
        let probe = self.probe.take().is_some();
        let mut state = self.outage.state();
        state.failures = state.failures.saturating_add(1);
        match &state.down {
            Some(_) if probe => self.outage.goes_on(&mut state, why, after),
            None if state.failures >= SUSPICIOUS => self.outage.goes_down(&mut state, why),
            Some(_) | None => {}
        }
    }

    /// Nothing was answered by a service that nobody has ever heard of: the next request is a probe.
    pub fn suspected(mut self, why: &dyn Display, after: Option<Duration>) {
        let probe = self.probe.take().is_some();
        let mut state = self.outage.state();
        if state.down.is_none() {
            self.outage.goes_down(&mut state, why);
        } else if probe {
            self.outage.goes_on(&mut state, why, after);
        }
    }

    /// Nothing was answered that everybody needs: the service is down for all.
    pub fn fatal(mut self, why: &dyn Display, after: Option<Duration>) {
        let probe = self.probe.take().is_some();
        let mut state = self.outage.state();
        if state.down.is_none() {
            self.outage.goes_down(&mut state, why);
            self.outage.goes_on(&mut state, why, after);
        } else if probe {
            self.outage.goes_on(&mut state, why, after);
        }
    }
}

impl CircuitBreaker {
    fn goes_down(&self, state: &mut State, why: &dyn Display) {
        state.down = Some(Down { since: Instant::now(), probe: Some(Instant::now()), failed: 0, why: why.to_string() });
        self.changed.notify_waiters();
    }

    /// A probe has failed.
    fn goes_on(&self, state: &mut State, why: &dyn Display, after: Option<Duration>) {
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
        // A probe that was given up must not leave everybody waiting for its answer.
        if self.probe.is_some()
            && let Some(down) = &mut self.outage.state().down
        {
            down.probe = Some(Instant::now());
            self.outage.changed.notify_waiters();
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
        let outage = up();
        for _ in 0..SUSPICIOUS {
            outage.pass().await.unwrap().failed(&"503", None);
        }
        outage
    }

    async fn down() -> CircuitBreaker {
        let outage = suspected().await;
        outage.pass().await.unwrap().failed(&"503", None);
        outage
    }

    /// Whether something waits.
    async fn waits(future: impl Future) -> bool {
        timeout(Duration::from_millis(1), future).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_between_is_no_outage() {
        let outage = up();
        for _ in 0..10 {
            for _ in 1..SUSPICIOUS {
                outage.pass().await.unwrap().failed(&"503", None);
            }
            let pass = outage.pass().await.unwrap();
            assert_eq!(pass.probes_until(), None);
            pass.answered();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn faults_of_one_request_are_its_own_as_long_as_another_is_answered() {
        let (outage, start) = (suspected().await, Instant::now());
        let probe = outage.pass().await.unwrap();
        assert!(probe.probes_until().is_some());
        assert!(waits(outage.pass()).await);
        probe.answered();
        let pass = outage.pass().await.unwrap();
        assert_eq!(pass.probes_until(), None);
        assert!(start.elapsed() < Duration::from_millis(10), "nobody waits for longer than the probe takes");
    }

    #[tokio::test(start_paused = true)]
    async fn one_asks_and_the_others_wait() {
        let outage = down().await;
        let start = Instant::now();
        let probe = outage.pass().await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        assert!(waits(outage.pass()).await);
        let others = join_all((0..50).map(|_| async { outage.pass().await.unwrap().answered() }));
        let ((), others) = tokio::join!(async { probe.answered() }, others);
        assert_eq!(others.len(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_what_was_under_way_ends_it() {
        let outage = up();
        let late = outage.pass().await.unwrap();
        for _ in 0..SUSPICIOUS {
            outage.pass().await.unwrap().failed(&"503", None);
        }
        outage.pass().await.unwrap().failed(&"503", None);
        late.answered();
        assert_eq!(outage.pass().await.unwrap().probes_until(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn probes_become_rare_and_then_it_is_given_up() {
        let (start, outage) = (Instant::now(), down().await);
        let mut at = Vec::new();
        let end = loop {
            match outage.pass().await {
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
        assert!(outage.pass().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_hangs_ends_with_the_patience() {
        let (start, outage) = (Instant::now(), suspected().await);
        let probe = outage.pass().await.unwrap();
        let end = probe.probes_until().unwrap();
        assert_eq!(end, start + HALF_AN_HOUR);
        assert!(waits(outage.pass()).await);
        sleep_until(end).await;
        assert!(waits(outage.pass()).await, "the probe may still be answered");
        probe.failed(&"nothing came", None);
        assert!(outage.pass().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_waits_for_as_long_as_it_is_asked_to() {
        let (outage, start) = (up(), Instant::now());
        outage.pass().await.unwrap().fatal(&"429", Some(Duration::from_mins(4)));
        assert!(outage.pass().await.unwrap().probes_until().is_some());
        assert_eq!(start.elapsed(), Duration::from_mins(4));
    }

    #[tokio::test(start_paused = true)]
    async fn what_everybody_needs_is_not_looked_into() {
        let (outage, start) = (up(), Instant::now());
        let (first, second) = (outage.pass().await.unwrap(), outage.pass().await.unwrap());
        first.fatal(&"no token", None);
        second.fatal(&"no token", None);
        assert!(outage.pass().await.unwrap().probes_until().is_some());
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn one_failure_of_a_stranger_is_looked_into() {
        let outage = up();
        outage.pass().await.unwrap().suspected(&"refused", None);
        assert!(!outage.is_up() && !outage.is_down(), "no probe has confirmed it");
        let probe = outage.pass().await.unwrap();
        assert!(probe.probes_until().is_some());
        probe.suspected(&"refused", None);
        assert!(outage.is_down());
        assert_eq!(outage.gave_up(), None);
        sleep_until(Instant::now() + HALF_AN_HOUR).await;
        assert_eq!(outage.gave_up(), Some(GaveUp("refused".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_is_anothers() {
        let outage = Arc::new(down().await);
        let probe = outage.pass().await.unwrap();
        assert!(outage.pass().now_or_never().is_none());
        drop(probe);
        outage.pass().await.unwrap().answered();
        outage.pass().await.unwrap().answered();
    }
}
