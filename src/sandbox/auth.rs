//! Tokens, signatures and the rate limit.
//!
//! The secret of tokens and links is new at each start, so that nothing from an earlier sandbox is accepted. All
//! times come from one clock that tests can advance.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use crate::sandbox::id::{Guid, hex};

/// A clock that tests can advance.
pub(super) struct Clock {
    start: Instant,
    start_millis: u64,
    ahead: AtomicU64,
}

impl Clock {
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), start_millis: millis(since), ahead: AtomicU64::new(0) }
    }

    pub(super) fn since_start(&self) -> Duration {
        self.start.elapsed()
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.start_millis + millis(self.start.elapsed()) + self.ahead.load(Ordering::Relaxed)
    }

    pub(super) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(millis(by), Ordering::Relaxed);
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

/// The valid tokens.
#[derive(Default)]
pub(super) struct Tokens {
    expiries: Mutex<HashMap<String, u64>>,
    issued: Mutex<Vec<String>>,
}

impl Tokens {
    pub(super) fn issue(&self, signer: &Signer, now: u64, lifetime: Duration) -> String {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let token = format!("sbx_{}", hex(&signer.sign(&format!("token {}", issued.len()))[..20]));
        issued.push(token.clone());
        let mut expiries = self.expiries.lock().unwrap_or_else(PoisonError::into_inner);
        expiries.retain(|_, expiry| *expiry > now);
        expiries.insert(token.clone(), now.saturating_add(millis(lifetime)));
        token
    }

    pub(super) fn accepts(&self, token: &str, now: u64) -> bool {
        let expiries = self.expiries.lock().unwrap_or_else(PoisonError::into_inner);
        expiries.get(token).is_some_and(|expiry| *expiry > now)
    }

    pub(super) fn revoke(&self, token: &str) {
        self.expiries.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }

    pub(super) fn revoke_all(&self) {
        self.expiries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn issued(&self) -> Vec<String> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Signs tokens and links.
pub(super) struct Signer(Sha256);

impl Signer {
    pub(super) fn new() -> Self {
        let secret = [RandomState::new().hash_one(1_u8), RandomState::new().hash_one(2_u8)];
        Self(Sha256::new().chain_update(secret[0].to_be_bytes()).chain_update(secret[1].to_be_bytes()))
    }

    fn sign(&self, text: &str) -> [u8; 32] {
        self.0.clone().chain_update(text).finalize().into()
    }

    /// The signature of a link to a version's bytes; `life` encodes its expiry.
    pub(super) fn link(&self, (document, version): (Guid, Guid), life: &str) -> [u8; 32] {
        self.sign(&format!("link {document} {version} {life}"))
    }
}

/// A token bucket.
#[derive(Default)]
pub(super) struct Limiter(Mutex<Option<(Instant, f64)>>);

impl Limiter {
    /// Takes a request from the bucket, if one is left.
    pub(super) fn admits(&self, per_second: u32) -> bool {
        self.admits_at(per_second, Instant::now())
    }

    fn admits_at(&self, per_second: u32, now: Instant) -> bool {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = f64::from(per_second.max(1));
        let (since, left) = bucket.unwrap_or((now, full));
        let left = (left + now.duration_since(since).as_secs_f64() * f64::from(per_second)).min(full);
        let admitted = left >= 1.0;
        *bucket = Some((now, if admitted { left - 1.0 } else { left }));
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limiter_refills() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        assert!(limiter.admits_at(2, start) && limiter.admits_at(2, start));
        assert!(!limiter.admits_at(2, start));
        assert!(limiter.admits_at(2, start + Duration::from_millis(600)));
        assert!(!limiter.admits_at(2, start + Duration::from_millis(700)));
    }

    #[test]
    fn a_token_ends_with_its_lifetime_or_when_it_is_revoked() {
        let (tokens, signer) = (Tokens::default(), Signer::new());
        let token = tokens.issue(&signer, 1000, Duration::from_secs(1));
        assert!(tokens.accepts(&token, 1999));
        assert!(!tokens.accepts(&token, 2000));
        let other = tokens.issue(&signer, 1000, Duration::from_secs(1));
        assert_ne!(token, other);
        tokens.revoke(&other);
        assert!(!tokens.accepts(&other, 1000));
    }
}
