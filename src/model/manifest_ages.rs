//! How long manifests are kept.

/// Ages up to which one manifest a day and one a week are kept, in seconds; of older ones, one a month is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestAges {
    daily: i64,
    weekly: i64,
}

impl ManifestAges {
    /// `None` unless the daily ones come before the weekly ones.
    pub fn new(daily: i64, weekly: i64) -> Option<Self> {
        (0 < daily && daily <= weekly).then_some(Self { daily, weekly })
    }

    /// The age up to which one a day is kept.
    pub fn daily(self) -> i64 {
        self.daily
    }

    /// The age up to which one a week is kept.
    pub fn weekly(self) -> i64 {
        self.weekly
    }
}
