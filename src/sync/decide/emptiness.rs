//! A mirror that gets nothing must not look healthy.
//!
//! A document that is listed without a version is left out, because nothing of it can be fetched. That excuses single
//! documents: where none of those that are listed has a version, it is the service's answer that lacks them, and the run is
//! partial. An organisation without binders or documents may be a new one: the run only warns.

use crate::{
    report::{Failure, FailureCause, Warning, format},
    sync::{Fatal, context::RunContext, decide::planner::Planner},
};

/// Fails the run if no listed document has a version.
pub(crate) async fn versions(ctx: &RunContext) -> Result<(), Fatal> {
    if ctx.record.planner.call(|planner: &mut Planner| planner.versions).await?.are_all_missing() {
        let why = "none of the documents that iBinder lists has a version, so nothing can be fetched, and what is mirrored stays; the next run tries again. If it stays, ask the support of iBinder";
        ctx.tally.failed(None, Failure::of_nobody(FailureCause::Rejected, why.to_owned()));
    }
    Ok(())
}

/// Warns of a mirror that is empty after a run to which nothing else happened.
pub(crate) fn warn(ctx: &RunContext) -> Result<(), Fatal> {
    let (binders, (documents, _)) = (ctx.tally.binder_counts(), ctx.record.state.read(|r| r.extent())?);
    if ctx.tally.is_short() || ctx.stop.is_set() {
        return Ok(());
    }
    if binders.listed + binders.filtered + binders.inaccessible == 0 {
        ctx.tally.warn(Warning::NoBinders);
    } else if documents == 0 && ctx.record.sink.writing().is_some() {
        let binders = format::number_of(binders.listed, "binder", "binders").replace('\u{a0}', " ");
        ctx.tally.warn(Warning::other(Warning::EmptyMirror, &binders));
    }
    Ok(())
}
