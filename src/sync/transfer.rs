//! One document on its way: link, blob, stage, check.
//!
//! Nothing here is visible to the user of the tree: the way ends with staged bytes that are what
//! the service announced, or with a failure that is data. Bytes that can't be trusted by
//! themselves (a body that only the close of the connection ends, a body that looks like an
//! error page) are fetched again and count when the tries agree.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::{Adopt, Ctx, Fatal, Writing, claim, desk::Job, ledger::Order, stop::Cause};
use crate::{
    mirror::{self, Fingerprint, Mirror, Stage},
    model::{Sha256, Staged},
    pace::Retry,
    remote::{self, Blob, Resume, suspicion},
    report::Progress,
    state::{FailureRow, Partial},
};

/// Bytes are handed to the writing threads in pieces of about this size.
const PIECE: usize = 256 * 1024;

/// A partial download smaller than this is not worth keeping.
const WORTH_KEEPING: u64 = 1024 * 1024;

/// How many tries must agree on bytes that look like an error page.
const AGREEING_SUSPECTS: u32 = 3;

/// How many tries must agree on bytes that only the close of the connection ends.
const AGREEING_CLOSES: u32 = 2;

/// Why a document did not come.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// No link was given; the client has tried again already.
    #[error("{0}")]
    Link(remote::Error),
    /// Storage gave nothing; the client has tried again already.
    #[error("{0}")]
    Head(remote::Error),
    /// The bytes broke off.
    #[error("{0}")]
    Body(#[from] remote::Error),
    #[error("{0}")]
    Mirror(mirror::Error),
    #[error("{0}; the next run tries again")]
    Doubtful(String),
    #[error("the run ended")]
    Stopped,
    #[error("{0}")]
    Fatal(#[from] Fatal),
}

impl From<mirror::Error> for Failed {
    fn from(error: mirror::Error) -> Self {
        if error.kind() == mirror::Kind::Document { Self::Mirror(error) } else { Self::Fatal(error.into()) }
    }
}

/// What the tries before know.
#[derive(Default)]
struct Tries {
    /// Kept bytes to go on with.
    partial: Option<Partial>,
    /// Whether the state knows a partial download of this version.
    recorded: bool,
    last: Option<Sha256>,
    agreeing: u32,
    /// Whether a link has been refused already.
    expired: bool,
}

/// Brings one document over, or records why not.
pub(super) async fn transfer(ctx: &Ctx, writing: &Writing, job: Job) {
    let mut retry = Retry::new(&ctx.options.retry);
    let result = bring(ctx, writing, &job, &mut retry).await;
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
                attempts: tries.max(retry.tries()).max(1),
                trace_id,
            };
            ctx.tally.failed(Some(&job.document), super::book::failure_of(&row));
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
    match fetch(ctx, writing, job, retry).await {
        Ok((staged, partial)) => publish(ctx, job, staged, partial).await,
        Err(error @ Failed::Link(_)) => gone_or_failed(ctx, job, error).await,
        Err(error) => Err(error),
    }
}

/// A version's bytes from the service, whole and staged; and whether a partial download was used
/// up. Why not, in words, where they can't be had.
pub(super) async fn version(ctx: &Ctx, writing: &Writing, job: &Job) -> Result<Result<(Staged, bool), String>, Fatal> {
    let mut retry = Retry::new(&ctx.options.retry);
    match fetch(ctx, writing, job, &mut retry).await {
        Ok(came) => Ok(Ok(came)),
        Err(Failed::Fatal(error)) => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}

async fn fetch(ctx: &Ctx, writing: &Writing, job: &Job, retry: &mut Retry) -> Result<(Staged, bool), Failed> {
    let mut tries = Tries::default();
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
    // A link is asked for when it can be used.
    let Some(lane) = ctx.stop.or(ctx.remote.lane()).await else { return Err(Failed::Stopped) };
    let link = ctx.remote.download_link(&job.document, &job.particulars.version);
    let Some(link) = ctx.ask(link).await else { return Err(Failed::Stopped) };
    let link = link.map_err(Failed::Link)?;
    let partial = tries.partial.take();
    let size = partial.as_ref().and_then(|p| writing.mirror.partial_size(&p.name));
    let resume = partial.as_ref().zip(size).map(|(p, offset)| Resume { offset, etag: p.etag.clone() });
    let blob = match ctx.ask(ctx.remote.fetch(&link, resume.as_ref())).await {
        None => return Err(Failed::Stopped),
        Some(Ok(blob)) => blob,
        Some(Err(error)) => {
            tries.partial = partial;
            return Err(Failed::Head(error));
        }
    };
    let _room = Room::take(ctx, &blob)?;
    let mut receiver = Receiver::open(writing, blob, partial).await?;
    let received = receiver.receive(ctx, writing).await;
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

/// Room on the disk for what a download has announced, counted with that of all others:
/// `--min-free` ends the run before the disk is full.
struct Room<'c> {
    ctx: &'c Ctx,
    bytes: u64,
}

impl<'c> Room<'c> {
    fn take(ctx: &'c Ctx, blob: &Blob) -> Result<Self, Failed> {
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

fn check_space(ctx: &Ctx, coming: u64) -> Result<(), Failed> {
    if ctx.options.min_free == 0 || ctx.root.free_bytes()? >= ctx.options.min_free.saturating_add(coming) {
        return Ok(());
    }
    ctx.tally.warn("the run ended early because less than --min-free would be left on the disk".to_owned());
    ctx.stop.now(Cause::Space);
    Err(Failed::Stopped)
}

/// A blob that is being written.
struct Receiver {
    blob: Blob,
    stage: Option<Stage>,
    pieces: Vec<Bytes>,
    waiting: usize,
    head: Vec<u8>,
}

impl Receiver {
    async fn open(writing: &Writing, blob: Blob, partial: Option<Partial>) -> Result<Self, Failed> {
        let md5 = blob.md5.is_some();
        let mirror = Arc::clone(&writing.mirror);
        let stage = match partial {
            Some(partial) if blob.start > 0 => {
                let stage = writing.pool.run(move || Stage::resume(&mirror, &partial.name, md5)).await??;
                if stage.is_none() {
                    return Err(Failed::Doubtful("what was kept of it is not what came".to_owned()));
                }
                stage
            }
            // What was kept does not belong to these bytes any more.
            Some(partial) => {
                match mirror.discard(&partial.name) {
                    // Something else has the name, which is not in the way of others.
                    Err(error) if error.kind() == mirror::Kind::Document => {}
                    other => other?,
                }
                None
            }
            None => None,
        };
        Ok(Self { blob, stage, pieces: Vec::new(), waiting: 0, head: Vec::new() })
    }

    async fn receive(&mut self, ctx: &Ctx, writing: &Writing) -> Result<(), Failed> {
        loop {
            let Some(chunk) = ctx.stop.or(self.blob.chunk()).await else { return Err(Failed::Stopped) };
            let Some(bytes) = chunk? else { return Ok(()) };
            ctx.stop.or(ctx.bandwidth.take(bytes.len())).await;
            ctx.tally.downloaded(bytes.len() as u64);
            Progress::add(&ctx.progress.bytes, bytes.len() as u64);
            if self.blob.start == 0 && self.head.len() < 512 {
                self.head.extend_from_slice(&bytes[..bytes.len().min(512)]);
            }
            self.waiting += bytes.len();
            self.pieces.push(bytes);
            if self.waiting >= PIECE {
                if self.blob.total.is_none() {
                    check_space(ctx, 0)?;
                }
                let stage = self.write(writing).await?;
                self.stage = Some(stage);
            }
        }
    }

    /// Writes what waits.
    async fn write(&mut self, writing: &Writing) -> Result<Stage, Failed> {
        let (stage, pieces) = (self.stage.take(), std::mem::take(&mut self.pieces));
        self.waiting = 0;
        let (mirror, md5) = (Arc::clone(&writing.mirror), self.blob.md5.is_some());
        Ok(writing.pool.run(move || write(&mirror, stage, &pieces, (md5, false))).await??)
    }

    /// Ends the file, and decides whether its bytes count.
    async fn finish(
        mut self,
        ctx: &Ctx,
        writing: &Writing,
        job: &Job,
        tries: &mut Tries,
    ) -> Result<Option<Staged>, Failed> {
        let (stage, pieces) = (self.stage.take(), std::mem::take(&mut self.pieces));
        let (mirror, md5) = (Arc::clone(&writing.mirror), self.blob.md5);
        let time = self.blob.last_modified;
        let end = move || -> Result<Option<Staged>, mirror::Error> {
            let stage = write(&mirror, stage, &pieces, (md5.is_some(), true))?;
            // Dropping the stage takes the file with it.
            if md5.is_some() && stage.md5() != md5 { Ok(None) } else { stage.finish(time).map(Some) }
        };
        let Some(staged) = writing.pool.run(end).await?? else {
            return Err(Failed::Doubtful("the bytes don't match the MD5 that storage announced".to_owned()));
        };
        let suspect = suspicion(&job.particulars.file_name, self.blob.content_type.as_deref(), &self.head);
        let needed = match (suspect, self.blob.closes) {
            (Some(_), _) => AGREEING_SUSPECTS,
            (None, true) => AGREEING_CLOSES,
            (None, false) => return Ok(Some(staged)),
        };
        tries.agreeing = if tries.last == Some(staged.sha256) { tries.agreeing + 1 } else { 1 };
        tries.last = Some(staged.sha256);
        if tries.agreeing < needed {
            writing.mirror.discard(&staged.name)?;
            return match suspect {
                Some(what) => Err(Failed::Doubtful(format!("storage answered with {what} instead of the file"))),
                None => Ok(None),
            };
        }
        if let Some(what) = suspect {
            ctx.tally.warn(format!(
                "{:?} (document {}) is {what}, the same each time it was fetched: it is kept as the service has it",
                job.particulars.file_name, job.document
            ));
        }
        Ok(Some(staged))
    }

    /// Keeps what came, if it can be gone on with.
    async fn keep(
        mut self,
        ctx: &Ctx,
        writing: &Writing,
        job: &Job,
        error: &Failed,
    ) -> Result<Option<Partial>, Failed> {
        let resumable = matches!(error, Failed::Body(_) | Failed::Stopped);
        let (Some(stage), Some(etag), true) = (self.stage.take(), self.blob.etag.clone(), resumable) else {
            return Ok(None);
        };
        if stage.written() < WORTH_KEEPING {
            return Ok(None);
        }
        let partial = Partial { name: stage.keep(&writing.mirror)?, etag };
        let (document, version) = (job.document.clone(), job.particulars.version.clone());
        ctx.order(Order::Partial { document, version, partial: partial.clone() }).await;
        Ok(Some(partial))
    }
}

/// Writes pieces to a stage, which is created for the first one.
/// Writes pieces of a blob; a stage that is begun here holds all of it if `whole` says so.
fn write(
    mirror: &Mirror,
    stage: Option<Stage>,
    pieces: &[Bytes],
    (md5, whole): (bool, bool),
) -> Result<Stage, mirror::Error> {
    let mut stage = match stage {
        Some(stage) => stage,
        None if whole => Stage::whole(mirror, md5)?,
        None => Stage::create(mirror, md5)?,
    };
    for piece in pieces {
        stage.write(piece)?;
    }
    Ok(stage)
}
