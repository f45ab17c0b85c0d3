//! How slowly a body may come.
//!
//! A silence that lasts too long ends it, and so does a trickle: too few bytes over a whole window of waiting. Only
//! the time counts in which somebody waits for bytes: what the disk or our own limit of the bandwidth takes doesn't, and
//! what arrives meanwhile is there at once.

use std::time::Duration;

use super::{cause::Cause, settings::Settings};

/// How slowly a body may come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The longest silence, and the window of the least rate.
    pub(super) stall: Duration,
    /// Bytes per second at least; 0: no limit.
    pub(super) min_speed: u64,
}

/// What came of one body in the present window.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) patience: Patience,
    waited: Duration,
    bytes: u64,
}

impl Patience {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { stall: settings.stall_timeout, min_speed: settings.min_speed }
    }

    pub(super) fn meter(self) -> Meter {
        Meter { patience: self, waited: Duration::ZERO, bytes: 0 }
    }
}

impl Meter {
    /// So many bytes came after such a wait; an error where they are too few over a window.
    pub(super) fn came(&mut self, waited: Duration, bytes: usize) -> Result<(), Cause> {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < self.patience.stall {
            return Ok(());
        }
        let least = u128::from(self.patience.min_speed) * self.waited.as_millis() / 1000;
        if u128::from(self.bytes) < least {
            return Err(Cause::TooSlow { least: self.patience.min_speed, over: self.patience.stall });
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How many pieces come before it is too slow.
    fn pieces(min_speed: u64, each: usize, wait: Duration) -> Option<usize> {
        let mut meter = Patience { stall: 3 * SECOND, min_speed }.meter();
        (0..1000).find(|_| meter.came(wait, each).is_err())
    }

    #[test]
    fn a_trickle_ends_with_its_window_and_nothing_else_does() {
        for (min_speed, each, wait, ends) in [
            (1000, 1, SECOND, Some(2)),
            (1000, 999, SECOND, Some(2)),
            (1000, 1000, SECOND, None),
            (0, 1, SECOND, None),
            // Waits of our own are none of these: the bytes are there when they are asked for.
            (1000, 1, Duration::ZERO, None),
            (1000, 600, SECOND / 2, None),
        ] {
            assert_eq!(pieces(min_speed, each, wait), ends, "{min_speed} {each} {wait:?}");
        }
    }

    #[test]
    fn a_good_start_does_not_pay_for_a_trickle() {
        let mut meter = Patience { stall: 3 * SECOND, min_speed: 1000 }.meter();
        assert!(meter.came(3 * SECOND, 1 << 20).is_ok());
        assert!(meter.came(2 * SECOND, 1).is_ok());
        assert!(meter.came(SECOND, 1).is_err());
    }
}
