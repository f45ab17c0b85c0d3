//! One document on its way: link, blob, stage, check.
//!
//! Nothing here is visible to the user of the tree: the way ends with staged bytes that are what
//! the service announced, or with a failure that is data.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Adopt, Ctx, Fatal, Writing, claim,
    desk::Job,
    failed::Failed,
    ledger::Order,
    receive::{Receiver, Tries},
    room::Room,
};
use crate::{
    mirror::Fingerprint,
    model::Staged,
    pace::{Lane, Retry},
    remote::{self, Blob, Resume},
    report::Progress,
    state::{FailureRow, Partial},
};

/// Brings one document over, or records why not. One whose storage host is down comes back, with that host's name.
pub(super) async fn transfer(ctx: &Ctx, writing: &Writing, job: Job) -> Option<(Job, String)> {
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
pub(super) async fn end(ctx: &Ctx, job: &Job, result: Result<(), Failed>, own_tries: u32) {
    Progress::add(&ctx.progress.downloads_done, 1);
    match result {
        Ok(()) | Err(Failed::Stopped) => {}
        Err(Failed::Fatal(error)) => ctx.stop.fatal(error),
        Err(Failed::Link(error)) if error.kind() == remote::Kind::Credentials => {
            ctx.stop.fatal(Fatal::Remote(error));
        }
        Err(error) => {
            let (trace_id, tries) = match &error {
                Failed::Link(error) | Failed::Head(error) | Failed::Body(error) => {
                    (error.trace_id().map(str::to_owned), error.tries())
                }
                _ => (None, 1),
            };
            let row = FailureRow {
                document: job.document.clone(),
                binder: job.particulars.binder.clone(),
                version: Some(job.particulars.version.to_string()),
                file_name: job.particulars.file_name.clone(),
                error: error.to_string(),
                attempts: tries.max(own_tries).max(1),
                trace_id,
            };
            let cause = error.cause();
            ctx.tally.failed(Some(&job.document), super::book::failure_of(&row, cause));
            ctx.order(Order::Failure(row)).await;
        }
    }
}

async fn bring(ctx: &Ctx, writing: &Writing, job: &Job, retry: &mut Retry) -> Result<(), Failed> {
    if job.found
        && let Some(found) = claim::prove(ctx, writing, job).await?
    {
        let Job { document, path, particulars, .. } = job.clone();
        let Fingerprint { stamp, sha256, .. } = found;
        ctx.order(Order::Adopt { document, path, stamp, sha256, particulars }).await;
        return Ok(());
    }
    if let Some(staged) = from_object(writing, job).await? {
        return publish(ctx, job, staged, false).await;
    }
    match fetch(ctx, writing, job, (retry, false)).await {
        Ok((staged, partial)) => publish(ctx, job, staged, partial).await,
        Err(error @ Failed::Link(_)) => gone_or_failed(ctx, job, error).await,
        Err(error) => Err(error),
    }
}

/// A version's bytes from the service, whole and staged; and whether a partial download was used
/// up. Why not, in words, where they can't be had.
pub(super) async fn version(ctx: &Ctx, writing: &Writing, job: &Job) -> Result<Result<(Staged, bool), String>, Fatal> {
    let mut retry = Retry::new(&ctx.options.retry);
    match fetch(ctx, writing, job, (&mut retry, true)).await {
        Ok(came) => Ok(Ok(came)),
        Err(Failed::Fatal(error)) => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// An urgent one waits for a storage host that is down.
async fn fetch(
    ctx: &Ctx,
    writing: &Writing,
    job: &Job,
    (retry, urgent): (&mut Retry, bool),
) -> Result<(Staged, bool), Failed> {
    let mut tries = Tries::default();
    tries.urgent = urgent;
    if ctx.partials.contains(&job.particulars.version)
        && let Some(partial) =
            ctx.state.read(|r| r.partial(&job.document, &job.particulars.version)).map_err(Fatal::from)?
    {
        tries.recorded = true;
        tries.partial = Some(partial);
    }
    loop {
        if ctx.stop.is_set() {
            return Err(Failed::Stopped);
        }
        let error = match attempt(ctx, writing, job, &mut tries).await {
            Ok(Some(staged)) => return Ok((staged, tries.recorded)),
            Ok(None) => Failed::Doubtful("the bytes were not the same each time they were fetched".to_owned()),
            Err(error) => error,
        };
        // The client was patient already, and an outage is nobody's own.
        retry.pardon(tries.waited);
        let delay = match &error {
            Failed::Head(remote) if remote.kind() == remote::Kind::LinkExpired && !tries.expired => {
                tries.expired = true;
                // A link may simply have grown old: the first time a new one is asked for at once.
                retry.next(None, Instant::now()).map(|_| Duration::ZERO)
            }
            Failed::Head(remote) if remote.kind() == remote::Kind::LinkExpired => retry.next(None, Instant::now()),
            Failed::Body(_) | Failed::Doubtful(_) => retry.next(None, Instant::now()),
            Failed::Link(_) | Failed::Head(_) | Failed::Mirror(_) | Failed::Stopped | Failed::Fatal(_) => None,
        };
        let Some(delay) = delay else { return Err(error) };
        tracing::debug!(document = %job.document, tries = retry.tries(), "trying again: {error}");
        ctx.stop.or(sleep(delay)).await;
    }
}

/// A 404 for a link asks for the document by id: gone is no failure, and a newer version is
/// brought over when the others are settled.
async fn gone_or_failed(ctx: &Ctx, job: &Job, error: Failed) -> Result<(), Failed> {
    let Failed::Link(remote) = &error else { return Err(error) };
    if remote.kind() != (remote::Kind::NotFound { problem_json: true }) {
        return Err(error);
    }
    let Some(answer) = ctx.ask(ctx.remote.document(&job.document)).await else { return Err(Failed::Stopped) };
    match answer {
        Ok(listed) if listed.version.as_ref().is_some_and(|v| *v != job.particulars.version) => {
            ctx.desk.call(move |desk| desk.answered(listed)).await?;
            Ok(())
        }
        Err(gone) if gone.kind() == (remote::Kind::NotFound { problem_json: true }) => {
            let document = job.document.clone();
            ctx.desk.call(move |desk| desk.went(&document)).await?;
            Ok(())
        }
        Ok(_) | Err(_) => Err(error),
    }
}

/// Bytes that are held already need no download.
async fn from_object(writing: &Writing, job: &Job) -> Result<Option<Staged>, Failed> {
    let Some((sha256, mtime)) = job.object else { return Ok(None) };
    let mirror = Arc::clone(&writing.mirror);
    let time = jiff::Timestamp::from_second(mtime.div_euclid(1_000_000_000)).ok();
    Ok(writing.pool.run(move || mirror.stage_object(&sha256, time)).await??)
}

async fn publish(ctx: &Ctx, job: &Job, staged: Staged, partial: bool) -> Result<(), Failed> {
    let Job { document, path, particulars, replaces, change, found, .. } = job.clone();
    // What was not proved makes way, unless it may be the user's own.
    let replaces = replaces || (found && ctx.options.adopt == Adopt::Whole);
    ctx.order(Order::Publish { document, path, staged, particulars, replaces, change, partial }).await;
    Ok(())
}

/// One try. None: bytes came whole, and another try has to agree with them.
async fn attempt(ctx: &Ctx, writing: &Writing, job: &Job, tries: &mut Tries) -> Result<Option<Staged>, Failed> {
    let begun = Instant::now();
    let blob = head(ctx, writing, job, tries).await;
    tries.waited = begun.elapsed();
    let (blob, partial, lane) = blob?;
    let _room = Room::take(ctx, &blob)?;
    let mut receiver = Receiver::open(writing, blob, partial).await?;
    let received = receiver.receive(ctx, writing, job).await;
    drop(lane);
    match received {
        Ok(()) => receiver.finish(ctx, writing, job, tries).await,
        Err(error) => {
            tries.partial = receiver.keep(ctx, writing, job, &error).await?;
            tries.recorded |= tries.partial.is_some();
            Err(error)
        }
    }
}

/// A blob whose bytes begin to come, what was kept of it, and the lane that it comes in.
async fn head<'c>(
    ctx: &'c Ctx,
    writing: &Writing,
    job: &Job,
    tries: &mut Tries,
) -> Result<(Blob, Option<Partial>, Lane<'c>), Failed> {
    // A link is asked for when it can be used.
    let Some(lane) = ctx.stop.or(ctx.remote.lane()).await else { return Err(Failed::Stopped) };
    let link = ctx.remote.download_link(&job.document, &job.particulars.version);
    let Some(link) = ctx.ask(link).await else { return Err(Failed::Stopped) };
    let link = link.map_err(Failed::Link)?;
    let partial = tries.partial.take();
    let size = partial.as_ref().and_then(|p| writing.mirror.partial_size(&p.name));
    let resume = partial.as_ref().zip(size).map(|(p, offset)| Resume { offset, etag: p.etag.clone() });
    let fetched = if tries.urgent {
        ctx.ask(ctx.remote.fetch(&link, resume.as_ref())).await
    } else {
        ctx.ask(ctx.remote.fetch_unless_down(&link, resume.as_ref())).await
    };
    match fetched {
        None => Err(Failed::Stopped),
        Some(Ok(blob)) => Ok((blob, partial, lane)),
        Some(Err(error)) => {
            tries.partial = partial;
            Err(Failed::Head(error))
        }
    }
}
