//! How fast to ask, and when to ask again.
//!
//! The service is not ours alone: requests go out at a steady rate, an answer that asks for
//! patience slows everybody at once, and a failed request is repeated a few times, further and
//! further apart. [`Pace`] is shared by all requests; a [`Retry`] belongs to one.
//!
//! - Retry decides, the caller sleeps: nothing here repeats anything by itself.
//! - All waiting is on tokio's clock, so tests run it in no time.
//! - What the service asks for is capped ([`LONGEST_WAIT`]): a wrong clock or a proxy's idea of an
//!   hour must not hang the night.

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
