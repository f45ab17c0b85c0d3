//! The condition of a mirror: its status file, its health, and metrics for Prometheus.

mod copy_status;
mod health;
#[cfg(test)]
mod health_tests;
mod liveness;
mod metrics;
mod status;
#[cfg(test)]
mod status_tests;

pub use copy_status::CopyStatus;
pub use health::{Health, Level, Problem, span};
pub use liveness::{Liveness, Process, ProcessState, Working};
pub use metrics::{METRICS, metrics, metrics_after_failure};
pub use status::{
    CompleteRun, Damage, LastRound, LastRun, LastVerify, Manifests, STATUS, Space, Status, StatusError, Waiting,
};
