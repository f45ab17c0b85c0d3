//! Readings of this machine's clock and the service's clock at the same moment.

/// Both clocks at one moment, in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// This machine's clock.
    pub ours: i64,
    /// The service's clock, extrapolated from the last `Date` header; `None` if there was none.
    pub service: Option<i64>,
}

impl ClockReading {
    /// Seconds between the two clocks; `None` without a `Date` header from the service.
    pub fn apart(self) -> Option<u64> {
        self.service.map(|service| self.ours.abs_diff(service))
    }

    /// Seconds that have passed since an earlier reading, by this machine's clock and by the service's.
    pub fn since(self, before: Self) -> (i64, Option<i64>) {
        let service = self.service.zip(before.service).map(|(now, before)| now.saturating_sub(before));
        (self.ours.saturating_sub(before.ours), service)
    }
}
