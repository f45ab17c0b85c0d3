//! Room on the disk for what is on its way.

use std::sync::atomic::Ordering::Relaxed;

use super::{Ctx, failed::Failed, stop::Cause};
use crate::remote::Blob;

/// Room on the disk for what a download has announced, counted with that of all others:
/// `--min-free` ends the run before the disk is full.
pub(super) struct Room<'c> {
    ctx: &'c Ctx,
    bytes: u64,
}

impl<'c> Room<'c> {
    pub(super) fn take(ctx: &'c Ctx, blob: &Blob) -> Result<Self, Failed> {
        let bytes = blob.total.unwrap_or(0).saturating_sub(blob.start);
        let coming = ctx.coming.fetch_add(bytes, Relaxed).saturating_add(bytes);
        let room = Self { ctx, bytes };
        check_space(ctx, coming)?;
        Ok(room)
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.ctx.coming.fetch_sub(self.bytes, Relaxed);
    }
}

/// Ends the run if less than `--min-free` would be left with so many bytes more.
pub(super) fn check_space(ctx: &Ctx, coming: u64) -> Result<(), Failed> {
    if ctx.options.min_free == 0 || ctx.root.free_bytes()? >= ctx.options.min_free.saturating_add(coming) {
        return Ok(());
    }
    ctx.tally.warn("the run ended early because less than --min-free would be left on the disk".to_owned());
    ctx.stop.now(Cause::Space);
    Err(Failed::Stopped)
}
