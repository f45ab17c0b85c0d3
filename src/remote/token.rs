//! The access token, shared by all requests.
//!
//! The service asks clients to cache a token for its lifetime less a margin, and has no refresh token (the API
//! page, "Token"). However many tasks wait, one request is in flight: its owner holds `flight`, the others wait
//! and share the result, also a failure.
//!
//! Refused credentials must not be retried endlessly, because services lock such clients out. So the second
//! refusal is final: it is kept, and all get it without a further request. The same applies if fresh tokens are
//! issued but none is ever accepted (a wrong organisation, a revoked role).
//!
//! A 401 alone says nothing about the token, it may be about the resource. The list of binders decides
//! ([`Api`](super::api::Api)).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::header::HeaderValue;
use tokio::time::{Instant, sleep};

use super::{
    cause::Cause,
    error::Error,
    requests::{Endpoint, Requests},
    token_source::TokenSource,
};
use crate::pace::{Policy, Retry};

/// How many refusals of the token endpoint are final.
const REFUSALS: u32 = 2;

/// How many fresh tokens without any accepted request are final.
const NEVER_ACCEPTED: u32 = 3;

/// A token, as a header.
#[derive(Debug)]
pub(super) struct Token {
    /// `Bearer …`, marked as sensitive.
    pub(super) header: HeaderValue,
    /// Its number, counted from the start.
    number: u64,
    /// When to replace it.
    until: Instant,
    /// When the latest accepted request with it was sent.
    accepted: Mutex<Option<Instant>>,
}

impl Token {
    /// The bare token, for redacting it.
    pub(super) fn text(&self) -> &str {
        self.header.to_str().ok().and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default()
    }

    /// Whether a request sent at `sent` or later was accepted with it.
    pub(super) fn was_accepted_since(&self, sent: Instant) -> bool {
        self.accepted().is_some_and(|accepted| accepted >= sent)
    }

    fn accepted(&self) -> MutexGuard<'_, Option<Instant>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cache of the token.
#[derive(Debug)]
pub(super) struct Tokens {
    source: TokenSource,
    retry: Policy,
    requests: Arc<Requests>,
    flight: tokio::sync::Mutex<()>,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    current: Option<Arc<Token>>,
    /// How many tokens were issued.
    fetched: u64,
    /// How many flights have ended, and how the last one failed.
    flights: u64,
    failed: Option<Error>,
    /// Refusals since the endpoint last issued a token.
    refusals: u32,
    /// Consecutive fresh tokens without any accepted request.
    never_accepted: u32,
    /// Why no further token is requested.
    dead: Option<Error>,
}

impl Shared {
    /// The result that needs no request.
    fn ready(&self) -> Option<Result<Arc<Token>, Error>> {
        if let Some(error) = &self.dead {
            return Some(Err(error.clone()));
        }
        self.current.as_ref().filter(|token| Instant::now() < token.until).map(|token| Ok(Arc::clone(token)))
    }
}

impl Tokens {
    pub(super) fn new(source: TokenSource, retry: Policy, requests: Arc<Requests>) -> Self {
        Self { source, retry, requests, flight: tokio::sync::Mutex::new(()), shared: Mutex::new(Shared::default()) }
    }

    /// A token that is good as far as known.
    pub(super) async fn get(&self) -> Result<Arc<Token>, Error> {
        self.get_by(&self.retry).await
    }

    /// The same with one try, since the endpoint may be down.
    pub(super) async fn probe(&self) -> Result<Arc<Token>, Error> {
        self.get_by(&Policy { max_tries: 1, ..self.retry.clone() }).await
    }

    async fn get_by(&self, policy: &Policy) -> Result<Arc<Token>, Error> {
        let before = {
            let shared = self.shared();
            if let Some(ready) = shared.ready() {
                return ready;
            }
            shared.flights
        };
        let _flight = self.flight.lock().await;
        {
            let shared = self.shared();
            if let Some(ready) = shared.ready() {
                return ready;
            }
            // Waiters share the failure: it was retried enough.
            if let Some(error) = shared.failed.as_ref().filter(|_| shared.flights > before) {
                return Err(error.clone());
            }
        }
        let result = self.fetch(policy).await;
        let mut shared = self.shared();
        shared.flights += 1;
        shared.failed = result.as_ref().err().cloned();
        result
    }

    /// A request sent at `sent` with this token was accepted.
    pub(super) fn accepted(&self, token: &Token, sent: Instant) {
        let before = {
            let mut accepted = token.accepted();
            let latest = (*accepted).max(Some(sent));
            std::mem::replace(&mut *accepted, latest)
        };
        if before.is_none() {
            self.shared().never_accepted = 0;
        }
    }

    /// Whether this token was, or will be, replaced.
    pub(super) fn is_replaced(&self, token: &Token) -> bool {
        self.shared().current.as_ref().is_none_or(|current| current.number != token.number)
    }

    /// This token was refused by a call that accepts any good token.
    pub(super) fn refused(&self, token: &Token) {
        let mut shared = self.shared();
        if shared.current.as_ref().is_none_or(|current| current.number != token.number) {
            return;
        }
        shared.current = None;
        if token.accepted().is_some() {
            return;
        }
        shared.never_accepted += 1;
        if shared.never_accepted >= NEVER_ACCEPTED {
            shared.dead = Some(self.source.error(Cause::NeverAccepted(NEVER_ACCEPTED), shared.never_accepted));
        }
    }

    async fn fetch(&self, policy: &Policy) -> Result<Arc<Token>, Error> {
        let mut retry = Retry::new(policy);
        let mut tries = 0;
        loop {
            tries += 1;
            let _open = self.requests.count(Endpoint::Token);
            let answer = self.source.ask().await;
            if let Some(status) = answer.as_ref().map_or_else(Cause::status, |_| Some(200)) {
                self.requests.answered(Endpoint::Token, status);
            }
            let cause = match answer {
                Ok(granted) => return Ok(self.keep(granted.header, granted.usable)),
                Err(cause) => cause,
            };
            let last = self.note_failure(&cause);
            let retry_delay = retry.next(cause.retry_after(), Instant::now()).filter(|_| !last);
            // One refusal is never final, even with a single try.
            let refused_once = matches!(cause, Cause::Refused { .. }) && !last;
            let delay = retry_delay.or_else(|| refused_once.then_some(policy.first_delay));
            let Some(delay) = delay else { return Err(self.give_up(cause, tries)) };
            tracing::debug!(%cause, tries, ?delay, "retrying");
            sleep(delay).await;
            self.requests.count_retried();
        }
    }

    /// Counts a failure; true if it must not be retried.
    fn note_failure(&self, cause: &Cause) -> bool {
        match cause {
            Cause::Refused { .. } => {
                let mut shared = self.shared();
                shared.refusals += 1;
                shared.refusals >= REFUSALS
            }
            Cause::TokenAnswer { status: 429, .. } => {
                self.requests.count_throttled();
                false
            }
            other => !other.is_transient(),
        }
    }

    fn give_up(&self, cause: Cause, tries: u32) -> Error {
        let refused = matches!(cause, Cause::Refused { .. });
        let error = self.source.error(cause, tries);
        if refused {
            self.shared().dead = Some(error.clone());
        }
        error
    }

    fn keep(&self, header: HeaderValue, lifetime: Duration) -> Arc<Token> {
        let mut shared = self.shared();
        shared.fetched += 1;
        shared.refusals = 0;
        let token = Arc::new(Token {
            header,
            number: shared.fetched,
            until: Instant::now() + lifetime,
            accepted: Mutex::default(),
        });
        shared.current = Some(Arc::clone(&token));
        token
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // No holder of the lock can panic halfway through a change.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
