//! One path for every request to the API.
//!
//! A token, a turn from the pace, the request, a verdict, and perhaps once more. Every call of the client is safe to
//! repeat (the search, though a `POST`, changes nothing), so every fault that may pass is retried,
//! an answer that can't be read included. A 401 is about the token only if the list of binders, which any good token
//! is accepted for, is refused with it too; then the token is replaced for everybody, and whether the credentials are
//! beyond help is decided by [`Tokens`]. Otherwise the 401 is the answer to what was asked for, whatever else is under
//! way. While the service is
//! down everybody waits ([`CircuitBreaker`]), and whoever is let through asks whether it is back.

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
        headers::{content_type, farewell, retry_after},
        patience::Patience,
        problem::Problem,
        requests::{Endpoint, Requests},
        settings::Settings,
        text::understand,
        token::{Token, Tokens},
        transport,
    },
};

/// The header that names the tenant.
const TENANT: HeaderName = HeaderName::from_static("x-ibinder-tenantid");

/// Largest answer that is read.
pub(super) const LARGEST: usize = 64 << 20;

/// How many 401 to a call are believed, where its token is good: one may be a fault of the service.
const REFUSALS: u32 = 2;

/// Largest error answer that is read; what is beyond is a page and not a problem.
const LARGEST_PROBLEM: usize = 1 << 20;

/// A request to the API, before it has a token.
#[derive(Debug)]
pub(super) struct Call {
    url: Url,
    json: Option<Bytes>,
}

impl Call {
    /// Reads what is there.
    pub(super) fn get(url: Url) -> Self {
        Self { url, json: None }
    }

    /// Asks with a JSON body.
    pub(super) fn post(url: Url, json: Bytes) -> Self {
        Self { url, json: Some(json) }
    }

    fn method(&self) -> Method {
        if self.json.is_some() { Method::POST } else { Method::GET }
    }

    /// What is asked, for errors: the method and the path.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method(), self.url.path())
    }

    /// The request, with who asks.
    pub(super) fn dress(&self, bearer: &HeaderValue, tenant: &HeaderValue) -> Request {
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

    /// Only a search has a body.
    fn asked(&self) -> RequestKind {
        if self.json.is_some() { RequestKind::Page } else { RequestKind::One }
    }
}

/// What is asked for to see whether the service is back.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) call: Call,
    /// Whether an answer can be read.
    pub(super) read: fn(&str) -> Result<(), Cause>,
}

/// The API as a place to send calls to.
#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    tokens: Tokens,
    pace: Pace,
    requests: Arc<Requests>,
    clock: Clock,
    tenant: HeaderValue,
    retry: Policy,
    outage: CircuitBreaker,
    give_up: Duration,
    probe: Probe,
    /// Held by whoever asks whether a token is good.
    checking: tokio::sync::Mutex<()>,
    /// What the service said first of the end of a call.
    farewell: OnceLock<String>,
    head_timeout: Duration,
    patience: Patience,
}

/// What a 401 is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// The token, which is or will be replaced.
    Token,
    /// What was asked for.
    Call,
    /// Nobody knows: the service did not say.
    Unknown,
}

impl Api {
    pub(super) fn new(
        settings: &Settings,
        client: Client,
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
            outage: CircuitBreaker::new("iBinder", settings.give_up, &settings.retry),
            give_up: settings.give_up,
            probe,
            checking: tokio::sync::Mutex::default(),
            farewell: OnceLock::new(),
            head_timeout: settings.head_timeout,
            patience: Patience::of(settings),
        })
    }

    /// The service's clock.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the service said first of the end of a call.
    pub(super) fn farewell(&self) -> Option<&str> {
        self.farewell.get().map(String::as_str)
    }

    /// The rate that held, for the next time.
    pub(super) fn held(&self) -> Option<SavedRate> {
        self.pace.held()
    }

    /// Requests per second that held so far, or that are set.
    pub(super) fn rate(&self) -> Option<f64> {
        self.pace.held().map(|held| held.rate).or_else(|| self.pace.rate())
    }

    /// Sends a call until its answer can be read, or for as long as the policy allows.
    pub(super) async fn request<T>(&self, call: &Call, read: impl Fn(&str) -> Result<T, Cause>) -> Result<T, Error> {
        let mut retry = Retry::new(&self.retry);
        let (mut tries, mut refused) = (0, 0);
        loop {
            let asked = Instant::now();
            let (pass, token) = self.pass(call, tries).await?;
            retry.pardon(asked.elapsed());
            tries += 1;
            let (sent, answer) = self.send(call, &token, &read).await;
            let cause = match answer {
                Ok(value) => {
                    pass.answered();
                    return Ok(value);
                }
                Err(cause) => cause,
            };
            if cause.is_silence() {
                pass.failed(&cause, cause.retry_after());
            } else {
                pass.answered();
            }
            let again = if cause.is_unauthorized() {
                // Seldom needed, and large.
                let about = Box::pin(self.about(call, &token, sent));
                refused += u32::from(about.await == About::Call);
                refused < REFUSALS
            } else {
                cause.is_passing()
            };
            // How long the service asks to wait holds everybody at the turn, and is no lack of patience.
            let delay = if again { retry.next(None, Instant::now()) } else { None };
            let Some(delay) = delay else { return Err(Error::new(call.name(), cause, tries)) };
            tracing::debug!(call = call.name(), %cause, tries, ?delay, "trying again");
            sleep(delay).await;
            self.requests.count_retried();
        }
    }

    /// What a 401 is about that came to a call which was sent then with this token.
    async fn about(&self, call: &Call, token: &Token, sent: Instant) -> About {
        let known = || {
            let replaced = self.tokens.is_replaced(token).then_some(About::Token);
            replaced.or_else(|| token.was_accepted_since(sent).then_some(About::Call))
        };
        let is_probe = call.url == self.probe.call.url;
        if is_probe {
            self.tokens.refused(token);
            return About::Token;
        }
        if let Some(about) = known() {
            return about;
        }
        let _one = self.checking.lock().await;
        if let Some(about) = known() {
            return about;
        }
        let (asked, answer) = self.send(&self.probe.call, token, self.probe.read).await;
        match answer {
            Err(Cause::Answer { status: 401, .. }) => {
                self.tokens.refused(token);
                About::Token
            }
            Err(cause) if cause.is_passing() => About::Unknown,
            // Whoever is let in may still be told something else.
            Ok(()) | Err(_) => {
                self.tokens.accepted(token, asked);
                About::Call
            }
        }
    }

    /// Leave to send a call, and a token for it. Whoever gets leave to probe instead, does so first.
    async fn pass(&self, call: &Call, tries: u32) -> Result<(Pass<'_>, Arc<Token>), Error> {
        loop {
            let pass =
                self.outage.pass().await.map_err(|GaveUp(last)| {
                    Error::new(call.name(), Cause::GivenUp { after: self.give_up, last }, tries)
                })?;
            let Some(end) = pass.probes_until() else {
                match self.tokens.get().await {
                    Ok(token) => return Ok((pass, token)),
                    Err(error) if error.is_silence() => pass.fatal(&error, error.retry_after()),
                    Err(error) => return Err(error),
                }
                continue;
            };
            // The turn of a probe may be far off, and the end is the end.
            match timeout_at(end, self.probe()).await {
                Ok(Ok(None)) => pass.answered(),
                Ok(Ok(Some((why, after)))) => pass.failed(&why, after),
                Ok(Err(error)) => return Err(error),
                Err(_) => pass.failed(&format!("{}: nothing came in time", call.name()), None),
            }
        }
    }

    /// Asks once for something that any service that works can answer; what came instead.
    async fn probe(&self) -> Result<Option<(String, Option<Duration>)>, Error> {
        let token = match self.tokens.probe().await {
            Ok(token) => token,
            Err(error) if error.is_silence() => return Ok(Some((error.to_string(), error.retry_after()))),
            Err(error) => return Err(error),
        };
        let Probe { call, read } = &self.probe;
        let (_, answer) = self.send(call, &token, read).await;
        let silence = answer.err().filter(Cause::is_silence);
        Ok(silence.map(|cause| (format!("{}: {cause}", call.name()), cause.retry_after())))
    }

    /// Sends a call once, and says when. The turn comes last: tasks that waited for a token would otherwise all go at
    /// once.
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
                self.pace.answered(permit, call.asked());
            }
            Err(cause) => self.learn(cause, token, permit),
        }
        (permit.sent(), result)
    }

    async fn once<T>(&self, call: &Call, token: &Token, read: impl Fn(&str) -> Result<T, Cause>) -> Result<T, Cause> {
        self.requests.count_api();
        let response =
            transport::send(&self.client, call.dress(&token.header, &self.tenant), self.head_timeout).await?;
        self.requests.answered(Endpoint::Api, response.status().as_u16());
        if let Some(words) = farewell(response.headers()) {
            let _ = self.farewell.set(format!("{}: {words}", call.name()));
        }
        if !response.status().is_success() {
            return Err(failure(response, token.text(), self.patience).await);
        }
        self.clock.answered(response.headers(), std::time::Instant::now());
        understand(&transport::body(response, LARGEST, self.patience).await?, read)
    }

    /// Tells the pace and the token what a failure says about them.
    fn learn(&self, cause: &Cause, token: &Token, permit: Permit) {
        match cause {
            Cause::Answer { status: 429, retry_after, .. } => {
                self.requests.count_throttled();
                self.pace.throttled(permit, *retry_after);
            }
            // What names a time speaks of everybody.
            Cause::Answer { status: 503, retry_after: Some(wait), .. } => self.pace.throttled(permit, Some(*wait)),
            Cause::Answer { status: 503, .. } => self.pace.unavailable(permit),
            // Who isn't let in doesn't learn that something is missing.
            Cause::Answer { status: 404, .. } => self.tokens.accepted(token, permit.sent()),
            _ => {}
        }
    }
}

/// The value of the header that names the tenant.
pub(super) fn tenant(settings: &Settings) -> Result<HeaderValue, Error> {
    let tenant = HeaderValue::from_str(settings.organisation.as_str()).ok().filter(|id| id.to_str().is_ok());
    let wrong = || Error::configuration(Cause::BadSetting("the organisation's id is not plain ASCII".into()));
    tenant.ok_or_else(wrong)
}

/// What an answer says that is none; a token that it repeats is not taken over.
pub(super) async fn failure(response: Response, token: &str, patience: Patience) -> Cause {
    let status = response.status().as_u16();
    if response.status().is_redirection() {
        return Cause::Redirected(status);
    }
    let retry_after = retry_after(response.headers());
    let kind = content_type(response.headers()).map(str::to_owned);
    // An error whose body can't be read is still that error.
    let body = transport::body(response, LARGEST_PROBLEM, patience).await.unwrap_or_default();
    let problem = Problem::read(status, kind.as_deref(), &body, &[token]);
    Cause::Answer { status, problem, retry_after }
}
