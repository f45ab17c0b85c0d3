//! One path for every request to the API.
//!
//! A turn from the pace, a token, the request, a verdict, and perhaps once more. Every call of the client is safe to
//! repeat (the search, though a `POST`, changes nothing), so every fault that may pass is retried,
//! an answer that can't be read included. A 401 costs one of the request's tries and makes the token
//! stale for everybody; whether the credentials are beyond help is decided by [`Tokens`].

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Client, Method, Request, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use tokio::time::{Instant, sleep};
use url::Url;

use super::{
    answer::{content_type, retry_after},
    cause::Cause,
    clock::Clock,
    error::Error,
    problem::Problem,
    requests::Requests,
    settings::Settings,
    token::{Token, Tokens},
    transport,
};
use crate::pace::{Pace, Permit, Policy, Retry};

/// The header that names the tenant.
const TENANT: HeaderName = HeaderName::from_static("x-ibinder-tenantid");

/// Largest answer that is read.
const LARGEST: usize = 64 << 20;

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
    fn name(&self) -> String {
        format!("{} {}", self.method(), self.url.path())
    }
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
    head_timeout: Duration,
    stall_timeout: Duration,
}

impl Api {
    pub(super) fn new(
        settings: &Settings,
        client: Client,
        tokens: Tokens,
        pace: Pace,
        requests: Arc<Requests>,
    ) -> Result<Self, Error> {
        let tenant = HeaderValue::from_str(settings.organisation.as_str()).ok().filter(|id| id.to_str().is_ok());
        let wrong = || Error::configuration(Cause::BadSetting("the organisation's id is not plain ASCII".into()));
        let tenant = tenant.ok_or_else(wrong)?;
        Ok(Self {
            client,
            tokens,
            pace,
            requests,
            clock: Clock::default(),
            tenant,
            retry: settings.retry.clone(),
            head_timeout: settings.head_timeout,
            stall_timeout: settings.stall_timeout,
        })
    }

    /// The service's clock.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Sends a call until its answer can be read, or for as long as the policy allows.
    pub(super) async fn request<T>(&self, call: &Call, read: impl Fn(&str) -> Result<T, Cause>) -> Result<T, Error> {
        let mut retry = Retry::new(&self.retry, Instant::now());
        let mut tries = 0;
        loop {
            tries += 1;
            // The turn comes last: tasks that waited for a token would otherwise all go at once.
            let token = self.tokens.get().await?;
            let permit = self.pace.permit().await;
            let cause = match self.once(call, &token, &read).await {
                Ok(value) => {
                    self.tokens.accepted(&token);
                    self.pace.answered(permit);
                    return Ok(value);
                }
                Err(cause) => cause,
            };
            self.learn(&cause, &token, permit);
            let again = cause.is_passing() || cause.is_stale_token();
            let delay = if again { retry.next(cause.retry_after(), Instant::now()) } else { None };
            let Some(delay) = delay else { return Err(Error::new(call.name(), cause, tries)) };
            tracing::debug!(call = call.name(), %cause, tries, ?delay, "trying again");
            sleep(delay).await;
            self.requests.count_retried();
        }
    }

    async fn once<T>(&self, call: &Call, token: &Token, read: impl Fn(&str) -> Result<T, Cause>) -> Result<T, Cause> {
        self.requests.count_api();
        let response = transport::send(&self.client, self.dress(call, token), self.head_timeout).await?;
        if !response.status().is_success() {
            return Err(self.failure(response, token).await);
        }
        self.clock.answered(response.headers(), std::time::Instant::now());
        let body = transport::body(response, LARGEST, self.stall_timeout).await?;
        let text = std::str::from_utf8(&body).map_err(|_| Cause::Garbled("it is not UTF-8".into()))?;
        read(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    fn dress(&self, call: &Call, token: &Token) -> Request {
        let mut request = Request::new(call.method(), call.url.clone());
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, token.header.clone());
        headers.insert(TENANT, self.tenant.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(json) = &call.json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(json.clone().into());
        }
        request
    }

    async fn failure(&self, response: Response, token: &Token) -> Cause {
        let status = response.status().as_u16();
        if response.status().is_redirection() {
            return Cause::Redirected(status);
        }
        let retry_after = retry_after(response.headers());
        let kind = content_type(response.headers()).map(str::to_owned);
        // An error whose body can't be read is still that error.
        let body = transport::body(response, LARGEST_PROBLEM, self.stall_timeout).await.unwrap_or_default();
        let problem = Problem::read(status, kind.as_deref(), &body, &[token.text()]);
        Cause::Answer { status, problem, retry_after }
    }

    /// Tells the pace and the token what a failure says about them.
    fn learn(&self, cause: &Cause, token: &Token, permit: Permit) {
        match cause {
            Cause::Answer { status: 429, retry_after, .. } => {
                self.requests.count_throttled();
                self.pace.throttled(permit, *retry_after);
            }
            Cause::Answer { status: 401, .. } => self.tokens.refused(token),
            // Who isn't let in doesn't learn that something is missing.
            Cause::Answer { status: 404, .. } => self.tokens.accepted(token),
            _ => {}
        }
    }
}
