//! The report of `doctor`: its checks, and whether the service confirms the statements that the client relies on.
//!
//! It contains no secret and names no document, binder or person, so that it can be sent to others.

use std::collections::BTreeMap;

use serde::Serialize;

/// The subject of a check, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// The configuration: URLs, organisation, credentials.
    Configuration,
    /// The folder of the mirror and its file system.
    Destination,
    /// Names, proxies, TLS, clocks.
    Network,
    /// The token endpoint and the tenant.
    Credentials,
    /// The API.
    Service,
    /// The storage of the bytes.
    Storage,
    /// The store of the copy.
    Copy,
}

impl Area {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Destination => "Destination",
            Self::Network => "Network",
            Self::Credentials => "Credentials",
            Self::Service => "Service",
            Self::Storage => "Storage",
            Self::Copy => "Copy",
        }
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Skipped, because an earlier check failed or something was not given.
    Skipped,
    /// A run works, but there is something to know.
    Warning,
    /// A run can't work.
    Failure,
}

impl Verdict {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failure => "FAILURE",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its subject.
    pub area: Area,
    /// Its result.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// The same with names of binders and documents, for the screen only.
    #[serde(skip)]
    pub on_screen: Option<String>,
    /// What to do; only for a warning or a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Check {
    /// A check that passed.
    pub fn ok(area: Area, found: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Ok, found: found.into(), on_screen: None, next: None }
    }

    /// The same check, with a text that only the screen shows.
    #[must_use]
    pub fn on_screen(self, found: impl Into<String>) -> Self {
        Self { on_screen: Some(found.into()), ..self }
    }

    /// A check that was skipped.
    pub fn skipped(area: Area, found: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Skipped, found: found.into(), on_screen: None, next: None }
    }

    /// A check with a warning, and what to do.
    pub fn warning(area: Area, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Warning, found: found.into(), on_screen: None, next: Some(next.into()) }
    }

    /// A check that failed, and what to do.
    pub fn failure(area: Area, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Failure, found: found.into(), on_screen: None, next: Some(next.into()) }
    }
}

/// Whether the service confirms a statement of `docs/api-contract.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Belief {
    /// It does.
    Confirmed,
    /// It contradicts it.
    Refuted,
    /// Nothing was observed.
    Unseen,
}

/// A statement of `docs/api-contract.md`, and the observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The text on the page.
    pub statement: &'static str,
    /// Whether the service confirms it.
    pub belief: Belief,
    /// What was observed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub seen: String,
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DoctorReport {
    /// The version of this program.
    pub version: &'static str,
    /// Kernel and architecture.
    pub system: String,
    /// When it was made.
    pub made_at: jiff::Timestamp,
    /// The URL of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The checks, in their order.
    pub checks: Vec<Check>,
    /// What the client relies on.
    pub statements: Vec<Statement>,
    /// The most requests of a run that finds no changes, without those for folder names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub night_requests: Option<u64>,
}

impl DoctorReport {
    /// The number of checks by result.
    pub fn counts(&self) -> BTreeMap<Verdict, usize> {
        let mut counts = BTreeMap::new();
        for check in &self.checks {
            *counts.entry(check.verdict).or_default() += 1;
        }
        counts
    }

    /// The areas with failures.
    pub fn failed(&self) -> impl Iterator<Item = Area> {
        self.checks.iter().filter(|check| check.verdict == Verdict::Failure).map(|check| check.area)
    }

    /// The statements with this result.
    pub fn believed(&self, belief: Belief) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(move |statement| statement.belief == belief)
    }
}
