//! Reports filters that matched nothing, and filters that exclude everything.
//!
//! Filters that exclude everything would make an empty mirror look healthy, so the run is partial. A single exclude that
//! matches nothing is only a warning: it may be meant for a future file.

use crate::{
    model::Binder,
    report::{Failure, FailureCause, Warning},
    sync::{Fatal, context::RunContext, decide::planner::Planner},
};

/// Reports globs for binders that match none of the listed ones.
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

/// Reports globs for documents that matched nothing, once every binder was read.
pub(crate) async fn documents(ctx: &RunContext) -> Result<(), Fatal> {
    let hits = ctx.record.planner.call(|planner: &mut Planner| planner.filter_hits.clone()).await?;
    if !hits.any() {
        return Ok(());
    }
    let filter = &ctx.options.filter;
    for (flag, glob) in filter.unused(&hits) {
        let depth = if glob.contains('/') { "; with a slash, a pattern starts at the binder's name" } else { "" };
        ctx.tally.warn(Warning::other(Warning::Filters, &format!("{flag} {glob:?} matches no document{depth}")));
    }
    if hits.are_all_excluded() {
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
