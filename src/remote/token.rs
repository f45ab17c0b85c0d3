//! The access token: one for everybody, fetched once.
//!
//! The service asks for a token to be cached for its lifetime less a margin, and has no refresh token (the API
//! page, "Token"). However many tasks wait, one request is under way: whoever holds `flight` fetches, the others
//! wait for it and share what came out, its failure too.
//!
//! Credentials that are refused must not be hammered, because services lock such a client out. So
//! the second refusal is final: it is kept, and everybody gets it from then on without a request. The same holds when
//! fresh tokens are handed out but none is ever accepted (a wrong organisation, a revoked role).
//!
//! A 401 alone says nothing about the token: it may be about the one thing that was asked for. Whether the token is bad is
//! decided by the list of binders ([`Api`](super::api::Api)), and told here.

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

/// How many fresh tokens that never had a request accepted are final.
const FRUITLESS: u32 = 3;

/// A token as requests bear it.
#[derive(Debug)]
pub(super) struct Token {
    /// `Bearer …`, marked as sensitive so that nothing shows it.
    pub(super) header: HeaderValue,
    /// Which one it is, counted from the start.
    number: u64,
    /// When it is replaced.
    until: Instant,
    /// When the latest request was sent that was accepted with it.
    accepted: Mutex<Option<Instant>>,
}

impl Token {
    /// The token itself, so that it can be kept out of texts.
    pub(super) fn text(&self) -> &str {
        self.header.to_str().ok().and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default()
    }

    /// Whether a request that was sent then, or later, was accepted with it.
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
    /// How many tokens were fetched.
    fetched: u64,
    /// How many flights have ended, and how the last one failed.
    flights: u64,
    failed: Option<Error>,
    /// Refusals of the token endpoint since it last gave a token.
    refusals: u32,
    /// Fresh tokens in a row that never had a request accepted.
    fruitless: u32,
    /// Why no token will ever be had again.
    dead: Option<Error>,
}

impl Shared {
    /// What can be answered without a request.
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

    /// A token that is good as far as anybody knows.
    pub(super) async fn get(&self) -> Result<Arc<Token>, Error> {
        self.get_by(&self.retry).await
    }

    /// The same, where the endpoint is asked once at most: it may be down.
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
            // Whoever waited for a flight that failed shares its failure: it was tried often enough.
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

    /// A request that was sent then with this token was accepted.
    pub(super) fn accepted(&self, token: &Token, sent: Instant) {
        let before = {
            let mut accepted = token.accepted();
            let latest = (*accepted).max(Some(sent));
            std::mem::replace(&mut *accepted, latest)
        };
        if before.is_none() {
            self.shared().fruitless = 0;
        }
    }

    /// Whether another token has taken the place of this one, or will.
    pub(super) fn is_replaced(&self, token: &Token) -> bool {
        self.shared().current.as_ref().is_none_or(|current| current.number != token.number)
    }

    /// This token was refused for what any token that is good is accepted for.
    pub(super) fn refused(&self, token: &Token) {
        let mut shared = self.shared();
        if shared.current.as_ref().is_none_or(|current| current.number != token.number) {
            return;
        }
        shared.current = None;
        if token.accepted().is_some() {
            return;
        }
        shared.fruitless += 1;
        if shared.fruitless >= FRUITLESS {
            shared.dead = Some(Error::new(self.source.call(), Cause::Fruitless(FRUITLESS), shared.fruitless));
        }
    }

    async fn fetch(&self, policy: &Policy) -> Result<Arc<Token>, Error> {
        let mut retry = Retry::new(policy);
        let mut tries = 0;
        loop {
            tries += 1;
            self.requests.count_token();
            let answer = self.source.ask().await;
            if let Some(status) = answer.as_ref().map_or_else(Cause::status, |_| Some(200)) {
                self.requests.answered(Endpoint::Token, status);
            }
            let cause = match answer {
                Ok(granted) => return Ok(self.keep(granted.header, granted.usable)),
                Err(cause) => cause,
            };
            let last = self.note_failure(&cause);
            let patience = retry.next(cause.retry_after(), Instant::now()).filter(|_| !last);
            // One refusal is never believed, however short the patience is.
            let refused_once = matches!(cause, Cause::Refused { .. }) && !last;
            let delay = patience.or_else(|| refused_once.then_some(policy.first_delay));
            let Some(delay) = delay else { return Err(self.give_up(cause, tries)) };
            tracing::debug!(%cause, tries, ?delay, "asking for a token again");
            sleep(delay).await;
            self.requests.count_retried();
        }
    }

    /// Counts a failure; true when it must not be tried again.
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
            other => !other.is_passing(),
        }
    }

    fn give_up(&self, cause: Cause, tries: u32) -> Error {
        let refused = matches!(cause, Cause::Refused { .. });
        let error = Error::new(self.source.call(), cause, tries);
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
        // Nothing that holds the lock can panic half way through a change.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
