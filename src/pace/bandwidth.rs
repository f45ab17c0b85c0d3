//! Limits the bytes per second of all transfers together.
//!
//! Each piece reserves the time its bytes take at the limit, and the caller waits until then. A pause earns at
//! most a tenth of a second of credit, so no transfer catches up in a burst.

use std::{
    num::NonZeroU64,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// The most credit that a pause earns.
const CREDIT: Duration = Duration::from_millis(100);

/// A limit shared by all transfers.
#[derive(Debug)]
pub struct Bandwidth {
    per_second: Option<NonZeroU64>,
    spent_until: Mutex<Instant>,
}

impl Bandwidth {
    /// A limit in bytes per second; `None` for no limit.
    pub fn new(per_second: Option<NonZeroU64>) -> Self {
        Self { per_second, spent_until: Mutex::new(Instant::now()) }
    }

    /// Waits until these bytes are within the limit.
    pub async fn take(&self, bytes: usize) {
        let Some(rate) = self.per_second else { return };
        let until = self.spend(bytes, rate, Instant::now());
        sleep_until(until).await;
    }

    /// Counts bytes and returns how long to wait before the next ones; for threads without a runtime.
    pub fn charge(&self, bytes: usize) -> Duration {
        let now = Instant::now();
        self.per_second.map_or(Duration::ZERO, |rate| self.spend(bytes, rate, now).saturating_duration_since(now))
    }

    fn spend(&self, bytes: usize, rate: NonZeroU64, now: Instant) -> Instant {
        let nanos = (bytes as u128).saturating_mul(1_000_000_000) / u128::from(rate.get());
        let worth = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut spent = self.spent_until.lock().unwrap_or_else(PoisonError::into_inner);
        let floor = now.checked_sub(CREDIT).unwrap_or(now);
        *spent = (*spent).max(floor) + worth;
        *spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_limit_applies_to_all_transfers_together() {
        let bandwidth = Bandwidth::new(NonZeroU64::new(1000));
        let start = Instant::now();
        let tasks = (0..10).map(|_| bandwidth.take(500));
        futures::future::join_all(tasks).await;
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(4900) && took <= Duration::from_millis(5010), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_gets_the_time_to_wait() {
        let bandwidth = Bandwidth::new(NonZeroU64::new(1000));
        let waits = bandwidth.charge(500).max(bandwidth.charge(500));
        assert_eq!(waits, Duration::from_secs(1));
        assert_eq!(Bandwidth::new(None).charge(usize::MAX), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_waits_without_a_limit() {
        let start = Instant::now();
        Bandwidth::new(None).take(usize::MAX).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
