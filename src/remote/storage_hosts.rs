//! The storage hosts, each with a circuit breaker.
//!
//! Links name hosts, and one may be down while the others work. Storage is down only if all known hosts are. The
//! next document may still be on another host, so now and then one link is requested (a scout): documents of
//! working hosts don't wait for the others.
//!
//! A host that has never answered gets one request at a time, and its first failure starts a probe: a host that
//! accepts connections and never answers must not block every slot.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{cause::Cause, link::Link};
use crate::pace::{CircuitBreaker, GaveUp, Pass, Policy};

/// Most hosts with a circuit breaker of their own; further ones share a circuit breaker while all of these are down.
const MOST: usize = 64;

/// How long a document keeps its slot while its host may be down.
const SOON: Duration = Duration::from_secs(2);

/// The time between two scouts.
const SCOUTS: Duration = Duration::from_secs(2);

/// After this many scouts in a row, new hosts are assumed to be down as well.
const NEVER_ACCEPTED: u32 = 1000;

#[derive(Debug)]
pub(super) struct StorageHost {
    pub(super) name: String,
    pub(super) breaker: CircuitBreaker,
    /// The URL of a probe.
    pub(super) root: Link,
    /// When a link first named it.
    since: Instant,
    has_answered: AtomicBool,
    /// Serializes requests to a host that has never answered.
    first: tokio::sync::Mutex<()>,
}

/// Permission to send one request to a host; the caller reports the result.
#[derive(Debug)]
pub(super) struct HostPass<'h> {
    host: &'h StorageHost,
    pass: Pass<'h>,
    _first: Option<tokio::sync::MutexGuard<'h, ()>>,
}

/// All hosts that links have named.
#[derive(Debug)]
pub(super) struct StorageHosts {
    give_up: Duration,
    retry: Policy,
    known: Mutex<BTreeMap<String, Arc<StorageHost>>>,
    scouts: Mutex<Scouts>,
}

#[derive(Debug, Default)]
struct Scouts {
    last: Option<Instant>,
    /// Scouts since a host last answered.
    sent: u32,
}

/// What to do before requesting a link.
#[derive(Debug)]
pub(super) enum Scout {
    /// Request it.
    Go,
    /// Wait until a host is back, or until this time.
    Wait(Vec<Arc<StorageHost>>, Instant),
    /// Fail: all hosts were given up.
    GivenUp(Cause),
}

impl StorageHost {
    /// How long a document keeps its slot while waiting; `None` if others can use it.
    pub(super) fn max_wait(&self) -> Option<Duration> {
        if self.breaker.is_down() {
            return None;
        }
        let met = if self.has_answered.load(Ordering::Relaxed) { Duration::ZERO } else { self.since.elapsed() };
        SOON.checked_sub(met)
    }

    /// Waits for permission to send a request, or a probe.
    pub(super) async fn pass(&self) -> Result<HostPass<'_>, GaveUp> {
        let mut first = None;
        if !self.has_answered.load(Ordering::Relaxed) {
            let turn = self.first.lock().await;
            first = Some(turn).filter(|_| !self.has_answered.load(Ordering::Relaxed));
        }
        Ok(HostPass { host: self, pass: self.breaker.pass().await?, _first: first })
    }
}

impl HostPass<'_> {
    /// The probe's deadline; `None` if this is for a normal request.
    pub(super) fn probes_until(&self) -> Option<Instant> {
        self.pass.probes_until()
    }

    /// Reports the result; a failure as text.
    pub(super) fn report(self, failed: Option<(String, Option<Duration>)>) {
        match failed {
            None => {
                self.host.has_answered.store(true, Ordering::Relaxed);
                self.pass.answered();
            }
            Some((why, after)) if self.host.has_answered.load(Ordering::Relaxed) => self.pass.failed(&why, after),
            Some((why, after)) => self.pass.suspected(&why, after),
        }
    }
}

impl StorageHosts {
    pub(super) fn new(give_up: Duration, retry: Policy) -> Self {
        Self { give_up, retry, known: Mutex::default(), scouts: Mutex::default() }
    }

    /// The host of a link.
    pub(super) fn of(&self, link: &Link) -> Arc<StorageHost> {
        let (mut known, mut key) = (self.known(), link.origin());
        if known.len() >= MOST && !known.contains_key(&key) {
            let up = known.iter().find(|(_, host)| host.breaker.is_up()).map(|(key, _)| key.clone());
            match up {
                Some(up) => drop(known.remove(&up)),
                None => "others".clone_into(&mut key),
            }
        }
        let new = || {
            let name = link.origin();
            let breaker = CircuitBreaker::new(&format!("storage host {name}"), self.give_up, &self.retry);
            let (has_answered, first) = (AtomicBool::new(false), tokio::sync::Mutex::default());
            Arc::new(StorageHost { name, breaker, root: link.root(), since: Instant::now(), has_answered, first })
        };
        Arc::clone(known.entry(key).or_insert_with(new))
    }

    pub(super) fn by_name(&self, name: &str) -> Option<Arc<StorageHost>> {
        self.known().values().find(|host| host.name == name).cloned()
    }

    /// A host answered: storage is not down.
    pub(super) fn answered(&self) {
        *self.scouts() = Scouts::default();
    }

    /// Whether to request a link although no known host answers.
    pub(super) fn scout(&self) -> Scout {
        let down: Vec<_> = self.known().values().cloned().collect();
        if down.is_empty() || down.iter().any(|host| host.breaker.is_up()) {
            return Scout::Go;
        }
        let (mut scouts, now) = (self.scouts(), Instant::now());
        let why = |host: &Arc<StorageHost>| Some(self.given_up(host, host.breaker.gave_up()?));
        match down.iter().map(why).collect::<Option<Vec<_>>>() {
            Some(mut all) if scouts.sent >= NEVER_ACCEPTED => {
                if let Some(last) = all.pop() {
                    return Scout::GivenUp(last);
                }
            }
            Some(_) => {}
            None => {
                let next = *scouts.last.get_or_insert(now) + SCOUTS;
                if now < next {
                    return Scout::Wait(down, next);
                }
            }
        }
        scouts.last = Some(now);
        scouts.sent += 1;
        Scout::Go
    }

    /// A host that is down, and when it is asked again.
    pub(super) fn outage(&self) -> Option<(String, Option<Duration>)> {
        let known = self.known();
        let (name, next) = known.values().find_map(|host| host.breaker.outage())?;
        Some((name.to_owned(), next))
    }

    /// The error after a host was given up.
    pub(super) fn given_up(&self, host: &StorageHost, GaveUp(last): GaveUp) -> Cause {
        Cause::HostGivenUp { host: host.name.clone(), after: self.give_up, last }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Arc<StorageHost>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scouts(&self) -> MutexGuard<'_, Scouts> {
        self.scouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
