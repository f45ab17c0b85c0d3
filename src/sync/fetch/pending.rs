//! Unproved downloads, which wait until all downloads of the run are done.
//!
//! The first of a series of error pages looks like a document; only the second one, with the same bytes, gives it away. So
//! [`evidence`] decides on all of them together. This module collects the facts and carries out the decisions.

use std::collections::HashSet;

use crate::{
    evidence::{self, Item, Reason, Verdict},
    model::{ClockReading, DocumentId},
    report::{Failure, FailureCause, FailureStep},
    state::Provisional,
    sync::{
        Fatal,
        commit::operation::RowChange,
        context::RunContext,
        fetch::{
            job::DownloadJob,
            publish::publish,
            transfer_error::TransferError,
            waiting::{Arrived, Pending, Waiting},
        },
        sink::Writing,
    },
};

/// Downloads that wait before they are decided on early, to limit memory.
const MOST_WAITING: usize = 4096;

/// Accepted downloads that are remembered, because later ones may have the same bytes.
const MOST_REMEMBERED: usize = 65_536;

/// Publishes a download if it is proved; otherwise it waits.
pub(crate) async fn take(
    ctx: &RunContext,
    writing: &Writing,
    job: &DownloadJob,
    arrived: Arrived,
) -> Result<(), TransferError> {
    if let Some(row) = job.check.as_ref().filter(|row| row.sha256 == arrived.staged.sha256) {
        writing.mirror.discard(&arrived.staged.name)?;
        let (accepted_at, passed) = evidence::after_check(row.accepted_at, row.passed, ctx.clocks());
        ctx.submit(RowChange::Checked(Provisional { accepted_at, passed, ..row.clone() })).await;
        return Ok(());
    }
    if evidence::is_proved(arrived.fit, arrived.vouched) {
        return accept(ctx, job, arrived).await;
    }
    let waiting = {
        let mut waiting = ctx.waiting();
        waiting.pending.push(Pending { job: job.clone(), arrived, held_since: None });
        waiting.pending.len()
    };
    if waiting >= MOST_WAITING { Ok(decide(ctx, writing).await?) } else { Ok(()) }
}

async fn accept(ctx: &RunContext, job: &DownloadJob, arrived: Arrived) -> Result<(), TransferError> {
    arrived.odd.into_iter().for_each(|warning| ctx.tally.warn(warning));
    publish(ctx, job, arrived.staged, arrived.recorded).await
}

/// Decides on the downloads that wait, when all are done or the run ends.
pub(crate) async fn decide(ctx: &RunContext, writing: &Writing) -> Result<(), Fatal> {
    let Waiting { mut pending, mut accepted } = std::mem::take(&mut *ctx.waiting());
    if !pending.is_empty() && !ctx.stop.is_fatal() {
        let now = ctx.clocks();
        let mut items: Vec<Item> = accepted.iter().map(|(item, _)| item.clone()).collect();
        items.extend(pending.iter().map(|pending| item(&pending.job, &pending.arrived)));
        let mut verdicts = verdicts(ctx, &mut items, &mut pending, now)?;
        let of_pending = verdicts.split_off(accepted.len());
        demote_accepted(ctx, accepted.iter().zip(verdicts), now).await;
        for (pending, verdict) in pending.into_iter().zip(of_pending) {
            if verdict == Verdict::Accept {
                accepted.push_back((item(&pending.job, &pending.arrived), pending.job.document.clone()));
            }
            carry_out(ctx, writing, pending, verdict, now).await.or_else(fatal_only)?;
        }
    }
    let mut waiting = ctx.waiting();
    accepted.extend(std::mem::take(&mut waiting.accepted));
    accepted.drain(..accepted.len().saturating_sub(MOST_REMEMBERED));
    waiting.accepted = accepted;
    Ok(())
}

/// A verdict for each item. The state is only read if there are suspects.
fn verdicts(
    ctx: &RunContext,
    items: &mut [Item],
    pending: &mut [Pending],
    now: ClockReading,
) -> Result<Vec<Verdict>, Fatal> {
    let early = ctx.stop.is_set();
    let verdicts = evidence::judge(items, early);
    let first = items.len() - pending.len();
    let suspects: Vec<usize> = (first..items.len()).filter(|at| matches!(verdicts[*at], Verdict::Hold(_))).collect();
    if suspects.is_empty() {
        return Ok(verdicts);
    }
    let hashes: HashSet<_> = suspects.iter().map(|at| items[*at].sha256).collect();
    let names = ctx.record.state.read(|r| r.names_of(&hashes, ctx.record.run))?;
    let known: HashSet<_> = names.into_iter().map(|(hash, name)| (hash, evidence::extension(&name))).collect();
    for at in suspects {
        let (Pending { job, held_since, .. }, item) = (&mut pending[at - first], &mut items[at]);
        item.known = known.contains(&(item.sha256, evidence::extension(&job.particulars.file_name)));
        let noted = ctx.record.state.read(|r| r.held_back_since(&job.document, &item.version, &item.sha256))?;
        let since = evidence::held_since(noted, now);
        item.confirmed = evidence::is_independent(since, now);
        *held_since = Some(since);
    }
    Ok(evidence::judge(items, early))
}

/// Accepts for now only what was accepted before other documents came with the same bytes.
async fn demote_accepted(
    ctx: &RunContext,
    accepted: impl Iterator<Item = (&(Item, DocumentId), Verdict)>,
    now: ClockReading,
) {
    for ((item, document), verdict) in accepted {
        if matches!(verdict, Verdict::Hold(_)) {
            ctx.submit(RowChange::AcceptForNow(provisional(document, item, now))).await;
        }
    }
}

/// Drops errors of single documents: they were recorded where they happened.
fn fatal_only(error: TransferError) -> Result<(), Fatal> {
    match error {
        TransferError::Fatal(error) => Err(error),
        _ => Ok(()),
    }
}

fn item(job: &DownloadJob, arrived: &Arrived) -> Item {
    Item {
        version: job.particulars.version.clone(),
        sha256: arrived.staged.sha256,
        size: arrived.staged.stamp.size,
        fit: arrived.fit,
        vouched: arrived.vouched,
        known: false,
        confirmed: false,
    }
}

fn provisional(document: &DocumentId, item: &Item, now: ClockReading) -> Provisional {
    Provisional {
        document: document.clone(),
        version: item.version.clone(),
        sha256: item.sha256,
        accepted_at: now,
        passed: 0,
    }
}

async fn carry_out(
    ctx: &RunContext,
    writing: &Writing,
    Pending { job, arrived, held_since }: Pending,
    verdict: Verdict,
    now: ClockReading,
) -> Result<(), TransferError> {
    match verdict {
        Verdict::Accept => accept(ctx, &job, arrived).await,
        Verdict::AcceptForNow => {
            // The row first: a kill in between leaves a row without its document, rather than a document without its row.
            let row = provisional(&job.document, &item(&job, &arrived), now);
            ctx.submit(RowChange::AcceptForNow(row)).await;
            accept(ctx, &job, arrived).await
        }
        Verdict::Hold(reason) => hold(ctx, writing, &job, &arrived, reason, held_since.unwrap_or(now)).await,
    }
}

/// Holds a download back: records a failure of the document, and the hash of what was received.
async fn hold(
    ctx: &RunContext,
    writing: &Writing,
    job: &DownloadJob,
    arrived: &Arrived,
    reason: Reason,
    since: ClockReading,
) -> Result<(), TransferError> {
    writing.mirror.discard(&arrived.staged.name)?;
    let error = explain(reason, arrived.staged.stamp.size, job.replaces);
    let failure = Failure::of(&job.document, &job.particulars, (FailureStep::Check, FailureCause::Bytes), error);
    ctx.tally.failed(Some(&job.document), failure.clone());
    ctx.submit(RowChange::Failure(failure)).await;
    let suspect = provisional(&job.document, &item(job, arrived), since);
    ctx.submit(RowChange::Suspect(suspect)).await;
    Ok(())
}

fn explain(reason: Reason, size: u64, replaces: bool) -> String {
    let what = match reason {
        Reason::Contradicts(what) if size == 0 => format!("storage sent {what}"),
        Reason::Contradicts(what) => format!("storage sent {what} ({size} bytes) instead of the file"),
        Reason::Shared(documents) => format!("storage sent the same {size} bytes for {documents} documents"),
    };
    let stays = if replaces { "the version before it stays; " } else { "" };
    format!(
        "{what}, and nothing proves them; {stays}they are kept if a run at least 12 hours later gets the same bytes"
    )
}
