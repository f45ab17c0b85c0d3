//! What `doctor` found: checks one by one, and what the live service says to each statement that the client rests on.
//!
//! Nothing in it is secret, and nothing names a document, a binder or a person: it is made to be sent to somebody.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a check is about, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// What was given: place, credentials.
    Configuration,
    /// The folder of the mirror and its file system.
    Destination,
    /// Names, proxies, TLS, clocks.
    Network,
    /// The token endpoint and the tenant.
    Credentials,
    /// The API.
    Service,
    /// Where the bytes are.
    Storage,
}

impl Area {
    /// The word that people see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Destination => "Destination",
            Self::Network => "Network",
            Self::Credentials => "Credentials",
            Self::Service => "Service",
            Self::Storage => "Storage",
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Not made, because of what failed before or was not given.
    Skipped,
    /// A run works, but somebody should know.
    Warning,
    /// A run can't work.
    Failure,
}

impl Verdict {
    /// The word that people see.
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
    /// What it is about.
    pub area: Area,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// The same with names of binders and documents, for the screen alone.
    #[serde(skip)]
    pub on_screen: Option<String>,
    /// What to do next; only for a warning or a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Check {
    /// A check that found what it should.
    pub fn ok(area: Area, found: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Ok, found: found.into(), on_screen: None, next: None }
    }

    /// The same check, with names that only the screen shows.
    #[must_use]
    pub fn on_screen(self, found: impl Into<String>) -> Self {
        Self { on_screen: Some(found.into()), ..self }
    }

    /// A check that was not made.
    pub fn skipped(area: Area, found: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Skipped, found: found.into(), on_screen: None, next: None }
    }

    /// A check that found what somebody should know, and what to do about it.
    pub fn warning(area: Area, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Warning, found: found.into(), on_screen: None, next: Some(next.into()) }
    }

    /// A check that found what keeps a run from working, and what to do about it.
    pub fn failure(area: Area, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Failure, found: found.into(), on_screen: None, next: Some(next.into()) }
    }
}

/// What the live service says to a statement of `docs/api-contract.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Belief {
    /// It behaves so.
    Confirmed,
    /// It behaves otherwise.
    Refuted,
    /// Nothing was seen of it.
    Unseen,
}

/// A statement of `docs/api-contract.md`, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// As the page has it.
    pub statement: &'static str,
    /// What the live service says to it.
    pub belief: Belief,
    /// What was seen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub seen: String,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DoctorReport {
    /// Of this program.
    pub version: &'static str,
    /// Kernel and architecture.
    pub system: String,
    /// When it was made.
    pub made_at: jiff::Timestamp,
    /// Where the API is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The checks, in their order.
    pub checks: Vec<Check>,
    /// What the client rests on.
    pub statements: Vec<Statement>,
    /// Requests that a night takes at most on which nothing changes, names of folders aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub night_requests: Option<u64>,
}

impl DoctorReport {
    /// How many checks ended in each way.
    pub fn counts(&self) -> BTreeMap<Verdict, usize> {
        let mut counts = BTreeMap::new();
        for check in &self.checks {
            *counts.entry(check.verdict).or_default() += 1;
        }
        counts
    }

    /// The areas in which something failed.
    pub fn failed(&self) -> impl Iterator<Item = Area> {
        self.checks.iter().filter(|check| check.verdict == Verdict::Failure).map(|check| check.area)
    }

    /// The statements with this belief.
    pub fn believed(&self, belief: Belief) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(move |statement| statement.belief == belief)
    }
}
