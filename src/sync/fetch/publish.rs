//! Hands staged bytes to the committer.

use crate::{
    model::Staged,
    sync::{
        Adopt,
        commit::operation::{RowChange, TreeChange},
        context::RunContext,
        fetch::{job::DownloadJob, transfer_error::TransferError},
    },
};

pub(crate) async fn publish(
    ctx: &RunContext,
    job: &DownloadJob,
    staged: Staged,
    partial: bool,
) -> Result<(), TransferError> {
    let DownloadJob { document, path, particulars, replaces, change, found, .. } = job.clone();
    // If the state was lost, an unproved file is replaced; otherwise it may be the user's own and stays.
    let replaces = replaces || (found && ctx.options.adopt == Adopt::Whole);
    let acknowledged = ctx.transfers.acknowledged.contains_key(&document).then(|| document.clone());
    ctx.submit(TreeChange::Publish { document, path, staged, particulars, replaces, change, partial }).await;
    if let Some(document) = acknowledged {
        ctx.submit(RowChange::Unacknowledge { document }).await;
    }
    Ok(())
}
