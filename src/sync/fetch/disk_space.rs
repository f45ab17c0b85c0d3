//! Room on the disk for what is on its way.

use std::sync::atomic::Ordering::Relaxed;

use crate::{
    remote::Blob,
    report::Warning,
    sync::{Fatal, context::RunContext, fetch::transfer_error::TransferError, stop::StopCause},
};

/// Less room than this, and a run with `--min-free` ends: what still fits is hardly worth a request.
const HARDLY_ANY: u64 = 1024 * 1024;

/// What a download of at least a MiB, or of a size that nobody announced, leaves to the others: it must not be what makes
/// the disk full for everybody. Smaller ones are not looked at where no space has to stay free: where they don't fit the
/// disk is full, and says so.
const MARGIN: u64 = 4 * HARDLY_ANY;

/// Room on the disk for what a download has announced, counted with that of all others.
pub(crate) struct DiskSpace<'c> {
    ctx: &'c RunContext,
    bytes: u64,
}

/// Whether a download fits on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fits {
    Yes,
    /// It does not, and others may.
    NotThis,
    /// Hardly anything does.
    HardlyAny,
}

/// `free` bytes are free, `reserved` stay so, `others` are still to be written by others.
fn fits(free: u64, reserved: u64, others: u64, bytes: u64) -> Fits {
    let room = free.saturating_sub(reserved).saturating_sub(others);
    if bytes <= room && free >= reserved {
        Fits::Yes
    } else if reserved > 0 && room < HARDLY_ANY {
        Fits::HardlyAny
    } else {
        Fits::NotThis
    }
}

/// The space that a download needs of which so many bytes are still to come.
fn needed(bytes: u64) -> u64 {
    if bytes >= HARDLY_ANY { bytes.saturating_add(MARGIN) } else { bytes }
}

/// Whether a download of unknown size goes on, of which so many bytes came; `None` where nobody has space any more.
fn goes_on(free: u64, reserved: u64, others: u64, came: u64) -> Option<bool> {
    let large = came >= HARDLY_ANY;
    match fits(free, reserved, others, if large { MARGIN } else { 0 }) {
        Fits::Yes => Some(true),
        Fits::NotThis | Fits::HardlyAny if large => Some(false),
        Fits::NotThis | Fits::HardlyAny => None,
    }
}

impl<'c> DiskSpace<'c> {
    /// Takes room for a download. One that announces more than there is fails alone; with `--min-free`, a disk that is
    /// as good as full ends the run.
    pub(crate) fn take(ctx: &'c RunContext, blob: &Blob) -> Result<Self, TransferError> {
        let bytes = blob.announced.total.unwrap_or(0).saturating_sub(blob.start);
        if ctx.options.min_free > 0 || bytes >= HARDLY_ANY {
            let (free, others) = (ctx.record.root.free_bytes()?, ctx.transfers.coming.load(Relaxed));
            match fits(free, ctx.options.min_free, others, needed(bytes)) {
                Fits::Yes => {}
                Fits::NotThis => return Err(TransferError::TooLarge { bytes, free, min_free: ctx.options.min_free }),
                Fits::HardlyAny => return Err(end(ctx)),
            }
        }
        ctx.transfers.coming.fetch_add(bytes, Relaxed);
        Ok(Self { ctx, bytes })
    }

    /// Bytes came, and take their space on the disk themselves.
    pub(crate) fn came(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.ctx.transfers.coming.fetch_sub(bytes, Relaxed);
    }
}

impl Drop for DiskSpace<'_> {
    fn drop(&mut self) {
        self.ctx.transfers.coming.fetch_sub(self.bytes, Relaxed);
    }
}

/// Looks whether a download of unknown size may go on, of which so many bytes came. One that fills the disk by itself fails
/// alone; with `--min-free`, a disk that others filled ends the run.
pub(crate) fn check_space(ctx: &RunContext, bytes: u64) -> Result<(), TransferError> {
    let (free, others, min_free) =
        (ctx.record.root.free_bytes()?, ctx.transfers.coming.load(Relaxed), ctx.options.min_free);
    match goes_on(free, min_free, others, bytes) {
        Some(true) => Ok(()),
        Some(false) => Err(TransferError::NoSpace { bytes, free, min_free }),
        None => Err(end(ctx)),
    }
}

/// A full disk fails the download alone that fills it: without its bytes the others have space.
pub(crate) fn fills_alone(ctx: &RunContext, error: TransferError, bytes: u64) -> TransferError {
    match error {
        TransferError::Fatal(Fatal::Mirror(full)) if full.is_full() && bytes >= HARDLY_ANY => {
            let free = ctx.record.root.free_bytes().unwrap_or(0);
            TransferError::NoSpace { bytes, free, min_free: ctx.options.min_free }
        }
        error => error,
    }
}

/// Whether what is held of a download that failed this way is dropped, because it leaves the others no space.
pub(crate) fn drops_held(error: &TransferError) -> bool {
    match error {
        TransferError::NoSpace { .. } => true,
        TransferError::TooLarge { free, min_free, .. } => free.saturating_sub(*min_free) < MARGIN,
        _ => false,
    }
}

fn end(ctx: &RunContext) -> TransferError {
    ctx.tally.warn(Warning::MinFree);
    ctx.stop.now(StopCause::Space);
    TransferError::Stopped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits() {
        const MIB: u64 = 1024 * 1024;
        for (free, reserved, others, bytes, verdict) in [
            (10 * MIB, 0, 0, 10 * MIB, Fits::Yes),
            (10 * MIB, 0, 0, 11 * MIB, Fits::NotThis),
            (10 * MIB, 0, 5 * MIB, 6 * MIB, Fits::NotThis),
            (10 * MIB, MIB, 0, u64::MAX, Fits::NotThis),
            (10 * MIB, MIB, 0, 9 * MIB, Fits::Yes),
            (10 * MIB, 9 * MIB + 1, 0, 2 * MIB, Fits::HardlyAny),
            (10 * MIB, 11 * MIB, 0, 0, Fits::HardlyAny),
            (10 * MIB, 5 * MIB, 5 * MIB, MIB, Fits::HardlyAny),
            (100, 0, 0, 2 * MIB, Fits::NotThis),
        ] {
            assert_eq!(fits(free, reserved, others, bytes), verdict, "{free} {reserved} {others} {bytes}");
        }
    }

    #[test]
    fn what_is_held_is_dropped_where_it_leaves_no_space() {
        let too_large = |free, min_free| TransferError::TooLarge { bytes: 9, free, min_free };
        for (error, drops) in [
            (TransferError::NoSpace { bytes: 9, free: u64::MAX, min_free: 0 }, true),
            (too_large(MARGIN, 0), false),
            (too_large(MARGIN - 1, 0), true),
            (too_large(MARGIN, 1), true),
            (TransferError::Stopped, false),
        ] {
            assert_eq!(drops_held(&error), drops, "{error}");
        }
    }

    #[test]
    fn a_large_download_leaves_space_to_the_others() {
        const MIB: u64 = 1024 * 1024;
        for (bytes, space) in [(0, 0), (MIB - 1, MIB - 1), (MIB, 5 * MIB), (u64::MAX, u64::MAX)] {
            assert_eq!(needed(bytes), space);
        }
        for (free, reserved, others, came, verdict) in [
            (100 * MIB, 0, 0, 50 * MIB, Some(true)),
            (4 * MIB, 0, 0, 50 * MIB, Some(true)),
            (4 * MIB - 1, 0, 0, 50 * MIB, Some(false)),
            (10 * MIB, 0, 7 * MIB, 50 * MIB, Some(false)),
            (5 * MIB, MIB, 0, 50 * MIB, Some(true)),
            (5 * MIB - 1, MIB, 0, 50 * MIB, Some(false)),
            (0, MIB, 0, 50 * MIB, Some(false)),
            // A small one fills nothing.
            (1, 0, 0, MIB - 1, Some(true)),
            (2 * MIB, MIB, 0, MIB - 1, Some(true)),
            (MIB - 1, MIB, 0, MIB - 1, None),
        ] {
            assert_eq!(goes_on(free, reserved, others, came), verdict, "{free} {reserved} {others} {came}");
        }
    }
}
