//! The hosts of which storage consists.
//!
//! Links name hosts, and one host may be down while the others answer. So each has an outage of its own, and only where
//! all that are known are down is storage itself down. Then nobody knows whether the next document lies elsewhere: one
//! link is asked for now and then (a scout), so that the documents of a host which answers don't wait for the others.
//!
//! A host that has never answered gets one request at a time, and its first failure is looked into at once: one that
//! takes connections and never answers must not hold every lane.

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

/// Most hosts that are told apart; further ones share an outage while all of these are down.
const MOST: usize = 64;

/// How long a document waits with a lane in its hand for a host that may be down.
const SOON: Duration = Duration::from_secs(2);

/// The time between two scouts.
const SCOUTS: Duration = Duration::from_secs(2);

/// Scouts in a row after which every host is taken for one of those that were given up.
const FRUITLESS: u32 = 1000;

/// One host.
#[derive(Debug)]
pub(super) struct StorageHost {
    pub(super) name: String,
    pub(super) outage: CircuitBreaker,
    /// What is asked to see whether it is back.
    pub(super) root: Link,
    /// When it was met.
    since: Instant,
    has_answered: AtomicBool,
    /// The turn of a request to a host that has never answered.
    first: tokio::sync::Mutex<()>,
}

/// Leave to send one request to a host; how it went must be told.
#[derive(Debug)]
pub(super) struct Leave<'h> {
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
    /// How many went since a host answered last.
    sent: u32,
}

/// What somebody who wants a link does.
#[derive(Debug)]
pub(super) enum Scout {
    /// Ask for it.
    Go,
    /// Wait until one of the hosts is back, or until then.
    Wait(Vec<Arc<StorageHost>>, Instant),
    /// Nothing: all hosts were given up, and every link leads to one of them.
    GivenUp(Cause),
}

impl StorageHost {
    /// How long a document waits for it with a lane in its hand; none where others can use the lane.
    pub(super) fn patience(&self) -> Option<Duration> {
        if self.outage.is_down() {
            return None;
        }
        let met = if self.has_answered.load(Ordering::Relaxed) { Duration::ZERO } else { self.since.elapsed() };
        SOON.checked_sub(met)
    }

    /// Waits for leave to send a request, or to probe.
    pub(super) async fn leave(&self) -> Result<Leave<'_>, GaveUp> {
        let mut first = None;
        if !self.has_answered.load(Ordering::Relaxed) {
            let turn = self.first.lock().await;
            first = Some(turn).filter(|_| !self.has_answered.load(Ordering::Relaxed));
        }
        Ok(Leave { host: self, pass: self.outage.pass().await?, _first: first })
    }
}

impl Leave<'_> {
    /// Until when, if it is leave to probe and for nothing else.
    pub(super) fn probes_until(&self) -> Option<Instant> {
        self.pass.probes_until()
    }

    /// Tells how it went; a failure in words.
    pub(super) fn tell(self, failed: Option<(String, Option<Duration>)>) {
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
            let up = known.iter().find(|(_, host)| host.outage.is_up()).map(|(key, _)| key.clone());
            match up {
                Some(up) => drop(known.remove(&up)),
                None => "others".clone_into(&mut key),
            }
        }
        let new = || {
            let name = link.origin();
            let outage = CircuitBreaker::new(&format!("storage host {name}"), self.give_up, &self.retry);
            let (has_answered, first) = (AtomicBool::new(false), tokio::sync::Mutex::default());
            Arc::new(StorageHost { name, outage, root: link.root(), since: Instant::now(), has_answered, first })
        };
        Arc::clone(known.entry(key).or_insert_with(new))
    }

    /// A host by its name.
    pub(super) fn by_name(&self, name: &str) -> Option<Arc<StorageHost>> {
        self.known().values().find(|host| host.name == name).cloned()
    }

    /// A host has answered: storage is not down.
    pub(super) fn answered(&self) {
        *self.scouts() = Scouts::default();
    }

    /// Whether a link may be asked for although no host that is known answers.
    pub(super) fn scout(&self) -> Scout {
        let down: Vec<_> = self.known().values().cloned().collect();
        if down.is_empty() || down.iter().any(|host| host.outage.is_up()) {
            return Scout::Go;
        }
        let (mut scouts, now) = (self.scouts(), Instant::now());
        let why = |host: &Arc<StorageHost>| Some(self.given_up(host, host.outage.gave_up()?));
        match down.iter().map(why).collect::<Option<Vec<_>>>() {
            Some(mut all) if scouts.sent >= FRUITLESS => {
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

    /// The error of whoever waited for a host that was given up.
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
