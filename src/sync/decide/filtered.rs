//! What filters did in a run: which of them matched nothing, and whether they left anything.
//!
//! Filters that leave nothing of an organisation would make an empty mirror look healthy, so they make the run partial. One
//! exclude that matches nothing only warns: it may be there for a file that comes one day.

use crate::{
    model::Binder,
    report::{Failure, FailureCause, Warning},
    sync::{Fatal, context::RunContext, decide::planner::Planner},
};

/// Says which globs of binders matched none of those that are listed.
pub(crate) fn binders(ctx: &RunContext, listed: &[Binder]) {
    let filter = &ctx.options.filter;
    let unmatched = filter.unmatched(listed);
    for glob in &unmatched {
        fail(ctx, format!("--binder {glob:?} matches none of the binders that are listed; correct it or remove it"));
    }
    if listed.is_empty() {
        return;
    }
    for glob in filter.unmatched_exclusions(listed) {
        let why = format!("--exclude-binder {glob:?} matches none of the binders that are listed");
        ctx.tally.warn(Warning::other(Warning::Filters, &why));
    }
    let left = listed.iter().filter(|binder| filter.wants_binder(binder)).count();
    ctx.tally.binders(|b| b.filtered = (listed.len() - left) as u64);
    if left == 0 && unmatched.is_empty() {
        nothing_left(ctx, "binder");
    }
}

/// Says which globs of documents matched nothing, once every binder was read.
pub(crate) async fn documents(ctx: &RunContext) -> Result<(), Fatal> {
    let met = ctx.record.planner.call(|planner: &mut Planner| planner.met.clone()).await?;
    if !met.judged_any() {
        return Ok(());
    }
    let filter = &ctx.options.filter;
    for (flag, glob) in filter.idle(&met) {
        let depth = if glob.contains('/') { "; with a slash, a pattern starts at the binder's name" } else { "" };
        ctx.tally.warn(Warning::other(Warning::Filters, &format!("{flag} {glob:?} matches no document{depth}")));
    }
    if met.left_out_all() {
        nothing_left(ctx, "document");
    }
    Ok(())
}

fn nothing_left(ctx: &RunContext, what: &str) {
    let flags = ctx.options.filter.shown().unwrap_or_default().flags().join(" ");
    fail(ctx, format!("the filters leave out every {what} that iBinder lists ({flags}); correct them"));
}

fn fail(ctx: &RunContext, why: String) {
    ctx.tally.failed(None, Failure::of_nobody(FailureCause::NotFound, why));
}
