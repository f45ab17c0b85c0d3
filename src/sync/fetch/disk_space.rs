//! Disk space for the downloads in flight.

use std::sync::atomic::Ordering::Relaxed;

use crate::{
    remote::Blob,
    report::Warning,
    sync::{Fatal, context::RunContext, fetch::transfer_error::TransferError, stop::StopCause},
};

/// With `--min-free`, a run ends if less than this is left.
const HARDLY_ANY: u64 = 1024 * 1024;

/// The space that a download of a MiB or more, or of unknown size, must leave to the others. Smaller downloads are not
/// checked without `--min-free`: if one doesn't fit, the disk is full, and the error says so.
const MARGIN: u64 = 4 * HARDLY_ANY;

/// Reserved disk space for the rest of a download.
pub(crate) struct DiskSpace<'c> {
    ctx: &'c RunContext,
    bytes: u64,
}

/// Whether a download fits on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fits {
    Yes,
    /// It doesn't, but smaller downloads may.
    TooLarge,
    /// The disk is as good as full.
    DiskFull,
}

/// `free` bytes are free, `min_free` of them must stay free, and other downloads will write `others`.
fn fits(free: u64, min_free: u64, others: u64, bytes: u64) -> Fits {
    let available = free.saturating_sub(min_free).saturating_sub(others);
    if bytes <= available && free >= min_free {
        Fits::Yes
    } else if min_free > 0 && available < HARDLY_ANY {
        Fits::DiskFull
    } else {
        Fits::TooLarge
    }
}

/// The space that must be available for a download with this many bytes left.
fn needed(bytes: u64) -> u64 {
    if bytes >= HARDLY_ANY { bytes.saturating_add(MARGIN) } else { bytes }
}

/// Whether a download of unknown size may continue after this many bytes; `None` if no other download has space either.
fn may_continue(free: u64, min_free: u64, others: u64, received: u64) -> Option<bool> {
    let large = received >= HARDLY_ANY;
    match fits(free, min_free, others, if large { MARGIN } else { 0 }) {
        Fits::Yes => Some(true),
        Fits::TooLarge | Fits::DiskFull if large => Some(false),
        Fits::TooLarge | Fits::DiskFull => None,
    }
}

impl<'c> DiskSpace<'c> {
    /// Reserves space for a download. A download that is too large fails alone; with `--min-free`, a disk that is as good as
    /// full ends the run.
    pub(crate) fn take(ctx: &'c RunContext, blob: &Blob) -> Result<Self, TransferError> {
        let bytes = blob.announced.total.unwrap_or(0).saturating_sub(blob.start);
        let unwritten = &ctx.transfers.unwritten;
        if ctx.options.min_free == 0 && bytes < HARDLY_ANY {
            unwritten.fetch_add(bytes, Relaxed);
            return Ok(Self { ctx, bytes });
        }
        let (free, min_free) = (ctx.record.root.free_bytes()?, ctx.options.min_free);
        // Checked and taken at once: a download of another thread must not take the same space.
        let mut fit = Fits::Yes;
        let _ = unwritten.fetch_update(Relaxed, Relaxed, |others| {
            fit = fits(free, min_free, others, needed(bytes));
            (fit == Fits::Yes).then(|| others.saturating_add(bytes))
        });
        match fit {
            Fits::Yes => Ok(Self { ctx, bytes }),
            Fits::TooLarge => Err(TransferError::TooLarge { bytes, free, min_free }),
            Fits::DiskFull => Err(end_run(ctx)),
        }
    }

    /// Releases the space of bytes that arrived: they are written to the disk now.
    pub(crate) fn came(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.ctx.transfers.unwritten.fetch_sub(bytes, Relaxed);
    }
}

impl Drop for DiskSpace<'_> {
    fn drop(&mut self) {
        self.ctx.transfers.unwritten.fetch_sub(self.bytes, Relaxed);
    }
}

/// Checks whether a download of unknown size may continue after this many bytes. A download that fills the disk fails alone;
/// with `--min-free`, a disk that others filled ends the run.
pub(crate) fn check_space(ctx: &RunContext, bytes: u64) -> Result<(), TransferError> {
    let (free, min_free) = (ctx.record.root.free_bytes()?, ctx.options.min_free);
    match may_continue(free, min_free, ctx.transfers.unwritten.load(Relaxed), bytes) {
        Some(true) => Ok(()),
        Some(false) => Err(TransferError::NoSpace { bytes, free, min_free }),
        None => Err(end_run(ctx)),
    }
}

/// A large download that fills the disk fails alone: once its bytes are deleted, the others have space.
pub(crate) fn fills_alone(ctx: &RunContext, error: TransferError, bytes: u64) -> TransferError {
    match error {
        TransferError::Fatal(Fatal::Mirror(full)) if full.is_full() && bytes >= HARDLY_ANY => {
            let free = ctx.record.root.free_bytes().unwrap_or(0);
            TransferError::NoSpace { bytes, free, min_free: ctx.options.min_free }
        }
        error => error,
    }
}

/// Whether to delete the partial download after this error, because it leaves no space for others.
pub(crate) fn drops_held(error: &TransferError) -> bool {
    match error {
        TransferError::NoSpace { .. } => true,
        TransferError::TooLarge { free, min_free, .. } => free.saturating_sub(*min_free) < MARGIN,
        _ => false,
    }
}

fn end_run(ctx: &RunContext) -> TransferError {
    ctx.tally.warn(Warning::MinFree);
    ctx.stop.now(StopCause::Space);
    TransferError::Stopped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_fits_in_the_space_that_others_leave() {
        const MIB: u64 = 1024 * 1024;
        for (free, min_free, others, bytes, expected) in [
            (10 * MIB, 0, 0, 10 * MIB, Fits::Yes),
            (10 * MIB, 0, 0, 11 * MIB, Fits::TooLarge),
            (10 * MIB, 0, 5 * MIB, 6 * MIB, Fits::TooLarge),
            (10 * MIB, MIB, 0, u64::MAX, Fits::TooLarge),
            (10 * MIB, MIB, 0, 9 * MIB, Fits::Yes),
            (10 * MIB, 9 * MIB + 1, 0, 2 * MIB, Fits::DiskFull),
            (10 * MIB, 11 * MIB, 0, 0, Fits::DiskFull),
            (10 * MIB, 5 * MIB, 5 * MIB, MIB, Fits::DiskFull),
            (100, 0, 0, 2 * MIB, Fits::TooLarge),
        ] {
            assert_eq!(fits(free, min_free, others, bytes), expected, "{free} {min_free} {others} {bytes}");
        }
    }

    #[test]
    fn a_partial_download_that_leaves_no_space_is_deleted() {
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
    fn a_large_download_leaves_space_for_others() {
        const MIB: u64 = 1024 * 1024;
        for (bytes, space) in [(0, 0), (MIB - 1, MIB - 1), (MIB, 5 * MIB), (u64::MAX, u64::MAX)] {
            assert_eq!(needed(bytes), space);
        }
        for (free, min_free, others, received, expected) in [
            (100 * MIB, 0, 0, 50 * MIB, Some(true)),
            (4 * MIB, 0, 0, 50 * MIB, Some(true)),
            (4 * MIB - 1, 0, 0, 50 * MIB, Some(false)),
            (10 * MIB, 0, 7 * MIB, 50 * MIB, Some(false)),
            (5 * MIB, MIB, 0, 50 * MIB, Some(true)),
            (5 * MIB - 1, MIB, 0, 50 * MIB, Some(false)),
            (0, MIB, 0, 50 * MIB, Some(false)),
            // A small download is not the one that fills the disk.
            (1, 0, 0, MIB - 1, Some(true)),
            (2 * MIB, MIB, 0, MIB - 1, Some(true)),
            (MIB - 1, MIB, 0, MIB - 1, None),
        ] {
            let may = may_continue(free, min_free, others, received);
            assert_eq!(may, expected, "{free} {min_free} {others} {received}");
        }
    }
}
