//! The storage that holds the bytes.
//!
//! Another host, asked without anything that says who asks: no token, no tenant, no cookies, no referrer. A link is its
//! own credential. Redirects are followed by hand, because each hop must obey the rule for links.
//! Until the head of an answer is there, faults that may pass are retried here; from then on they are
//! the reader's, who knows what it holds and can resume. Storage is not the API: it takes no turns of the pace, and each
//! of its hosts may be down by itself. Whether one is back is asked at its root: a document's bytes may be what it
//! can't give.

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
        patience::Patience,
        requests::{Endpoint, Requests},
        settings::Settings,
        storage_client::StorageClient,
        storage_hosts::{Leave, Scout, StorageHost, StorageHosts},
        transport::ClientPurpose,
    },
};

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// How often a range is asked for by one link before the whole is asked for instead.
const RANGE_TRIES: u32 = 2;

/// A link that is refused before this age has not grown old.
const YOUNG: Duration = Duration::from_secs(5);

/// Where a request has led.
enum Step {
    There(Head, Response),
    Elsewhere(Link),
}

/// The storage as a place to fetch from.
#[derive(Debug)]
pub(super) struct Storage {
    settings: Arc<Settings>,
    rule: Rule,
    requests: Arc<Requests>,
    hosts: StorageHosts,
    lanes: Arc<ConcurrencyLimit>,
    /// How long links live, as far as it was found out.
    lifetime: Mutex<Option<Duration>>,
    /// For plain `http` on this machine.
    plain: OnceLock<StorageClient>,
    /// For `https` on this machine.
    near: OnceLock<StorageClient>,
    /// For everything else.
    far: OnceLock<StorageClient>,
}

impl Storage {
    pub(super) fn new(settings: Arc<Settings>, requests: Arc<Requests>) -> Result<Self, Error> {
        let rule = Rule::of_api(&settings.api_url);
        let (plain, near, far) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let hosts = StorageHosts::new(settings.give_up, settings.retry.clone());
        let lanes = Arc::new(ConcurrencyLimit::new(settings.downloads));
        let lifetime = Mutex::new(settings.link_lifetime);
        let storage = Self { settings, rule, requests, hosts, lanes, lifetime, plain, near, far };
        // What can't be built is better known before a run than at its first download.
        storage.client(&storage.settings.api_url)?;
        Ok(storage)
    }

    pub(super) fn rule(&self) -> Rule {
        self.rule
    }

    /// Waits for one of the downloads that may go on at once.
    pub(super) async fn lane(&self) -> Slot<'_> {
        self.lanes.take().await
    }

    /// How long links live, as far as it was found out.
    pub(super) fn link_lifetime(&self) -> Option<Duration> {
        *self.lifetime.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the bytes of a link, or for the rest of them. While its host is down an urgent one waits for it; any
    /// other fails, because documents of other hosts can use the lane. A rest that can't be had after few tries is left to
    /// the caller, who can ask for the whole.
    pub(super) async fn fetch(&self, link: &Link, resume: Option<&Resume>, urgent: bool) -> Result<Blob, Error> {
        let resume = resume.filter(|resume| resume.offset > 0 && resume.announced.etag.is_some());
        let max_tries = if resume.is_some() { RANGE_TRIES } else { self.settings.retry.max_tries };
        let mut retry = Retry::new(&Policy { max_tries, ..self.settings.retry.clone() });
        let mut tries = 0;
        loop {
            let mut waited = Duration::ZERO;
            let cause = match self.once(link, resume, (urgent, &mut waited, &mut tries)).await {
                Ok((head, response)) => {
                    let lanes = Arc::clone(&self.lanes);
                    return Ok(Blob::new(head, response, lanes, (link.call(), tries), Patience::of(&self.settings)));
                }
                Err(cause) => cause,
            };
            retry.pardon(waited);
            let again = cause.is_passing() && !matches!(cause, Cause::HostGivenUp { .. });
            let delay = if again { retry.next(asked_to_wait(&cause), Instant::now()) } else { None };
            let Some(delay) = delay else { return Err(Error::new(link.call(), cause, tries)) };
            tracing::debug!(%link, %cause, tries, ?delay, "asking storage again");
            sleep(delay).await;
            self.requests.count_retried();
        }
    }

    /// Waits while all of storage is down.
    pub(super) async fn ready(&self, call: &str) -> Result<(), Error> {
        loop {
            let (down, next) = match self.hosts.scout() {
                Scout::Go => return Ok(()),
                Scout::Wait(down, next) => (down, next),
                Scout::GivenUp(gave_up) => return Err(Error::new(call.to_owned(), gave_up, 0)),
            };
            let waiting = down.iter().filter(|host| host.outage.gave_up().is_none());
            let waiting: Vec<_> = waiting.map(|host| Box::pin(self.leave(host))).collect();
            if !waiting.is_empty() {
                // One that is back ends the wait, and so does one that is given up.
                let _ = timeout_at(next, select_all(waiting)).await;
            }
        }
    }

    /// Waits until a host is back. It does not wait for one that was given up.
    pub(super) async fn host_back(&self, name: &str) -> Result<(), Error> {
        let Some(host) = self.hosts.by_name(name) else { return Ok(()) };
        self.leave(&host).await.map(drop).map_err(|cause| Error::new(format!("GET {name}/"), cause, 0))
    }

    /// Leave to fetch. Whoever gets leave to probe instead, does so first.
    async fn leave<'h>(&self, host: &'h StorageHost) -> Result<Leave<'h>, Cause> {
        loop {
            let leave = host.leave().await.map_err(|gave_up| self.hosts.given_up(host, gave_up))?;
            let Some(end) = leave.probes_until() else { return Ok(leave) };
            match timeout_at(end, self.probe(host)).await {
                Ok(failed) => leave.tell(failed),
                Err(_) => leave.tell(Some(("nothing came in time".to_owned(), None))),
            }
        }
    }

    /// The same, but not for long: `HostDown` where others can use the time.
    async fn leave_soon<'h>(&self, host: &'h StorageHost) -> Result<Leave<'h>, Cause> {
        let down = || Cause::HostDown(host.name.clone());
        let patience = host.patience().ok_or_else(down)?;
        match timeout(patience, self.leave(host)).await {
            Ok(Err(Cause::HostGivenUp { .. })) | Err(_) => Err(down()),
            Ok(leave) => leave,
        }
    }

    /// Asks once for the root of a host, which may well refuse it; what came instead of an answer.
    async fn probe(&self, host: &StorageHost) -> Option<(String, Option<Duration>)> {
        let cause = match self.hop(&host.root, None).await {
            Ok(response) => {
                Cause::Storage { status: response.status().as_u16(), retry_after: retry_after(response.headers()) }
            }
            Err(cause) => cause,
        };
        if !cause.is_silence() {
            self.hosts.answered();
        }
        silence(&host.root, &cause)
    }

    /// Tells the lanes, the host and the lifetime of links how a request went.
    fn learn(&self, leave: Leave<'_>, link: &Link, failed: Option<&Cause>) {
        match failed {
            Some(Cause::Storage { status: 429, .. }) => {
                self.requests.count_throttled();
                self.lanes.enough();
            }
            Some(Cause::Storage { status: 503, .. }) => self.lanes.enough(),
            Some(Cause::Storage { status: 401 | 403 | 410, .. }) => self.refused(link.age(Instant::now())),
            _ => {}
        }
        let silence = failed.and_then(|cause| silence(link, cause));
        if silence.is_none() {
            self.hosts.answered();
        }
        leave.tell(silence);
    }

    /// A link of some age was refused. A young one was for another reason.
    fn refused(&self, age: Duration) {
        if age >= YOUNG {
            let mut lifetime = self.lifetime.lock().unwrap_or_else(PoisonError::into_inner);
            *lifetime = Some(lifetime.map_or(age, |known| known.min(age)));
        }
    }

    /// One try, which may lead from host to host.
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
            let leave = if urgent { self.leave(&host).await } else { self.leave_soon(&host).await };
            *waited += asked.elapsed();
            let leave = leave?;
            if hop == 0 {
                if link.is_old(self.link_lifetime(), Instant::now()) {
                    return Err(Cause::OldLink);
                }
                *tries += 1;
            }
            let step = match self.hop(at, resume).await {
                Ok(response) => self.step(at, response, resume),
                Err(cause) => Err(cause),
            };
            self.learn(leave, at, step.as_ref().err());
            match step? {
                Step::There(head, response) => {
                    self.lanes.answered();
                    return Ok((head, response));
                }
                Step::Elsewhere(link) => next = Some(link),
            }
        }
        Err(Cause::BadLink("it redirects without end"))
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
        self.requests.count_storage();
        let response = client.get(link.uri().clone(), headers).await?;
        self.requests.answered(Endpoint::Storage, response.status().as_u16());
        Ok(response)
    }

    fn client(&self, url: &Url) -> Result<&StorageClient, Error> {
        let way = ClientPurpose::to(url);
        let slot = match (way.is_plain(), way.is_loopback()) {
            (true, _) => &self.plain,
            (false, true) => &self.near,
            (false, false) => &self.far,
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let client = StorageClient::new(&self.settings, way)?;
        Ok(slot.get_or_init(|| client))
    }
}

/// What came instead of an answer, in words, and how long whoever refused asks to wait.
fn silence(link: &Link, cause: &Cause) -> Option<(String, Option<Duration>)> {
    cause.is_silence().then(|| (format!("{}: {cause}", link.call()), cause.retry_after()))
}

/// How long a request has to wait by itself: where storage is silent everybody waits, and looks whether it is back.
fn asked_to_wait(cause: &Cause) -> Option<Duration> {
    cause.retry_after().filter(|_| !cause.is_silence())
}

/// Where an answer points, if it is a redirect.
fn redirect(response: &Response) -> Option<&str> {
    match response.status() {
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            // Some write it in UTF-8, as browsers take it.
            std::str::from_utf8(response.headers().get(LOCATION)?.as_bytes()).ok().map(str::trim)
        }
        _ => None,
    }
}
