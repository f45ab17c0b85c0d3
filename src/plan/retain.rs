//! Which old versions may be deleted, and whether the clock can be trusted for that.
//!
//! With two rules, a version is kept if either keeps it. Without rules everything is kept. Times are in seconds since the
//! epoch.

use std::num::NonZeroU64;

use crate::model::ClockReading;

/// The largest difference between the clocks that is accepted: an hour.
const APART: u64 = 3600;

/// The retention rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retain {
    /// Versions that were replaced or removed more than this many seconds ago may be deleted.
    pub age: Option<i64>,
    /// All but this many newest old versions of a document may be deleted.
    pub versions: Option<NonZeroU64>,
}

impl Retain {
    /// Whether everything is kept.
    pub fn keeps_all(self) -> bool {
        self == Self::default()
    }

    /// Versions that ended before this time may be deleted, as far as age decides.
    pub fn ended_before(self, now: i64) -> Option<i64> {
        self.age.map(|age| now.saturating_sub(age))
    }

    /// Whether a version may be deleted that ended at a time, and of whose document this many newer old versions are kept.
    pub fn may_delete(self, now: i64, ended_at: i64, newer: u64) -> bool {
        let old = self.ended_before(now).is_none_or(|time| ended_at < time);
        let many = self.versions.is_none_or(|versions| newer >= versions.get());
        !self.keeps_all() && old && many
    }
}

/// The times that show whether the clock can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Both clocks now.
    pub now: ClockReading,
    /// When the previous run began or ended.
    pub before: Option<i64>,
}

/// Why a clock can't be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// There is nothing to compare it with.
    #[error("the service's answers have no Date header to compare this machine's clock with")]
    NoDate,
    /// It differs from the service's by this many seconds.
    #[error("this machine's clock and the service's are {0} seconds apart; set the clock")]
    Apart(u64),
    /// It is earlier than the previous run.
    #[error("by this machine's clock the previous run is in the future; set the clock")]
    Behind,
}

impl Times {
    /// Why the clock can't be trusted, if so.
    pub fn doubt(self) -> Option<Doubt> {
        match self.now.apart() {
            None => Some(Doubt::NoDate),
            Some(apart) if apart > APART => Some(Doubt::Apart(apart)),
            Some(_) => self.before.is_some_and(|before| self.now.ours < before).then_some(Doubt::Behind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_deleted_if_no_rule_keeps_it() {
        let rule = |age, versions: Option<u64>| Retain { age, versions: versions.and_then(NonZeroU64::new) };
        let (by_age, by_count, both) = (rule(Some(90), None), rule(None, Some(2)), rule(Some(90), Some(2)));
        // The clock says 1000.
        for (retain, ended_at, newer, may_delete) in [
            (rule(None, None), 0, u64::MAX, false),
            (by_age, 909, 0, true),
            (by_age, 910, 9, false), // exactly 90 is not more than 90
            (by_age, 2000, 9, false),
            (by_count, 999, 2, true),
            (by_count, 0, 1, false),
            (by_count, 0, 0, false),
            (both, 909, 2, true),
            (both, 909, 1, false),
            (both, 910, 2, false),
            (rule(Some(i64::MAX), None), 0, 0, false),
        ] {
            assert_eq!(retain.may_delete(1000, ended_at, newer), may_delete, "{retain:?} {ended_at} {newer}");
        }
    }

    #[test]
    fn a_clock_that_agrees_with_others_is_trusted() {
        let before = Some(9_000);
        for (ours, service, before, doubt) in [
            (10_000, Some(10_000), before, None),
            (10_000, Some(13_600), before, None),
            (10_000, Some(6_400), before, None),
            (10_000, Some(13_601), before, Some(Doubt::Apart(3601))),
            (10_000, Some(6_399), before, Some(Doubt::Apart(3601))),
            (10_000, None, before, Some(Doubt::NoDate)),
            (10_000, Some(10_000), None, None),
            (10_000, Some(10_000), Some(10_000), None),
            (10_000, Some(10_000), Some(10_001), Some(Doubt::Behind)),
            (0, Some(i64::MAX), before, Some(Doubt::Apart(i64::MAX.unsigned_abs()))),
        ] {
            let now = ClockReading { ours, service };
            assert_eq!(Times { now, before }.doubt(), doubt, "{now:?} {before:?}");
        }
    }
}
