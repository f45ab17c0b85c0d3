//! The minimum speed of a body.
//!
//! A body fails after too long a silence, and after too few bytes over a window of waiting. Only time spent
//! waiting for bytes counts, not that of the disk or of the bandwidth limit.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

use super::{cause::Cause, settings::Settings};

/// The minimum speed of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct MinSpeed {
    /// The longest silence, and the window of `min_speed`.
    pub(super) stall: Duration,
    /// Bytes per second; 0 for no limit.
    pub(super) min_speed: u64,
}

/// Longer than any run; moments much further ahead can't be calculated.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// What arrived of one body in the present window.
#[derive(Debug)]
pub(super) struct Meter {
    min_speed: MinSpeed,
    waited: Duration,
    bytes: u64,
    /// One timer for the whole body. It is set again when it fires, not for each piece.
    timer: Option<Pin<Box<Sleep>>>,
}

impl MinSpeed {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { stall: settings.stall_timeout, min_speed: settings.min_speed }
    }

    pub(super) fn meter(self) -> Meter {
        Meter { min_speed: self, waited: Duration::ZERO, bytes: 0, timer: None }
    }
}

impl Meter {
    /// Waits for something, but not longer than the longest silence.
    pub(super) async fn in_time<T>(&mut self, piece: impl Future<Output = T>) -> Result<T, Cause> {
        let limit = self.min_speed.stall.min(FOREVER);
        let end = Instant::now() + limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        let mut piece = std::pin::pin!(piece);
        loop {
            tokio::select! {
                biased;
                piece = &mut piece => return Ok(piece),
                () = timer.as_mut() => {}
            }
            if Instant::now() >= end {
                return Err(Cause::Slow { what: "the rest of an answer", limit });
            }
            timer.as_mut().reset(end);
        }
    }

    /// Counts bytes after a wait; fails if the window had too few.
    pub(super) fn received(&mut self, waited: Duration, bytes: usize) -> Result<(), Cause> {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < self.min_speed.stall {
            return Ok(());
        }
        let least = u128::from(self.min_speed.min_speed) * self.waited.as_millis() / 1000;
        if u128::from(self.bytes) < least {
            return Err(Cause::TooSlow { least: self.min_speed.min_speed, over: self.min_speed.stall });
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How many pieces arrive before it fails as too slow.
    fn pieces(min_speed: u64, each: usize, wait: Duration) -> Option<usize> {
        let mut meter = MinSpeed { stall: 3 * SECOND, min_speed }.meter();
        (0..1000).find(|_| meter.received(wait, each).is_err())
    }

    #[test]
    fn only_a_trickle_fails_at_the_end_of_its_window() {
        for (min_speed, each, wait, ends) in [
            (1000, 1, SECOND, Some(2)),
            (1000, 999, SECOND, Some(2)),
            (1000, 1000, SECOND, None),
            (0, 1, SECOND, None),
            // With a bandwidth limit of ours the bytes are there at once.
            (1000, 1, Duration::ZERO, None),
            (1000, 600, SECOND / 2, None),
        ] {
            assert_eq!(pieces(min_speed, each, wait), ends, "{min_speed} {each} {wait:?}");
        }
    }

    #[test]
    fn a_fast_start_does_not_excuse_a_trickle() {
        let mut meter = MinSpeed { stall: 3 * SECOND, min_speed: 1000 }.meter();
        assert!(meter.received(3 * SECOND, 1 << 20).is_ok());
        assert!(meter.received(2 * SECOND, 1).is_ok());
        assert!(meter.received(SECOND, 1).is_err());
    }

    #[tokio::test]
    async fn any_length_of_time_can_be_waited_for() {
        let mut meter = MinSpeed { stall: Duration::MAX, min_speed: 0 }.meter();
        assert!(meter.in_time(std::future::ready(())).await.is_ok());
        assert!(meter.in_time(tokio::task::yield_now()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_has_the_whole_time() {
        let mut meter = MinSpeed { stall: 3 * SECOND, min_speed: 0 }.meter();
        let took = async |meter: &mut Meter, wait: Duration| {
            let begun = Instant::now();
            let came = meter.in_time(tokio::time::sleep(wait)).await;
            (came.is_ok(), begun.elapsed().as_secs())
        };
        // The timer of the first fires during the second.
        assert_eq!(took(&mut meter, 2 * SECOND).await, (true, 2));
        assert_eq!(took(&mut meter, 2 * SECOND).await, (true, 2));
        assert_eq!(took(&mut meter, 4 * SECOND).await, (false, 3));
        assert_eq!(took(&mut meter, 2 * SECOND).await, (true, 2));
    }
}
