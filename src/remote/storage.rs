//! The storage that holds the bytes.
//!
//! Another host, asked without anything that says who asks: no token, no tenant, no cookies, no referrer. A link is its
//! own credential. Redirects are followed by hand, because each hop must obey the rule for links.
//! Until the head of an answer is there, faults that may pass are retried here; from then on they are
//! the reader's, who knows what it holds and can resume. Storage is not the API: it takes no turns of the pace,
//! and may be down by itself. Whether it is back is asked at the root of its host: a document's bytes may be
//! what it can't give.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use reqwest::{
    Client, Method, Request, Response, StatusCode,
    header::{ACCEPT_ENCODING, HeaderValue, IF_RANGE, LOCATION, RANGE},
};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::{
    answer::{retry_after, text},
    blob::Blob,
    blob_head::{Resume, Verdict, is_strong, read},
    cause::Cause,
    error::Error,
    link::{Link, Rule},
    requests::{Requests, Whom},
    settings::Settings,
    transport::{self, Way},
};
use crate::pace::{GaveUp, Lane, Lanes, Outage, Pass, Retry};

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// A link that is refused before this age has not grown old.
const YOUNG: Duration = Duration::from_secs(5);

/// The storage as a place to fetch from.
#[derive(Debug)]
pub(super) struct Storage {
    settings: Arc<Settings>,
    rule: Rule,
    requests: Arc<Requests>,
    outage: Outage,
    lanes: Arc<Lanes>,
    /// How long links live, as far as it was found out.
    lifetime: Mutex<Option<Duration>>,
    /// The host that failed last.
    failing: Mutex<Option<Link>>,
    /// For plain `http` on this machine.
    plain: OnceLock<Client>,
    /// For `https` on this machine.
    near: OnceLock<Client>,
    /// For everything else.
    far: OnceLock<Client>,
}

impl Storage {
    pub(super) fn new(settings: Arc<Settings>, requests: Arc<Requests>) -> Result<Self, Error> {
        let rule = Rule::of_api(&settings.api_url);
        let (plain, near, far) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let outage = Outage::new(settings.give_up, &settings.retry);
        let lanes = Arc::new(Lanes::new(settings.downloads));
        let lifetime = Mutex::new(settings.link_lifetime);
        let failing = Mutex::default();
        let storage = Self { settings, rule, requests, outage, lanes, lifetime, failing, plain, near, far };
        // What can't be built is better known before a run than at its first download.
        storage.client(&storage.settings.api_url)?;
        Ok(storage)
    }

    pub(super) fn rule(&self) -> Rule {
        self.rule
    }

    /// Waits for one of the downloads that may go on at once.
    pub(super) async fn lane(&self) -> Lane<'_> {
        self.lanes.take().await
    }

    /// How long links live, as far as it was found out.
    pub(super) fn link_lifetime(&self) -> Option<Duration> {
        *self.lifetime.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the bytes of a link, or for the rest of them.
    pub(super) async fn fetch(&self, link: &Link, resume: Option<&Resume>) -> Result<Blob, Error> {
        let mut resume = resume.filter(|resume| resume.offset > 0 && is_strong(&resume.etag));
        let mut retry = Retry::new(&self.settings.retry);
        let mut tries = 0;
        loop {
            let asked = Instant::now();
            let pass = self.pass().await.map_err(|gave_up| self.given_up(link.call(), gave_up, tries))?;
            retry.pardon(asked.elapsed());
            if link.is_old(self.link_lifetime(), Instant::now()) {
                return Err(Error::new(link.call(), Cause::OldLink, tries));
            }
            tries += 1;
            let cause = match self.once(link, resume).await {
                Ok((verdict, response)) => {
                    pass.answered();
                    self.lanes.answered();
                    let Verdict::Bytes(head) = verdict else {
                        resume = None;
                        continue;
                    };
                    let lanes = Arc::clone(&self.lanes);
                    return Ok(Blob::new(head, response, lanes, (link.call(), tries), self.settings.stall_timeout));
                }
                Err(cause) => cause,
            };
            self.learn(pass, link, &cause);
            let delay = if cause.is_passing() { retry.next(asked_to_wait(&cause), Instant::now()) } else { None };
            let Some(delay) = delay else { return Err(Error::new(link.call(), cause, tries)) };
            tracing::debug!(%link, %cause, tries, ?delay, "asking storage again");
            sleep(delay).await;
            self.requests.count_retried();
        }
    }

    /// Waits while storage is down.
    pub(super) async fn ready(&self) -> Result<(), GaveUp> {
        // A pass that is dropped tells nothing.
        self.pass().await.map(drop)
    }

    /// The error of whoever waited for too long.
    pub(super) fn given_up(&self, call: String, GaveUp(last): GaveUp, tries: u32) -> Error {
        Error::new(call, Cause::GivenUp { after: self.settings.give_up, last }, tries)
    }

    /// Leave to fetch. Whoever gets leave to probe instead, does so first.
    async fn pass(&self) -> Result<Pass<'_>, GaveUp> {
        loop {
            let pass = self.outage.pass().await?;
            let Some(end) = pass.probes_until() else { return Ok(pass) };
            match timeout_at(end, self.probe()).await {
                Ok(None) => pass.answered(),
                Ok(Some((why, after))) => pass.failed(&why, after),
                Err(_) => pass.failed(&"storage: nothing came in time", None),
            }
        }
    }

    /// Asks once for the root of the host that failed last, which may well refuse it; what came instead of an answer.
    async fn probe(&self) -> Option<(String, Option<Duration>)> {
        let root = self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let cause = match self.hop(&root, None).await {
            Ok(response) => {
                Cause::Storage { status: response.status().as_u16(), retry_after: retry_after(response.headers()) }
            }
            Err(cause) => cause,
        };
        cause.is_silence().then(|| (format!("{}: {cause}", root.call()), cause.retry_after()))
    }

    /// Tells the lanes, the outage and the lifetime of links what a failure says about them.
    fn learn(&self, pass: Pass<'_>, link: &Link, cause: &Cause) {
        match cause {
            Cause::Storage { status: 429, .. } => {
                self.requests.count_throttled();
                self.lanes.enough();
            }
            Cause::Storage { status: 503, .. } => self.lanes.enough(),
            Cause::Storage { status: 401 | 403 | 410, .. } => self.refused(link.age(Instant::now())),
            _ => {}
        }
        if !cause.is_silence() {
            return pass.answered();
        }
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = Some(link.root());
        pass.failed(&format!("{}: {cause}", link.call()), cause.retry_after());
    }

    /// A link of some age was refused. A young one was for another reason.
    fn refused(&self, age: Duration) {
        if age >= YOUNG {
            let mut lifetime = self.lifetime.lock().unwrap_or_else(PoisonError::into_inner);
            *lifetime = Some(lifetime.map_or(age, |known| known.min(age)));
        }
    }

    async fn once(&self, link: &Link, resume: Option<&Resume>) -> Result<(Verdict, Response), Cause> {
        let mut response = self.hop(link, resume).await?;
        let mut at = None;
        for _ in 0..REDIRECTS {
            let Some(location) = redirect(&response) else { break };
            let next = self.rule.follow(at.as_ref().unwrap_or(link), location)?;
            response = self.hop(&next, resume).await?;
            at = Some(next);
        }
        if redirect(&response).is_some() {
            return Err(Cause::BadLink("it redirects without end"));
        }
        Ok((read(response.status(), response.version(), response.headers(), resume)?, response))
    }

    async fn hop(&self, link: &Link, resume: Option<&Resume>) -> Result<Response, Cause> {
        let client = self.client(link.url()).map_err(Error::into_cause)?;
        let mut request = Request::new(Method::GET, link.url().clone());
        let headers = request.headers_mut();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(resume) = resume
            && let Ok(etag) = HeaderValue::from_str(&resume.etag)
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", resume.offset))
        {
            headers.insert(IF_RANGE, etag);
            headers.insert(RANGE, range);
        }
        self.requests.count_storage();
        let response = transport::send(client, request, self.settings.head_timeout).await?;
        self.requests.answered(Whom::Storage, response.status().as_u16());
        Ok(response)
    }

    fn client(&self, url: &Url) -> Result<&Client, Error> {
        let way = Way::to(url);
        let slot = match (way.is_plain(), way.is_loopback()) {
            (true, _) => &self.plain,
            (false, true) => &self.near,
            (false, false) => &self.far,
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let client = transport::storage_client(&self.settings, way)?;
        Ok(slot.get_or_init(|| client))
    }
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
        | StatusCode::PERMANENT_REDIRECT => text(response.headers(), LOCATION),
        _ => None,
    }
}
