//! How fast to send requests, and when to retry.
//!
//! The service has other users: requests go out at a steady rate, a throttling response slows all of them, and a
//! failed request is retried a few times with growing delays. [`Pace`] is shared by all requests; a [`Retry`]
//! belongs to one.
//!
//! - `Retry` decides, the caller sleeps: nothing here repeats anything by itself.
//! - All waiting uses tokio's clock, so that tests can pause it.
//! - Delays that the service asks for are capped ([`LONGEST_WAIT`]), so that a wrong clock can't stop a run.

mod adaptive;
mod bandwidth;
mod circuit_breaker;
mod concurrency;
mod cooldown;
mod limiter;
mod rate;
mod retry;
mod retry_after;
mod saved_rate;

pub use adaptive::RequestKind;
pub use bandwidth::Bandwidth;
pub use circuit_breaker::{CircuitBreaker, GaveUp, Pass};
pub use concurrency::{ConcurrencyLimit, Slot};
pub use cooldown::Permit;
pub use limiter::Pace;
pub use rate::{Limit, Rate};
pub use retry::{Policy, Retry};
pub use retry_after::{LONGEST_WAIT, parse as parse_retry_after};
pub use saved_rate::SavedRate;
