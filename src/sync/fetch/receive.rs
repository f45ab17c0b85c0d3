//! A blob on its way to a staged file.
//!
//! Bytes that can't be trusted by themselves are fetched again, and count when the tries agree: a body that only the close
//! of the connection ends, one whose announced MD5 is another, one with an encoding that encodes nothing, one that is
//! not what the document's name promises. Whether they become the document is decided by [`evidence`].

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    evidence::{Fit, SAMPLE},
    mirror::{self, Mirror, Stage},
    remote::Blob,
    report::{ActiveDownload, Warning},
    state::Partial,
    sync::{
        commit::operation::RowChange,
        context::RunContext,
        fetch::{
            attempts::Attempts,
            disk_space::{DiskSpace, check_space, fills_alone},
            job::DownloadJob,
            transfer_error::TransferError,
            waiting::Arrived,
        },
        sink::Writing,
    },
};

/// Bytes are hashed and written when about this many came.
const PIECE: usize = 128 * 1024;

/// Documents up to this size are written without a name, which is one change of a folder instead of three.
const ANONYMOUS: u64 = 4 * 1024 * 1024;

/// A partial download smaller than this is not worth keeping.
const WORTH_KEEPING: u64 = 64 * 1024;

/// How many downloads must agree on bytes that are not what the name promises, or have another MD5 than announced.
const AGREEING_DOUBTS: u32 = 3;

/// How many downloads must agree on bytes that only the close of the connection ends, or that have an odd encoding.
const AGREEING_CLOSES: u32 = 2;

/// Encodings that change the bytes.
const CODINGS: &[&str] =
    &["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip"];

/// A blob that is being written.
pub(crate) struct Receiver {
    blob: Blob,
    stage: Option<Stage>,
    pieces: Vec<Bytes>,
    waiting: usize,
    sample: Vec<u8>,
    came: u64,
}

/// How far a download got that broke off.
pub(crate) struct Broken {
    pub(crate) came: u64,
    pub(crate) at: u64,
    pub(crate) total: Option<u64>,
}

impl Receiver {
    /// A blob that begins, or goes on with what was kept of it: then that is used up.
    pub(crate) async fn open(writing: &Writing, blob: Blob, tries: &mut Attempts) -> Result<Self, TransferError> {
        let md5 = is_hashed(&blob);
        let mirror = Arc::clone(&writing.mirror);
        let mut stage = None;
        if blob.start > 0
            && let Some(partial) = tries.partial.take()
        {
            stage = writing.pool.run(move || Stage::resume(&mirror, &partial.name, md5)).await??;
            if stage.is_none() {
                return Err(TransferError::Doubtful("what was kept of it is not what came".to_owned()));
            }
        }
        let sample = stage.as_ref().map(|stage| stage.sample().to_vec()).unwrap_or_default();
        Ok(Self { blob, stage, pieces: Vec::new(), waiting: 0, sample, came: 0 })
    }

    /// Receives the blob, and writes it as it comes.
    pub(crate) async fn receive(
        &mut self,
        ctx: &RunContext,
        writing: &Writing,
        job: &DownloadJob,
        space: &mut DiskSpace<'_>,
    ) -> Result<(), TransferError> {
        let coming = ActiveDownload::begin(
            &ctx.progress,
            &job.particulars.file_name,
            self.blob.announced.total,
            self.blob.start,
        );
        loop {
            let Some(chunk) = ctx.stop.or(self.blob.chunk()).await else { return Err(TransferError::Stopped) };
            let Some(bytes) = chunk? else { return Ok(()) };
            ctx.stop.or(ctx.transfers.bandwidth.take(bytes.len())).await;
            ctx.tally.downloaded(bytes.len() as u64);
            coming.add(bytes.len() as u64);
            self.came += bytes.len() as u64;
            space.came(bytes.len() as u64);
            if self.sample.len() < SAMPLE {
                let missing = (SAMPLE - self.sample.len()).min(bytes.len());
                self.sample.extend_from_slice(&bytes[..missing]);
                if self.sample.len() == SAMPLE {
                    self.decoded(job)?;
                }
            }
            self.waiting += bytes.len();
            self.pieces.push(bytes);
            if self.waiting >= PIECE {
                if self.blob.announced.total.is_none() {
                    check_space(ctx, self.at())?;
                }
                self.stage = Some(self.write(ctx, writing, Ok).await?);
            }
        }
    }

    /// The offset after the last byte that came.
    fn at(&self) -> u64 {
        self.blob.start + self.came
    }

    fn fit(&self, job: &DownloadJob) -> Fit {
        Fit::of(&job.particulars.file_name, self.blob.announced.content_type.as_deref(), &self.sample)
    }

    /// How the bytes compare with the name, and with the version that they replace.
    fn fit_after(&self, mirror: &Mirror, job: &DownloadJob) -> Fit {
        let fit = self.fit(job);
        if !job.replaces || matches!(fit, Fit::Fits | Fit::Contradicts(_)) {
            return fit;
        }
        let before = mirror.root().sample(&job.path, SAMPLE);
        // What can't be read tells nothing.
        before.ok().flatten().map_or(fit, |before| fit.after(&job.particulars.file_name, &before, &self.sample))
    }

    /// Refuses bytes that are encoded, unless they are clearly the document's own and only called so.
    fn decoded(&self, job: &DownloadJob) -> Result<(), TransferError> {
        let Some(encoding) = &self.blob.encoding else { return Ok(()) };
        let coded = encoding.split(", ").any(|name| CODINGS.contains(&name));
        if coded && self.fit(job) != Fit::Fits { Err(TransferError::Encoded(encoding.clone())) } else { Ok(()) }
    }

    /// Hashes and writes what came, and does something with the file.
    async fn write<R: Send + 'static>(
        &mut self,
        ctx: &RunContext,
        writing: &Writing,
        then: impl FnOnce(Stage) -> Result<R, mirror::Error> + Send + 'static,
    ) -> Result<R, TransferError> {
        let (stage, pieces) = (self.stage.take(), std::mem::take(&mut self.pieces));
        self.waiting = 0;
        let (mirror, md5) = (Arc::clone(&writing.mirror), is_hashed(&self.blob));
        let is_small = self.blob.announced.total.is_some_and(|total| total <= ANONYMOUS);
        let work = move || {
            let mut stage = match stage {
                Some(stage) => stage,
                None if is_small => Stage::whole(&mirror, md5)?,
                None => Stage::create(&mirror, md5)?,
            };
            for piece in pieces {
                stage.write(&piece)?;
            }
            then(stage)
        };
        let written = if writing.mirror.syncs_each() {
            writing.pool.run(work).await?
        } else {
            ctx.transfers.writes.run(&writing.pool, work).await?
        };
        written.map_err(|error| fills_alone(ctx, error.into(), self.at()))
    }

    /// Ends the file, and decides whether enough downloads agree on its bytes. None: another one has to.
    pub(crate) async fn finish(
        mut self,
        ctx: &RunContext,
        writing: &Writing,
        job: &DownloadJob,
        tries: &mut Attempts,
    ) -> Result<Option<Arrived>, TransferError> {
        self.decoded(job)?;
        let fit = self.fit_after(&writing.mirror, job);
        let time = self.blob.last_modified;
        let finish = move |stage: Stage| {
            let md5 = stage.md5();
            Ok((stage.finish(time)?, md5))
        };
        let (staged, own) = self.write(ctx, writing, finish).await?;
        let announced = &self.blob.announced;
        let md5 = announced.md5.map(|md5| own == Some(md5));
        let tag = announced.md5_by_etag().map(|tag| own == Some(tag));
        let vouched = md5.unwrap_or(self.blob.marked || tag == Some(true));
        // Two parts without the MD5 that their `ETag` may be: a part is not of this version, and the next whole may not be either.
        if self.blob.start > 0 && tag == Some(false) && md5.is_none() {
            tries.doubt();
        }
        let needed = self.needed(fit, vouched, md5);
        if !tries.is_enough(staged.sha256, needed) {
            writing.mirror.discard(&staged.name)?;
            return match (md5, fit) {
                (Some(false), _) => {
                    Err(TransferError::Doubtful("the bytes don't match the MD5 that storage announced".to_owned()))
                }
                (_, Fit::Contradicts(what)) if needed > 1 => {
                    Err(TransferError::Doubtful(format!("storage sent {what} instead of the file")))
                }
                _ => Ok(None),
            };
        }
        if let Some(partial) = tries.partial.take() {
            discard(writing, &partial)?;
        }
        let odd = self.odd(job, md5, tries.agreeing());
        Ok(Some(Arrived { staged, fit, vouched, recorded: tries.recorded, odd }))
    }

    /// How many downloads must agree. `md5` says whether the bytes have the MD5 that was announced.
    fn needed(&self, fit: Fit, vouched: bool, md5: Option<bool>) -> u32 {
        let contradicts = matches!(fit, Fit::Contradicts(_)) && !vouched;
        if contradicts || md5 == Some(false) {
            AGREEING_DOUBTS
        } else if self.blob.ends_at_close || self.blob.encoding.is_some() {
            AGREEING_CLOSES
        } else {
            1
        }
    }

    /// What somebody should know of bytes that are kept.
    fn odd(&self, job: &DownloadJob, md5: Option<bool>, agreeing: u32) -> Vec<Warning> {
        let md5 = (md5 == Some(false)).then(|| {
            format!(
                "the MD5 that is stored with it is wrong; {agreeing} downloads gave the same bytes, and they were kept"
            )
        });
        let encoding = self.blob.encoding.as_ref().map(|encoding| {
            format!("storage calls its bytes encoded as {encoding:?} and they are not; they were kept as they are")
        });
        let warning =
            |why: String| Warning::document(Warning::Contradicted, &job.document, &job.particulars.file_name, &why);
        md5.into_iter().chain(encoding).map(warning).collect()
    }

    /// Keeps what came, if it can be gone on with and is more than what is kept already.
    pub(crate) async fn keep(
        mut self,
        ctx: &RunContext,
        writing: &Writing,
        job: &DownloadJob,
        tries: &mut Attempts,
    ) -> Result<Broken, TransferError> {
        let at = self.at();
        let broken = Broken { came: self.came, at, total: self.blob.announced.total };
        let held = tries.partial.as_ref().and_then(|kept| writing.mirror.partial_size(&kept.name)).unwrap_or(0);
        let Some(etag) = self.blob.announced.etag.clone().filter(|_| at >= WORTH_KEEPING && at > held) else {
            return Ok(broken);
        };
        let mirror = Arc::clone(&writing.mirror);
        let name = self.write(ctx, writing, move |stage| stage.keep(&mirror)).await?;
        let partial = Partial {
            name,
            etag,
            total: self.blob.announced.total,
            md5: self.blob.announced.md5,
            content_type: self.blob.announced.content_type.clone(),
        };
        let (document, version) = (job.document.clone(), job.particulars.version.clone());
        ctx.submit(RowChange::Partial { document, version, partial: partial.clone() }).await;
        tries.recorded = true;
        if let Some(old) = tries.partial.replace(partial) {
            discard(writing, &old)?;
        }
        Ok(broken)
    }
}

/// Whether the MD5 of the bytes is counted: where one was announced, or the `ETag` may be one.
fn is_hashed(blob: &Blob) -> bool {
    blob.announced.md5.is_some() || blob.announced.md5_by_etag().is_some()
}

/// Deletes a partial download that nobody needs any more.
pub(crate) fn discard(writing: &Writing, partial: &Partial) -> Result<(), TransferError> {
    match writing.mirror.discard(&partial.name) {
        // Something else has the name, which is not in the way of others.
        Err(error) if error.kind() == mirror::ErrorKind::Document => Ok(()),
        other => Ok(other?),
    }
}
