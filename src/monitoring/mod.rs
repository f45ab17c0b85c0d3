//! How a mirror is doing: its status file, whether that is healthy, and metrics for Prometheus.

mod health;
#[cfg(test)]
mod health_tests;
mod liveness;
mod metrics;
mod status;
#[cfg(test)]
mod status_tests;

pub use health::{Health, Level, Problem, span};
pub use liveness::{Process, ProcessState, Whereabouts, Working};
pub use metrics::{METRICS, metrics, metrics_after_failure};
pub use status::{CompleteRun, Damage, Illegible, LastRound, LastRun, LastVerify, STATUS, Space, Status, Waiting};
