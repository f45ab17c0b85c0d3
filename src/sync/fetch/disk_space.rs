//! Room on the disk for what is on its way.

use std::sync::atomic::Ordering::Relaxed;

use crate::{
    remote::Blob,
    report::Warning,
    sync::{context::RunContext, fetch::transfer_error::TransferError, stop::StopCause},
};

/// Less room than this, and a run with `--min-free` ends: what still fits is hardly worth a request.
const HARDLY_ANY: u64 = 1024 * 1024;

/// Smaller downloads are not looked at where no room has to stay free: where they don't fit the disk is full, which is
/// everybody's, and the disk says so.
const LOOKED_AT: u64 = 64 * 1024 * 1024;

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

impl<'c> DiskSpace<'c> {
    /// Takes room for a download. One that announces more than there is fails alone; with `--min-free`, a disk that is
    /// as good as full ends the run.
    pub(crate) fn take(ctx: &'c RunContext, blob: &Blob) -> Result<Self, TransferError> {
        let bytes = blob.announced.total.unwrap_or(0).saturating_sub(blob.start);
        if ctx.options.min_free > 0 || bytes >= LOOKED_AT {
            let (free, others) = (ctx.root.free_bytes()?, ctx.coming.load(Relaxed));
            match fits(free, ctx.options.min_free, others, bytes) {
                Fits::Yes => {}
                Fits::NotThis => return Err(TransferError::TooLarge { bytes, free, min_free: ctx.options.min_free }),
                Fits::HardlyAny => return Err(end(ctx)),
            }
        }
        ctx.coming.fetch_add(bytes, Relaxed);
        Ok(Self { ctx, bytes })
    }
}

impl Drop for DiskSpace<'_> {
    fn drop(&mut self) {
        self.ctx.coming.fetch_sub(self.bytes, Relaxed);
    }
}

/// Ends the run if less than `--min-free` is left.
pub(crate) fn check_space(ctx: &RunContext) -> Result<(), TransferError> {
    if ctx.options.min_free == 0 || ctx.root.free_bytes()? >= ctx.options.min_free { Ok(()) } else { Err(end(ctx)) }
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
}
