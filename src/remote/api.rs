//! Sends all requests to the API.
//!
//! Each call needs a token and a turn from the pace; its response is classified, and retried if the failure may
//! pass. Every call is safe to repeat (the search is a `POST` but changes nothing), also after a response that
//! can't be read. A 401 is about the token only if the list of binders, which every good token may read, is
//! refused too: then the token is replaced for all, and [`Tokens`] decides whether the credentials are refused for
//! good. Otherwise the 401 is about the requested resource. While the service is down all calls wait
//! ([`CircuitBreaker`]), and one of them probes.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{
    Client, Method, Request, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::{
    pace::{CircuitBreaker, GaveUp, Pace, Pass, Permit, Policy, RequestKind, Retry, SavedRate},
    remote::{
        cause::Cause,
        clock::Clock,
        error::Error,
        headers::{content_type, deprecation, retry_after},
        hold::Hold,
        min_speed::MinSpeed,
        origins::Origins,
        per_runtime::PerRuntime,
        problem::Problem,
        requests::{Endpoint, Requests},
        settings::Settings,
        text::parse_repaired,
        token::{Token, Tokens},
        transport,
    },
};

/// The header that names the tenant.
const TENANT: HeaderName = HeaderName::from_static("x-ibinder-tenantid");

/// Largest response body.
pub(super) const LARGEST: usize = 64 << 20;

/// How many 401s with a good token are final; a single one may be a fault of the service.
const REFUSALS: u32 = 2;

/// Largest error body; a larger one is no problem JSON.
const LARGEST_PROBLEM: usize = 1 << 20;

/// A request to the API, without its token.
#[derive(Debug)]
pub(super) struct Call {
    url: Url,
    json: Option<Bytes>,
    kind: RequestKind,
}

impl Call {
    pub(super) fn get(url: Url) -> Self {
        Self { url, json: None, kind: RequestKind::One }
    }

    /// A search.
    pub(super) fn post(url: Url, json: Bytes) -> Self {
        Self { url, json: Some(json), kind: RequestKind::Page }
    }

    pub(super) fn of_kind(self, kind: RequestKind) -> Self {
        Self { kind, ..self }
    }

    fn method(&self) -> Method {
        if self.json.is_some() { Method::POST } else { Method::GET }
    }

    /// Method and path, for errors.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method(), self.url.path())
    }

    pub(super) fn to_request(&self, bearer: &HeaderValue, tenant: &HeaderValue) -> Request {
        let mut request = Request::new(self.method(), self.url.clone());
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, bearer.clone());
        headers.insert(TENANT, tenant.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(json) = &self.json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(json.clone().into());
        }
        request
    }
}

/// The request that tests whether the service works.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) call: Call,
    /// Whether a response can be read.
    pub(super) read: fn(&str) -> Result<(), Cause>,
}

#[derive(Debug)]
pub(super) struct Api {
    client: Arc<PerRuntime<Client>>,
    tokens: Tokens,
    origins: Arc<Origins>,
    pace: Pace,
    requests: Arc<Requests>,
    clock: Clock,
    tenant: HeaderValue,
    retry: Policy,
    breaker: CircuitBreaker,
    give_up: Duration,
    probe: Probe,
    /// Held while a task tests whether a token is good.
    checking: tokio::sync::Mutex<()>,
    /// The first deprecation notice.
    deprecation: OnceLock<String>,
    head_timeout: Duration,
    min_speed: MinSpeed,
}

/// What a 401 is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// The token, which is replaced.
    Token,
    /// The requested resource.
    Call,
    /// Unknown: the service did not answer.
    Unknown,
}

impl Api {
    pub(super) fn new(
        settings: &Settings,
        client: Arc<PerRuntime<Client>>,
        tokens: Tokens,
        pace: Pace,
        requests: Arc<Requests>,
        probe: Probe,
    ) -> Result<Self, Error> {
        let tenant = tenant(settings)?;
        Ok(Self {
            client,
            tokens,
            pace,
            requests,
            clock: Clock::default(),
            tenant,
            retry: settings.retry.clone(),
            breaker: CircuitBreaker::new("iBinder", settings.give_up, &settings.retry),
            give_up: settings.give_up,
            probe,
            checking: tokio::sync::Mutex::default(),
            deprecation: OnceLock::new(),
            origins: Arc::clone(&settings.origins),
            head_timeout: settings.head_timeout,
            min_speed: MinSpeed::of(settings),
        })
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The first deprecation notice of the service.
    pub(super) fn deprecation(&self) -> Option<&str> {
        self.deprecation.get().map(String::as_str)
    }

    /// The rate to save for the next run.
    pub(super) fn rate_to_save(&self) -> Option<SavedRate> {
        self.pace.rate_to_save()
    }

    /// In requests per second.
    pub(super) fn rate(&self) -> Option<f64> {
        self.pace.rate_to_save().map(|saved| saved.rate).or_else(|| self.pace.rate())
    }

    /// Why requests wait, if they do.
    pub(super) fn hold(&self) -> Option<Hold> {
        let down = self.breaker.outage().map(|(who, next)| Hold::Down { who: who.to_owned(), next });
        down.or_else(|| self.pace.held().map(Hold::Throttled))
    }

    /// Retries a call until its response can be read, within the policy.
    pub(super) async fn request<T>(&self, call: &Call, read: impl Fn(&str) -> Result<T, Cause>) -> Result<T, Error> {
        let mut retry = Retry::new(&self.retry);
        let (mut tries, mut refused) = (0, 0);
        loop {
            let asked = Instant::now();
            let (pass, token) = self.pass(call, tries).await?;
            retry.exclude(asked.elapsed());
            tries += 1;
            let (sent, answer) = self.send(call, &token, &read).await;
            let cause = match answer {
                Ok(value) => {
                    pass.answered();
                    return Ok(value);
                }
                Err(cause) => cause,
            };
            if cause.is_outage() {
                pass.failed(&cause, cause.retry_after());
            } else {
                pass.answered();
            }
            let again = if cause.is_unauthorized() {
                // Seldom needed, and large.
                let subject = Box::pin(self.subject_of_401(call, &token, sent));
                refused += u32::from(subject.await == Subject::Call);
                refused < REFUSALS
            } else {
                cause.is_transient()
            };
            // The pace makes all requests wait for `Retry-After`; this doesn't use up the policy's time.
            let delay = if again { retry.next(None, Instant::now()) } else { None };
            let Some(delay) = delay else { return Err(Error::of(&self.origins, call.name(), cause, tries)) };
            tracing::debug!(call = call.name(), %cause, tries, ?delay, "retrying");
            sleep(delay).await;
            self.requests.count_retried();
        }
    }

    /// What a 401 to a call with this token, sent at that time, is about.
    async fn subject_of_401(&self, call: &Call, token: &Token, sent: Instant) -> Subject {
        let known = || {
            let replaced = self.tokens.is_replaced(token).then_some(Subject::Token);
            replaced.or_else(|| token.was_accepted_since(sent).then_some(Subject::Call))
        };
        let is_probe = call.url == self.probe.call.url;
        if is_probe {
            self.tokens.refused(token);
            return Subject::Token;
        }
        if let Some(subject) = known() {
            return subject;
        }
        let _one = self.checking.lock().await;
        if let Some(subject) = known() {
            return subject;
        }
        let (asked, answer) = self.send(&self.probe.call, token, self.probe.read).await;
        match answer {
            Err(Cause::Answer { status: 401, .. }) => {
                self.tokens.refused(token);
                Subject::Token
            }
            Err(cause) if cause.is_transient() => Subject::Unknown,
            // The credentials may be good and the resource still refused.
            Ok(()) | Err(_) => {
                self.tokens.accepted(token, asked);
                Subject::Call
            }
        }
    }

    /// A pass and a token for a call. Sends the probe first, if one is due.
    async fn pass(&self, call: &Call, tries: u32) -> Result<(Pass<'_>, Arc<Token>), Error> {
        loop {
            let pass =
                self.breaker.pass().await.map_err(|GaveUp(last)| {
                    Error::new(call.name(), Cause::GivenUp { after: self.give_up, last }, tries)
                })?;
            let Some(end) = pass.probes_until() else {
                match self.tokens.get().await {
                    Ok(token) => return Ok((pass, token)),
                    Err(error) if error.is_outage() => pass.fatal(&error, error.retry_after()),
                    Err(error) => return Err(error),
                }
                continue;
            };
            // A probe's turn may be far off; the deadline still applies.
            match timeout_at(end, self.probe()).await {
                Ok(Ok(None)) => pass.answered(),
                Ok(Ok(Some((why, after)))) => pass.failed(&why, after),
                Ok(Err(error)) => return Err(error),
                Err(_) => pass.failed(&format!("{}: timed out", call.name()), None),
            }
        }
    }

    /// Sends one probe; returns the failure, if any.
    async fn probe(&self) -> Result<Option<(String, Option<Duration>)>, Error> {
        let token = match self.tokens.probe().await {
            Ok(token) => token,
            Err(error) if error.is_outage() => return Ok(Some((error.to_string(), error.retry_after()))),
            Err(error) => return Err(error),
        };
        let Probe { call, read } = &self.probe;
        let (_, answer) = self.send(call, &token, read).await;
        let outage = answer.err().filter(Cause::is_outage);
        Ok(outage.map(|cause| (format!("{}: {cause}", call.name()), cause.retry_after())))
    }

    /// Sends a call once, and returns when. The turn comes last: otherwise all tasks that waited for a token would
    /// send at once.
    async fn send<T>(
        &self,
        call: &Call,
        token: &Token,
        read: impl Fn(&str) -> Result<T, Cause>,
    ) -> (Instant, Result<T, Cause>) {
        let permit = self.pace.permit().await;
        let result = self.once(call, token, read).await;
        match &result {
            Ok(_) => {
                self.tokens.accepted(token, permit.sent());
                self.pace.answered(permit, call.kind);
            }
            Err(cause) => self.learn(cause, token, permit),
        }
        (permit.sent(), result)
    }

    async fn once<T>(&self, call: &Call, token: &Token, read: impl Fn(&str) -> Result<T, Cause>) -> Result<T, Cause> {
        let _open = self.requests.count(Endpoint::Api);
        let client = self.client.get().map_err(Error::into_cause)?;
        let response =
            transport::send(&client, call.to_request(&token.header, &self.tenant), self.head_timeout).await?;
        self.requests.answered(Endpoint::Api, response.status().as_u16());
        if let Some(words) = deprecation(response.headers()) {
            let _ = self.deprecation.set(format!("{}: {words}", call.name()));
        }
        if !response.status().is_success() {
            return Err(failure(response, token.text(), self.min_speed).await);
        }
        self.clock.answered(response.headers(), std::time::Instant::now());
        parse_repaired(&transport::body(response, LARGEST, self.min_speed).await?, read)
    }

    /// Reports a failure to the pace and to the token cache.
    fn learn(&self, cause: &Cause, token: &Token, permit: Permit) {
        match cause {
            Cause::Answer { status: 429, retry_after, .. } => {
                self.requests.count_throttled();
                self.pace.throttled(permit, *retry_after);
            }
            // A failure with `Retry-After` is about the whole client.
            Cause::Answer { status: 503, retry_after: Some(wait), .. } => self.pace.throttled(permit, Some(*wait)),
            Cause::Answer { status: 503, .. } => self.pace.unavailable(permit),
            // An unauthorized client doesn't learn that something is missing.
            Cause::Answer { status: 404, .. } => self.tokens.accepted(token, permit.sent()),
            _ => {}
        }
    }
}

pub(super) fn tenant(settings: &Settings) -> Result<HeaderValue, Error> {
    let tenant = HeaderValue::from_str(settings.organisation.as_str()).ok().filter(|id| id.to_str().is_ok());
    let problem = || Error::configuration(Cause::BadSetting("the organisation's id is not plain ASCII".into()));
    tenant.ok_or_else(problem)
}

/// Classifies an error response; the token is redacted from its text.
pub(super) async fn failure(response: Response, token: &str, min_speed: MinSpeed) -> Cause {
    let status = response.status().as_u16();
    if response.status().is_redirection() {
        return Cause::Redirected(status);
    }
    let retry_after = retry_after(response.headers());
    let kind = content_type(response.headers()).map(str::to_owned);
    // An error whose body can't be read is still that error.
    let body = transport::body(response, LARGEST_PROBLEM, min_speed).await.unwrap_or_default();
    let problem = Problem::read(status, kind.as_deref(), &body, &[token]);
    Cause::Answer { status, problem, retry_after }
}
