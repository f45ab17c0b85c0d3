//! One document on its way: link, blob, stage, check.
//!
//! Nothing here is visible to the user of the tree: the way ends with staged bytes that are what
//! the service announced, or with a failure that is data. Bytes that nothing proves wait until the others came
//! ([`pending`](crate::sync::fetch::pending)).

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    mirror::Fingerprint,
    model::Staged,
    pace::{Retry, Slot},
    remote::{self, Blob},
    report::{Failure, Progress, Warning},
    state::Partial,
    sync::{
        Fatal,
        commit::operation::{RowChange, TreeChange},
        context::RunContext,
        fetch::{
            attempts::{Attempts, Next},
            contradiction,
            disk_space::{DiskSpace, drops_held},
            job::DownloadJob,
            pending, proof,
            publish::publish,
            receive::{Broken, Receiver, discard},
            transfer_error::TransferError,
            waiting::Arrived,
        },
        sink::Writing,
    },
};

/// Brings one document over, or records why not. One whose storage host is down comes back, with that host's name.
pub(crate) async fn transfer(ctx: &RunContext, writing: &Writing, job: DownloadJob) -> Option<(DownloadJob, String)> {
    let mut retry = Retry::new(&ctx.options.retry);
    match bring(ctx, writing, &job, &mut retry).await {
        Err(error) if error.host_down().is_some() => error.host_down().map(|host| (job, host.to_owned())),
        result => {
            end(ctx, &job, result, retry.tries()).await;
            None
        }
    }
}

/// Records how the transfer of a document ended, after so many tries of its own.
pub(crate) async fn end(ctx: &RunContext, job: &DownloadJob, result: Result<(), TransferError>, own_tries: u32) {
    Progress::add(&ctx.progress.downloads_done, 1);
    match result {
        Ok(()) | Err(TransferError::Stopped) => {}
        Err(TransferError::Fatal(error)) => ctx.stop.fatal(error),
        Err(TransferError::Link(error)) if error.kind() == remote::ErrorKind::Credentials => {
            ctx.stop.fatal(Fatal::Remote(error));
        }
        // It is mirrored, and is asked for again by the next run.
        Err(error) if job.check.is_some() => {
            let name = &job.particulars.file_name;
            ctx.tally.warn(Warning::document(Warning::NotCompared, &job.document, name, &error));
        }
        Err(error) => {
            if error.is_of_service() && ctx.acknowledges(job) {
                return ctx.missing(job);
            }
            tracing::trace!("failed {}: {error}", job.path);
            let failure = failure(job, &error, own_tries);
            ctx.tally.failed(Some(&job.document), failure.clone());
            ctx.submit(RowChange::Failure(failure)).await;
        }
    }
}

fn failure(job: &DownloadJob, error: &TransferError, own_tries: u32) -> Failure {
    let of_service = error.of_service();
    Failure {
        status: of_service.and_then(remote::Error::status),
        attempts: of_service.map_or(1, remote::Error::tries).max(own_tries).max(1),
        trace_id: of_service.and_then(remote::Error::trace_id).map(str::to_owned),
        ..Failure::of(&job.document, &job.particulars, (error.step(), error.cause()), error.to_string())
    }
}

async fn bring(ctx: &RunContext, writing: &Writing, job: &DownloadJob, retry: &mut Retry) -> Result<(), TransferError> {
    if job.found
        && let Some(found) = proof::prove(ctx, writing, job).await?
    {
        let DownloadJob { document, path, particulars, .. } = job.clone();
        let Fingerprint { stamp, sha256, .. } = found;
        ctx.submit(TreeChange::Adopt { document, path, stamp, sha256, particulars }).await;
        return Ok(());
    }
    if let Some(staged) = from_object(writing, job).await? {
        return publish(ctx, job, staged, false).await;
    }
    match fetch(ctx, writing, job, (retry, false)).await {
        Ok(arrived) => pending::take(ctx, writing, job, arrived).await,
        Err(TransferError::Link(error)) if error.kind() == (remote::ErrorKind::NotFound { problem_json: true }) => {
            Err(contradiction::examine(ctx, job, error).await?)
        }
        Err(error) => Err(error),
    }
}

/// A version's bytes from the service, whole and staged; and whether a partial download was used
/// up. Why not, in words, where they can't be had.
pub(crate) async fn version(
    ctx: &RunContext,
    writing: &Writing,
    job: &DownloadJob,
) -> Result<Result<(Staged, bool), String>, Fatal> {
    let mut retry = Retry::new(&ctx.options.retry);
    match fetch(ctx, writing, job, (&mut retry, true)).await {
        Ok(Arrived { staged, recorded, .. }) => Ok(Ok((staged, recorded))),
        Err(TransferError::Fatal(error)) => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// An urgent one waits for a storage host that is down.
async fn fetch(
    ctx: &RunContext,
    writing: &Writing,
    job: &DownloadJob,
    (retry, urgent): (&mut Retry, bool),
) -> Result<Arrived, TransferError> {
    let mut tries = Attempts::new(urgent);
    if ctx.transfers.partials.contains(&job.particulars.version)
        && let Some(partial) =
            ctx.record.state.read(|r| r.partial(&job.document, &job.particulars.version)).map_err(Fatal::from)?
    {
        tries.recorded = true;
        tries.partial = Some(partial);
    }
    loop {
        if ctx.stop.is_set() {
            return Err(TransferError::Stopped);
        }
        let (error, next) = match attempt(ctx, writing, job, &mut tries).await {
            Ok(Some(arrived)) => return Ok(arrived),
            Ok(None) => (
                TransferError::Doubtful("the bytes were not the same each time they were fetched".to_owned()),
                Next::Later,
            ),
            Err(failed) => failed,
        };
        // The client has already retried, and time in an outage doesn't count against a download.
        retry.exclude(tries.waited);
        if next == Next::Afresh {
            *retry = Retry::new(&ctx.options.retry);
        }
        let delay = match next {
            Next::AtOnce => Some(Duration::ZERO),
            Next::AtOnceCounted => retry.next(None, Instant::now()).map(|_| Duration::ZERO),
            Next::Afresh | Next::Later => retry.next(None, Instant::now()),
            Next::Over => None,
        };
        let Some(delay) = delay else {
            let held = tries.partial.take_if(|_| drops_held(&error));
            return Err(drop_held(writing, held, error));
        };
        tracing::debug!(document = %job.document, tries = retry.tries(), "trying again: {error}");
        ctx.stop.or(sleep(delay)).await;
    }
}

/// Bytes that are held already need no download.
async fn from_object(writing: &Writing, job: &DownloadJob) -> Result<Option<Staged>, TransferError> {
    let Some((sha256, mtime)) = job.object else { return Ok(None) };
    let mirror = Arc::clone(&writing.mirror);
    let time = jiff::Timestamp::from_second(mtime.div_euclid(1_000_000_000)).ok();
    Ok(writing.pool.run(move || mirror.stage_object(&sha256, time)).await??)
}

/// One try. None: bytes came whole, and another try has to agree with them.
async fn attempt(
    ctx: &RunContext,
    writing: &Writing,
    job: &DownloadJob,
    tries: &mut Attempts,
) -> Result<Option<Arrived>, (TransferError, Next)> {
    let begun = Instant::now();
    let head = head(ctx, writing, job, tries).await;
    tries.waited = begun.elapsed();
    let (blob, slot) = head?;
    let over = |error: TransferError| (error, Next::Over);
    let mut space = DiskSpace::take(ctx, &blob).map_err(over)?;
    let mut receiver = Receiver::open(writing, blob, tries).await.map_err(again)?;
    let received = receiver.receive(ctx, writing, job, &mut space).await;
    drop(slot);
    match received {
        Ok(()) => receiver.finish(ctx, writing, job, tries).await.map_err(again),
        Err(TransferError::Body(error)) if error.kind() == remote::ErrorKind::Contradicted => {
            Err(contradicted(writing, tries, TransferError::Body(error)))
        }
        Err(error @ (TransferError::Body(_) | TransferError::Stopped)) => {
            let Broken { came, at, total } = receiver.keep(ctx, writing, job, tries).await.map_err(over)?;
            let kept = tries.partial.as_ref().and_then(|kept| writing.mirror.partial_size(&kept.name)).unwrap_or(0);
            Err((error, tries.after_break(came, at, kept, total)))
        }
        Err(error) => Err(over(error)),
    }
}

/// Storage contradicts what it announced: what is held of the version can't be continued.
fn contradicted(writing: &Writing, tries: &mut Attempts, error: TransferError) -> (TransferError, Next) {
    let (held, next) = tries.after_contradiction();
    (drop_held(writing, held, error), next)
}

/// Deletes what is held of a version because of an error; a disk that doesn't let it is the error then.
fn drop_held(writing: &Writing, held: Option<Partial>, error: TransferError) -> TransferError {
    held.and_then(|partial| discard(writing, &partial).err()).unwrap_or(error)
}

/// Bytes that can't be trusted are fetched again; no other failure passes.
fn again(error: TransferError) -> (TransferError, Next) {
    let next = if matches!(error, TransferError::Doubtful(_)) { Next::Later } else { Next::Over };
    (error, next)
}

/// A blob whose first bytes have arrived, and the slot that its download uses.
async fn head<'c>(
    ctx: &'c RunContext,
    writing: &Writing,
    job: &DownloadJob,
    tries: &mut Attempts,
) -> Result<(Blob, Slot<'c>), (TransferError, Next)> {
    let stopped = || (TransferError::Stopped, Next::Over);
    // A link is asked for when it can be used.
    let Some(slot) = ctx.stop.or(ctx.service.remote.slot()).await else { return Err(stopped()) };
    let link = ctx.service.remote.download_link(&job.document, &job.particulars.version);
    let link =
        ctx.service.ask(link).await.ok_or_else(stopped)?.map_err(|error| (TransferError::Link(error), Next::Over))?;
    let held = tries.partial.as_ref().and_then(|kept| writing.mirror.partial_size(&kept.name));
    let resume = tries.resume(held);
    let fetched = if tries.urgent {
        ctx.service.ask(ctx.service.remote.fetch(&link, resume.as_ref())).await
    } else {
        ctx.service.ask(ctx.service.remote.fetch_unless_down(&link, resume.as_ref())).await
    };
    match fetched {
        None => Err(stopped()),
        Some(Ok(blob)) => {
            tries.announced(&blob.announced);
            Ok((blob, slot))
        }
        Some(Err(error)) if error.kind() == remote::ErrorKind::Contradicted => {
            Err(contradicted(writing, tries, TransferError::Head(error)))
        }
        Some(Err(error)) => {
            let next = tries.after_refusal(error.kind());
            Err((TransferError::Head(error), next))
        }
    }
}
