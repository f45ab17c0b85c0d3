//! Whether a file that no row knows is a document's version, without fetching its bytes.
//!
//! The file is hashed, and storage is asked for the head of the version alone. What proves it is the MD5 of the
//! whole; a size proves nothing by itself, and with a time only where the user says so.

use std::sync::Arc;

use crate::{
    mirror::{ErrorKind, Fingerprint},
    model::Stamp,
    sync::{Fatal, context::RunContext, fetch::job::DownloadJob, sink::Writing},
};

/// What storage says of a version.
struct Announced {
    md5: Option<[u8; 16]>,
    size: Option<u64>,
    /// Seconds since the epoch.
    changed: Option<i64>,
}

/// The truth table of a proof.
fn proves(said: &Announced, md5: &[u8; 16], stamp: &Stamp, trust_times: bool) -> bool {
    let size = said.size.map(|size| size == stamp.size);
    if let Some(announced) = said.md5 {
        return announced == *md5 && size != Some(false);
    }
    let same_time = said.changed == Some(stamp.mtime.div_euclid(1_000_000_000));
    trust_times && size == Some(true) && same_time
}

/// What the file at a job's path holds, if that is the version which the job would bring. Whatever
/// keeps it from being proved, the download that follows meets again, and says.
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
    let said = announced(ctx, job).await;
    let proved = said.is_some_and(|said| proves(&said, &found.md5, &found.stamp, ctx.options.trust_times));
    Ok(proved.then_some(found))
}

/// Asks for a version, and hangs up once the head of the answer is there: only that of the whole
/// is sure to bear the hash of the whole.
async fn announced(ctx: &RunContext, job: &DownloadJob) -> Option<Announced> {
    let _lane = ctx.stop.or(ctx.service.remote.lane()).await?;
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
    fn what_proves_a_file() {
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
            let said = Announced { md5: announced, size, changed };
            assert_eq!(proves(&said, &md5, &stamp, trust_times), expected, "{announced:?} {size:?} {changed:?}");
        }
    }
}
