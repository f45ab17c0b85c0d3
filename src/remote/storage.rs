//! The storage that holds the bytes.
//!
//! Requests to it carry no identity: no token, tenant, cookies or referrer; a link is its own credential.
//! Redirects are followed by hand, because each hop must obey the rule for links. Transient failures are retried
//! here until the headers have arrived; later ones are left to the caller, who can resume. Storage is independent
//! of the API: it takes no turns of the pace, and each host has its own circuit breaker, which probes the host's
//! root, because a single document may be broken.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use futures::future::select_all;
use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, HeaderValue, IF_RANGE, LOCATION, RANGE},
};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use url::Url;

use crate::{
    pace::{ConcurrencyLimit, Policy, Retry, Slot},
    remote::{
        blob::Blob,
        blob_head::{Head, Resume, read},
        cause::Cause,
        error::Error,
        headers::retry_after,
        link::{Link, Rule},
        min_speed::MinSpeed,
        requests::{Endpoint, Requests},
        settings::Settings,
        storage_client::StorageClient,
        storage_hosts::{HostPass, Scout, StorageHost, StorageHosts},
        transport::ClientPurpose,
    },
};

const REDIRECTS: usize = 5;

/// How many times the rest is requested from one link before the whole is requested instead.
const RANGE_TRIES: u32 = 2;

/// A younger link that is refused has not expired.
const YOUNG: Duration = Duration::from_secs(5);

enum Step {
    There(Head, Response),
    Elsewhere(Link),
}

#[derive(Debug)]
pub(super) struct Storage {
    settings: Arc<Settings>,
    rule: Rule,
    requests: Arc<Requests>,
    hosts: StorageHosts,
    slots: Arc<ConcurrencyLimit>,
    /// How long links live, from experience.
    lifetime: Mutex<Option<Duration>>,
    /// Plain `http` on this machine.
    plain: OnceLock<StorageClient>,
    /// `https` on this machine.
    near: OnceLock<StorageClient>,
    /// Everything else.
    far: OnceLock<StorageClient>,
}

impl Storage {
    pub(super) fn new(settings: Arc<Settings>, requests: Arc<Requests>) -> Result<Self, Error> {
        let rule = Rule::of_api(&settings.api_url);
        let (plain, near, far) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let hosts = StorageHosts::new(settings.give_up, settings.retry.clone());
        let slots = Arc::new(ConcurrencyLimit::new(settings.downloads));
        let lifetime = Mutex::new(settings.link_lifetime);
        let storage = Self { settings, rule, requests, hosts, slots, lifetime, plain, near, far };
        // Fails before a run rather than at its first download.
        storage.client(&storage.settings.api_url)?;
        Ok(storage)
    }

    pub(super) fn outage(&self) -> Option<(String, Option<Duration>)> {
        self.hosts.outage()
    }

    pub(super) fn rule(&self) -> Rule {
        self.rule
    }

    pub(super) async fn slot(&self) -> Slot<'_> {
        self.slots.take().await
    }

    pub(super) fn link_lifetime(&self) -> Option<Duration> {
        *self.lifetime.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Downloads a link, or the rest of a download. If its host is down, an urgent request waits; others fail,
    /// since documents on other hosts can use the slot. If the rest can't be had after few tries, the caller can
    /// request the whole.
    pub(super) async fn fetch(&self, link: &Link, resume: Option<&Resume>, urgent: bool) -> Result<Blob, Error> {
        let resume = resume.filter(|resume| resume.offset > 0 && resume.announced.etag.is_some());
        let max_tries = if resume.is_some() { RANGE_TRIES } else { self.settings.retry.max_tries };
        let mut retry = Retry::new(&Policy { max_tries, ..self.settings.retry.clone() });
        let mut tries = 0;
        loop {
            let mut waited = Duration::ZERO;
            let cause = match self.once(link, resume, (urgent, &mut waited, &mut tries)).await {
                Ok((head, response)) => {
                    let slots = Arc::clone(&self.slots);
                    return Ok(Blob::new(head, response, slots, (link.call(), tries), MinSpeed::of(&self.settings)));
                }
                Err(cause) => cause,
            };
            retry.exclude(waited);
            let again = cause.is_transient() && !matches!(cause, Cause::HostGivenUp { .. });
            let delay = if again { retry.next(asked_to_wait(&cause), Instant::now()) } else { None };
            let Some(delay) = delay else { return Err(Error::new(link.call(), cause, tries)) };
            tracing::debug!(%link, %cause, tries, ?delay, "retrying");
            sleep(delay).await;
            self.requests.count_retried();
        }
    }

    /// Waits while all hosts are down.
    pub(super) async fn ready(&self, call: &str) -> Result<(), Error> {
        loop {
            let (down, next) = match self.hosts.scout() {
                Scout::Go => return Ok(()),
                Scout::Wait(down, next) => (down, next),
                Scout::GivenUp(gave_up) => return Err(Error::new(call.to_owned(), gave_up, 0)),
            };
            let waiting = down.iter().filter(|host| host.breaker.gave_up().is_none());
            let waiting: Vec<_> = waiting.map(|host| Box::pin(self.pass(host))).collect();
            if !waiting.is_empty() {
                // The wait ends when one is back or given up.
                let _ = timeout_at(next, select_all(waiting)).await;
            }
        }
    }

    /// Waits until a host is back; fails at once if it was given up.
    pub(super) async fn host_back(&self, name: &str) -> Result<(), Error> {
        let Some(host) = self.hosts.by_name(name) else { return Ok(()) };
        self.pass(&host).await.map(drop).map_err(|cause| Error::new(format!("GET {name}/"), cause, 0))
    }

    /// A pass for a host. Sends the probe first, if one is due.
    async fn pass<'h>(&self, host: &'h StorageHost) -> Result<HostPass<'h>, Cause> {
        loop {
            let pass = host.pass().await.map_err(|gave_up| self.hosts.given_up(host, gave_up))?;
            let Some(end) = pass.probes_until() else { return Ok(pass) };
            match timeout_at(end, self.probe(host)).await {
                Ok(failed) => pass.report(failed),
                Err(_) => pass.report(Some(("timed out".to_owned(), None))),
            }
        }
    }

    /// Like `pass`, but fails with `HostDown` after a short time.
    async fn pass_soon<'h>(&self, host: &'h StorageHost) -> Result<HostPass<'h>, Cause> {
        let down = || Cause::HostDown(host.name.clone());
        let wait = host.max_wait().ok_or_else(down)?;
        match timeout(wait, self.pass(host)).await {
            Ok(Err(Cause::HostGivenUp { .. })) | Err(_) => Err(down()),
            Ok(pass) => pass,
        }
    }

    /// Requests the root of a host, where any status will do; returns the failure, if any.
    async fn probe(&self, host: &StorageHost) -> Option<(String, Option<Duration>)> {
        let cause = match self.hop(&host.root, None).await {
            Ok(response) => {
                Cause::Storage { status: response.status().as_u16(), retry_after: retry_after(response.headers()) }
            }
            Err(cause) => cause,
        };
        if !cause.is_outage() {
            self.hosts.answered();
        }
        outage(&host.root, &cause)
    }

    /// Reports a result to the slots, the host and the link lifetime.
    fn learn(&self, pass: HostPass<'_>, link: &Link, failed: Option<&Cause>) {
        match failed {
            Some(Cause::Storage { status: 429, .. }) => {
                self.requests.count_throttled();
                self.slots.throttled();
            }
            Some(Cause::Storage { status: 503, .. }) => self.slots.throttled(),
            Some(Cause::Storage { status: 401 | 403 | 410, .. }) => self.refused(link.age(Instant::now())),
            _ => {}
        }
        let outage = failed.and_then(|cause| outage(link, cause));
        if outage.is_none() {
            self.hosts.answered();
        }
        pass.report(outage);
    }

    /// A link was refused: old ones tell how long links live, a young one was refused for another reason.
    fn refused(&self, age: Duration) {
        if age >= YOUNG {
            let mut lifetime = self.lifetime.lock().unwrap_or_else(PoisonError::into_inner);
            *lifetime = Some(lifetime.map_or(age, |known| known.min(age)));
        }
    }

    /// One try, which follows redirects.
    async fn once(
        &self,
        link: &Link,
        resume: Option<&Resume>,
        (urgent, waited, tries): (bool, &mut Duration, &mut u32),
    ) -> Result<(Head, Response), Cause> {
        let mut next = None;
        for hop in 0..=REDIRECTS {
            let at = next.as_ref().unwrap_or(link);
            let (host, asked) = (self.hosts.of(at), Instant::now());
            let pass = if urgent { self.pass(&host).await } else { self.pass_soon(&host).await };
            *waited += asked.elapsed();
            let pass = pass?;
            if hop == 0 {
                if link.is_expired(self.link_lifetime(), Instant::now()) {
                    return Err(Cause::OldLink);
                }
                *tries += 1;
            }
            let step = match self.hop(at, resume).await {
                Ok(response) => self.step(at, response, resume),
                Err(cause) => Err(cause),
            };
            self.learn(pass, at, step.as_ref().err());
            match step? {
                Step::There(head, response) => {
                    self.slots.answered();
                    return Ok((head, response));
                }
                Step::Elsewhere(link) => next = Some(link),
            }
        }
        Err(Cause::BadLink("too many redirects"))
    }

    fn step(&self, at: &Link, response: Response, resume: Option<&Resume>) -> Result<Step, Cause> {
        if let Some(location) = redirect(&response) {
            return self.rule.follow(at, location).map(Step::Elsewhere);
        }
        let head = read(response.status(), response.version(), response.headers(), resume)?;
        Ok(Step::There(head, response))
    }

    async fn hop(&self, link: &Link, resume: Option<&Resume>) -> Result<Response, Cause> {
        let client = self.client(link.url()).map_err(Error::into_cause)?;
        let mut headers = HeaderMap::new();
        if let Some(resume) = resume
            && let Some(Ok(etag)) = resume.announced.etag.as_deref().map(HeaderValue::from_str)
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", resume.offset))
        {
            headers.insert(IF_RANGE, etag);
            headers.insert(RANGE, range);
        }
        let _open = self.requests.count(Endpoint::Storage);
        let response = client.get(link.uri().clone(), headers).await?;
        self.requests.answered(Endpoint::Storage, response.status().as_u16());
        Ok(response)
    }

    fn client(&self, url: &Url) -> Result<&StorageClient, Error> {
        let purpose = ClientPurpose::to(url);
        let slot = match (purpose.is_plain(), purpose.is_loopback()) {
            (true, _) => &self.plain,
            (false, true) => &self.near,
            (false, false) => &self.far,
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let client = StorageClient::new(&self.settings, purpose)?;
        Ok(slot.get_or_init(|| client))
    }
}

/// The failure, and the delay that was asked for, if there was no working answer.
fn outage(link: &Link, cause: &Cause) -> Option<(String, Option<Duration>)> {
    cause.is_outage().then(|| (format!("{}: {cause}", link.call()), cause.retry_after()))
}

/// A single request's own delay; while storage is down the circuit breaker makes all wait.
fn asked_to_wait(cause: &Cause) -> Option<Duration> {
    cause.retry_after().filter(|_| !cause.is_outage())
}

fn redirect(response: &Response) -> Option<&str> {
    match response.status() {
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            // Some servers write UTF-8, which browsers accept.
            std::str::from_utf8(response.headers().get(LOCATION)?.as_bytes()).ok().map(str::trim)
        }
        _ => None,
    }
}
