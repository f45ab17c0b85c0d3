//! How many removals are believed at once.
//!
//! A lost permission, a broken index or an outage looks like a thousand removals. Up to the cap each removal is confirmed
//! by id; above it nothing is looked up and nothing is removed.

use std::str::FromStr;

/// The limit for removals, per binder and in total.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum RemovalCap {
    /// The larger of 10 documents and 10 % of what is mirrored.
    #[default]
    Default,
    /// This number of documents.
    Count(u64),
    /// This percentage of the mirrored documents.
    Percent(f64),
}

/// The missing documents of a binder, and of the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Whether the binder lists no documents at all.
    pub lists_nothing: bool,
    /// Missing documents of the binder, and its mirrored ones.
    pub binder: (u64, u64),
    /// Missing documents of all binders, and all mirrored ones.
    pub all: (u64, u64),
}

/// Which missing documents of a binder are looked up by id, so that those that are gone can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookUp {
    /// All of them.
    All,
    /// Only those whose removal a user confirmed; the others are withheld.
    Confirmed,
    /// None; all are withheld.
    Nothing,
}

/// Why a text is not a removal cap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a number of documents (such as 50) nor a share of them (such as 20%)")]
pub struct BadCap(String);

impl RemovalCap {
    /// How many documents may be removed, of this many mirrored ones.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no organisation has 2^52 documents, and the cast saturates"
    )]
    pub fn of(self, mirrored: u64) -> u64 {
        match self {
            Self::Default => 10.max(mirrored / 10),
            Self::Count(count) => count,
            // A cast from a float saturates, and no organisation has 2^52 documents.
            Self::Percent(percent) => (mirrored as f64 * percent / 100.0).floor() as u64,
        }
    }

    /// Which missing documents are looked up. A confirmation lifts the cap for its own documents only: they still count
    /// for the others.
    pub fn look_up(self, missing: Missing) -> LookUp {
        let exceeds = |(missing, mirrored): (u64, u64)| missing > self.of(mirrored);
        match missing {
            Missing { lists_nothing: true, .. } => LookUp::Nothing,
            Missing { binder, all, .. } if exceeds(binder) || exceeds(all) => LookUp::Confirmed,
            Missing { .. } => LookUp::All,
        }
    }
}

impl FromStr for RemovalCap {
    type Err = BadCap;

    fn from_str(text: &str) -> Result<Self, BadCap> {
        let bad = || BadCap(text.to_owned());
        match text.trim().strip_suffix('%') {
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(bad()),
            },
            None => text.trim().parse().map(Self::Count).map_err(|_| bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_is_the_larger_of_ten_and_a_tenth() {
        for (mirrored, cap) in [(0, 10), (5, 10), (100, 10), (109, 10), (110, 11), (20_000, 2_000)] {
            assert_eq!(RemovalCap::Default.of(mirrored), cap, "{mirrored}");
        }
        assert_eq!(RemovalCap::Count(3).of(1_000_000), 3);
        assert_eq!(RemovalCap::Percent(2.5).of(1000), 25);
        assert_eq!(RemovalCap::Percent(0.0).of(1000), 0);
    }

    #[test]
    fn above_the_cap_only_confirmed_removals_are_looked_up() {
        for (lists_nothing, binder, all, look_up) in [
            (false, (10, 40), (10, 40), LookUp::All),
            (false, (11, 40), (11, 40), LookUp::Confirmed),
            (false, (10, 50), (20, 100), LookUp::Confirmed),
            (false, (11, 200), (11, 200), LookUp::All),
            (false, (11, 100), (11, 1_000_000), LookUp::Confirmed),
            (true, (1, 40), (1, 40), LookUp::Nothing),
            (true, (40, 40), (40, 40), LookUp::Nothing),
        ] {
            let missing = Missing { lists_nothing, binder, all };
            assert_eq!(RemovalCap::Default.look_up(missing), look_up, "{missing:?}");
            let all = if lists_nothing { LookUp::Nothing } else { LookUp::All };
            assert_eq!(RemovalCap::Percent(100.0).look_up(missing), all, "{missing:?}");
        }
    }

    #[test]
    fn caps_are_read_from_text() {
        assert_eq!("50".parse(), Ok(RemovalCap::Count(50)));
        assert_eq!("20%".parse(), Ok(RemovalCap::Percent(20.0)));
        for bad in ["", "-1", "101%", "x%", "ten", "NaN%"] {
            assert!(bad.parse::<RemovalCap>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~]{0,20}|[0-9.]{1,30} ?[kMGTiB%]{0,3}|\\PC{0,20}", mirrored in proptest::prelude::any::<u64>()) {
            if let Ok(RemovalCap::Percent(percent)) = text.parse() {
                proptest::prop_assert!(RemovalCap::Percent(percent).of(mirrored) <= mirrored || mirrored > 1 << 52);
            }
        }
    }
}
