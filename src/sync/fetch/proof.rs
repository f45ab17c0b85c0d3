//! Proves that an untracked file is a document's version, without downloading its bytes.
//!
//! The file is hashed and compared with the headers that storage sends for the version. The MD5 proves it; the size proves
//! nothing by itself, and together with the time only if the user says so.

use std::sync::Arc;

use crate::{
    mirror::{ErrorKind, Fingerprint},
    model::Stamp,
    sync::{Fatal, context::RunContext, fetch::job::DownloadJob, sink::Writing},
};

/// What the headers of storage announce.
struct Announced {
    md5: Option<[u8; 16]>,
    size: Option<u64>,
    /// Seconds since the epoch.
    changed: Option<i64>,
}

fn proves(announced: &Announced, md5: &[u8; 16], stamp: &Stamp, trust_times: bool) -> bool {
    let same_size = announced.size.map(|size| size == stamp.size);
    if let Some(expected) = announced.md5 {
        return expected == *md5 && same_size != Some(false);
    }
    let same_time = announced.changed == Some(stamp.mtime.div_euclid(1_000_000_000));
    trust_times && same_size == Some(true) && same_time
}

/// The hashes of the file at a job's path, if it is the job's version. Errors are ignored: the download that follows meets
/// and reports them.
pub(crate) async fn prove(
    ctx: &RunContext,
    writing: &Writing,
    job: &DownloadJob,
) -> Result<Option<Fingerprint>, Fatal> {
    let (mirror, path) = (Arc::clone(&writing.mirror), job.path.clone());
    let found = match writing.pool.run(move || mirror.fingerprint(&path)).await? {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::Document => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if job.object.is_some_and(|(sha256, _)| sha256 == found.sha256) {
        return Ok(Some(found));
    }
    let announced = announced(ctx, job).await;
    let proved = announced.is_some_and(|said| proves(&said, &found.md5, &found.stamp, ctx.options.trust_times));
    Ok(proved.then_some(found))
}

/// Requests a version and closes the connection after the headers. A range request may not announce the MD5 of the full
/// file.
async fn announced(ctx: &RunContext, job: &DownloadJob) -> Option<Announced> {
    let _slot = ctx.stop.or(ctx.service.remote.slot()).await?;
    let link =
        ctx.service.ask(ctx.service.remote.download_link(&job.document, &job.particulars.version)).await?.ok()?;
    let blob = ctx.service.ask(ctx.service.remote.fetch_unless_down(&link, None)).await?.ok()?;
    let changed = blob.last_modified.map(jiff::Timestamp::as_second);
    Some(Announced { md5: blob.announced.md5, size: blob.announced.total, changed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_md5_proves_a_file_and_trusted_times_do() {
        let (md5, other) = ([1; 16], [2; 16]);
        let stamp = Stamp { inode: 1, size: 5, mtime: 7_900_000_000 };
        #[rustfmt::skip]
        let table = [
            // announced                         trust_times  proved
            (Some(md5),   Some(5), Some(7),      false, true),
            (Some(md5),   None,    None,         false, true),
            (Some(md5),   Some(6), Some(7),      true,  false),
            (Some(other), Some(5), Some(7),      true,  false),
            (None,        Some(5), Some(7),      false, false),
            (None,        Some(5), Some(7),      true,  true),
            (None,        Some(5), Some(8),      true,  false),
            (None,        Some(5), None,         true,  false),
            (None,        Some(6), Some(7),      true,  false),
            (None,        None,    Some(7),      true,  false),
            (None,        None,    None,         true,  false),
        ];
        for (announced, size, changed, trust_times, expected) in table {
            let headers = Announced { md5: announced, size, changed };
            assert_eq!(proves(&headers, &md5, &stamp, trust_times), expected, "{announced:?} {size:?} {changed:?}");
        }
    }
}
