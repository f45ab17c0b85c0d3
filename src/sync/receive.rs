//! A blob on its way to a staged file.
//!
//! Bytes that can't be trusted by themselves (a body that only the close of the connection ends, a body that
//! looks like an error page) are fetched again and count when the tries agree.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Ctx, Writing, desk::Job, failed::Failed, ledger::Order, room::check_space};
use crate::{
    mirror::{self, Mirror, Stage},
    model::{Sha256, Staged},
    remote::{Blob, suspicion},
    report::Coming,
    state::Partial,
};

/// Bytes are handed to the writing threads in pieces of about this size.
const PIECE: usize = 256 * 1024;

/// A partial download smaller than this is not worth keeping.
const WORTH_KEEPING: u64 = 1024 * 1024;

/// How many tries must agree on bytes that look like an error page.
const AGREEING_SUSPECTS: u32 = 3;

/// How many tries must agree on bytes that only the close of the connection ends.
const AGREEING_CLOSES: u32 = 2;

/// What the tries before know.
#[derive(Default)]
pub(super) struct Tries {
    /// Kept bytes to go on with.
    pub(super) partial: Option<Partial>,
    /// Whether the state knows a partial download of this version.
    pub(super) recorded: bool,
    last: Option<Sha256>,
    agreeing: u32,
    /// How long the last try waited until its bytes began to come.
    pub(super) waited: Duration,
    /// Whether a link has been refused already.
    pub(super) expired: bool,
    /// Whether a storage host that is down is waited for.
    pub(super) urgent: bool,
}

/// A blob that is being written.
pub(super) struct Receiver {
    blob: Blob,
    stage: Option<Stage>,
    pieces: Vec<Bytes>,
    waiting: usize,
    head: Vec<u8>,
}

impl Receiver {
    /// A blob that begins, or goes on with what was kept of it.
    pub(super) async fn open(writing: &Writing, blob: Blob, partial: Option<Partial>) -> Result<Self, Failed> {
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

    /// Receives the blob, and writes it as it comes.
    pub(super) async fn receive(&mut self, ctx: &Ctx, writing: &Writing, job: &Job) -> Result<(), Failed> {
        let coming = Coming::begin(&ctx.progress, &job.particulars.file_name, self.blob.total, self.blob.start);
        loop {
            let Some(chunk) = ctx.stop.or(self.blob.chunk()).await else { return Err(Failed::Stopped) };
            let Some(bytes) = chunk? else { return Ok(()) };
            ctx.stop.or(ctx.bandwidth.take(bytes.len())).await;
            ctx.tally.downloaded(bytes.len() as u64);
            coming.add(bytes.len() as u64);
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
    pub(super) async fn finish(
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
    pub(super) async fn keep(
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
