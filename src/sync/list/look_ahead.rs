//! Looks at the totals of binders, for the progress.
//!
//! A binder whose listing was never certified, as on a first run, is asked for its total at once: its own first page comes
//! after those of the binders before it, and after its folders.

use futures::{StreamExt as _, stream};

use crate::{
    report::Progress,
    sync::{Fatal, context::RunContext, list::binders::ListedBinder},
};

/// Totals that are requested at once.
const LOOKS: usize = 8;

/// Expects of the listed binders what is mirrored of them.
pub(crate) fn from_record(ctx: &RunContext, listed: &[ListedBinder]) -> Result<(), Fatal> {
    let counts = ctx.record.state.read(|r| r.binder_counts())?;
    for binder in listed {
        let known = counts.get(binder.id.as_str()).copied().unwrap_or_default();
        ctx.listing.forecasts.expect(&ctx.progress, &binder.id, known);
    }
    Progress::add(&ctx.progress.binders, listed.len() as u64);
    Ok(())
}

/// Requests the totals of binders that were never listed completely.
pub(crate) async fn ask(ctx: &RunContext, binders: &[ListedBinder]) {
    let forecasts = &ctx.listing.forecasts;
    let looks = stream::iter(binders).map(|binder| async move {
        if forecasts.is_unknown(&binder.id)
            // If this fails, reading the binder will show why.
            && let Some(Ok(total)) = ctx.service.ask(ctx.service.remote.total(&binder.id)).await
        {
            forecasts.look(&ctx.progress, &binder.id, total);
        }
    });
    looks.buffer_unordered(LOOKS).for_each(|()| std::future::ready(())).await;
    std::future::pending::<()>().await;
}
