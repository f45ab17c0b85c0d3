//! Random faults.
//!
//! A roll depends only on the seed, the request's number and the fault, so the same sequence of requests meets the
//! same faults.

use std::str::FromStr;

use super::id::{mix, mix_all};
use super::route::Route;

/// A fault of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// The API answers 429, with `Retry-After` in seconds, as a date, or missing.
    TooMany,
    /// Status 500.
    Internal,
    /// Status 502 with an HTML page, as from a proxy.
    BadGateway,
    /// Status 503.
    Unavailable,
    /// The connection is dropped before the response or within the body.
    Drop,
    /// A storage body is shorter than its `Content-Length`.
    Truncate,
    /// A storage body stops halfway while the connection stays open.
    Stall,
    /// Storage answers 403 with an XML error document although the link is fresh.
    ExpiredLink,
    /// Status 200 with an HTML page or broken JSON; on storage with an XML error document.
    Garbage,
    /// The request's token is revoked, and the request answered 401.
    RevokeToken,
    /// The response is delayed by [`Settings::slow`](super::Settings::slow).
    Slow,
}

impl FaultKind {
    const NAMES: [(&'static str, Self); 11] = [
        ("429", Self::TooMany),
        ("500", Self::Internal),
        ("502", Self::BadGateway),
        ("503", Self::Unavailable),
        ("drop", Self::Drop),
        ("truncate", Self::Truncate),
        ("stall", Self::Stall),
        ("expired-link", Self::ExpiredLink),
        ("garbage", Self::Garbage),
        ("revoke-token", Self::RevokeToken),
        ("slow", Self::Slow),
    ];

    /// Whether the fault applies to `route`.
    fn applies_to(self, route: Route) -> bool {
        match self {
            Self::TooMany => route != Route::Blob,
            Self::RevokeToken => !matches!(route, Route::Blob | Route::Token),
            Self::Truncate | Self::Stall | Self::ExpiredLink => route == Route::Blob,
            _ => true,
        }
    }
}

/// A fault and its probability: `name=probability`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// The kind of fault.
    pub kind: FaultKind,
    /// From 0 (never) to 1 (always).
    pub probability: f64,
}

/// Why a text is not a fault.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadFault {
    /// The text has no `=`.
    #[error("`{0}` is not a fault: write name=probability, for example 503=0.1")]
    Shape(String),
    /// The name is unknown.
    #[error("unknown fault `{name}`; use one of {known}")]
    Name {
        /// The given name.
        name: String,
        /// The known names.
        known: String,
    },
    /// The probability is not a number from 0 to 1.
    #[error("`{0}` is not a probability: write a number from 0 to 1")]
    Probability(String),
}

impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let (name, probability) = text.split_once('=').ok_or_else(|| BadFault::Shape(text.to_owned()))?;
        let kind = FaultKind::NAMES.iter().find(|(known, _)| *known == name.trim()).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| BadFault::Name {
            name: name.to_owned(),
            known: FaultKind::NAMES.map(|(known, _)| known).join(", "),
        })?;
        match probability.trim().parse::<f64>() {
            Ok(number) if (0.0..=1.0).contains(&number) => Ok(Self { kind, probability: number }),
            _ => Err(BadFault::Probability(probability.to_owned())),
        }
    }
}

/// The faults of a sandbox; the first that hits a request wins, and `slow` is added to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// A fault that hits every request.
    pub fn always(kind: FaultKind) -> Self {
        Self(vec![Fault { kind, probability: 1.0 }])
    }

    /// Adds a fault.
    #[must_use]
    pub fn with(mut self, kind: FaultKind, probability: f64) -> Self {
        self.0.push(Fault { kind, probability });
        self
    }

    /// The fault that hits request `number`, other than [`FaultKind::Slow`].
    pub(super) fn roll(&self, seed: u64, number: u64, route: Route) -> Option<FaultKind> {
        let struck = |fault: &&Fault| fault.kind != FaultKind::Slow && fault.hits(seed, number, route);
        self.0.iter().find(struck).map(|fault| fault.kind)
    }

    /// Whether the response to request `number` is delayed.
    pub(super) fn slows(&self, seed: u64, number: u64, route: Route) -> bool {
        self.0.iter().any(|fault| fault.kind == FaultKind::Slow && fault.hits(seed, number, route))
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(faults.into_iter().collect())
    }
}

impl Fault {
    fn hits(&self, seed: u64, number: u64, route: Route) -> bool {
        if !self.kind.applies_to(route) {
            return false;
        }
        let roll = mix(mix_all(&[seed, number, self.kind as u64])) >> 32;
        f64::from(u32::try_from(roll).unwrap_or(0)) < self.probability * 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_text() {
        assert_eq!("503=0.25".parse(), Ok(Fault { kind: FaultKind::Unavailable, probability: 0.25 }));
        assert_eq!("revoke-token=1".parse(), Ok(Fault { kind: FaultKind::RevokeToken, probability: 1.0 }));
        let unknown = "flood=1".parse::<Fault>().unwrap_err().to_string();
        assert!(unknown.contains("`flood`") && unknown.contains("expired-link"), "{unknown}");
        assert!("503".parse::<Fault>().unwrap_err().to_string().contains("name=probability"));
        assert!("503=2".parse::<Fault>().is_err());
        assert!("503=NaN".parse::<Fault>().is_err());
    }

    #[test]
    fn a_probability_is_kept_over_many_requests_and_repeats() {
        let faults: Faults = ["500=0.1".parse().unwrap()].into_iter().collect();
        let struck = |seed| (0..10_000).filter(|&n| faults.roll(seed, n, Route::Search).is_some()).collect::<Vec<_>>();
        assert!((900..1100).contains(&struck(1).len()), "{}", struck(1).len());
        assert_eq!(struck(1), struck(1));
        assert_ne!(struck(1), struck(2));
    }

    #[test]
    fn a_fault_hits_only_its_routes() {
        let stall = Faults::always(FaultKind::Stall);
        assert_eq!(stall.roll(0, 0, Route::Search), None);
        assert_eq!(stall.roll(0, 0, Route::Blob), Some(FaultKind::Stall));
        assert_eq!(Faults::always(FaultKind::RevokeToken).roll(0, 0, Route::Token), None);
    }
}
