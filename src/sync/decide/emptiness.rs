//! A mirror that gets nothing must not look healthy.
//!
//! A document without a version can't be downloaded and is skipped. If no listed document has a version, the service's answer
//! is at fault, and the run is partial. An organisation without binders or documents may be new, so the run only warns.

use crate::{
    report::{Failure, FailureCause, Warning, format},
    sync::{Fatal, context::RunContext, decide::planner::Planner},
};

/// Records a failure if no listed document has a version.
pub(crate) async fn check_versions(ctx: &RunContext) -> Result<(), Fatal> {
    if ctx.record.planner.call(|planner: &mut Planner| planner.versions).await?.are_all_missing() {
        let why = "none of the documents that iBinder lists has a version, so nothing can be downloaded; mirrored documents stay, and the next run tries again. If it happens again, ask the support of iBinder";
        ctx.tally.failed(None, Failure::of_nobody(FailureCause::Rejected, why.to_owned()));
    }
    Ok(())
}

/// Warns if the mirror is empty after an otherwise complete run.
pub(crate) fn warn(ctx: &RunContext) -> Result<(), Fatal> {
    let (binders, (documents, _)) = (ctx.tally.binder_counts(), ctx.record.state.read(|r| r.extent())?);
    if ctx.tally.is_short() || ctx.stop.is_set() {
        return Ok(());
    }
    if binders.listed + binders.filtered + binders.inaccessible == 0 {
        ctx.tally.warn(Warning::NoBinders);
    } else if documents == 0 && ctx.record.sink.writing().is_some() {
        let binders = format::number_of(binders.listed, "binder", "binders");
        ctx.tally.warn(Warning::other(Warning::EmptyMirror, &binders));
    }
    Ok(())
}
