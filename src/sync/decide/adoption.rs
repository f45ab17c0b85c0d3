//! Files of the tree that no row knows, and whose they are.
//!
//! A state that was lost left them behind. A file is proved without its bytes being fetched: it is
//! hashed, and storage is asked for the head of the version alone. What proves it is the MD5 of the
//! whole; a size proves nothing by itself, and with a time only where the user says so. Before a run,
//! rows of an older state whose files are others by now are let go ([`review`]), so that everything
//! doubtful goes one way.

use std::sync::Arc;

use crate::{
    mirror::{ErrorKind, Fingerprint, Mirror, OnDisk, Root},
    model::{DocumentId, Outgoing, RelPath, Sha256, Stamp},
    naming,
    state::{Known, State},
    sync::{
        Fatal,
        context::{RunContext, Writing},
        decide::{
            planner::DownloadJob,
            reservations::{InFlight, Reservations},
        },
    },
};

/// Rows that are looked at in one go.
const GROUP: i64 = 1000;

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

/// The file in a folder that bears one of a document's names, reserved for it. The names that
/// show its id come first: such a file was hardly anybody else's.
pub(crate) fn file_of(
    root: &Root,
    names: &Reservations,
    state: &State,
    dir: &RelPath,
    entry: (&DocumentId, &InFlight),
) -> Result<Option<RelPath>, Fatal> {
    let (document, coming) = entry;
    let mut candidates: Vec<String> = naming::document_names(coming.file_name(), document).take(3).collect();
    candidates.rotate_left(1);
    for name in candidates {
        let path = dir.join(&name).map_err(|e| Fatal::Internal(e.to_string()))?;
        match root.look(&path) {
            Ok(OnDisk::File(_)) if names.claim(state, &path, entry)? => return Ok(Some(path)),
            Ok(_) => {}
            // What can't be looked at is nobody's, and the publish says why.
            Err(error) if error.kind() == ErrorKind::Document => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
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
    let _lane = ctx.stop.or(ctx.remote.lane()).await?;
    let link = ctx.ask(ctx.remote.download_link(&job.document, &job.particulars.version)).await?.ok()?;
    let blob = ctx.ask(ctx.remote.fetch_unless_down(&link, None)).await?.ok()?;
    let changed = blob.last_modified.map(jiff::Timestamp::as_second);
    Some(Announced { md5: blob.announced.md5, size: blob.announced.total, changed })
}

/// Compares an older state with a tree that may be newer. Rows whose file has the same bytes get its
/// stamp; rows whose file is missing or has other bytes are let go, and their documents are met as
/// new ones. Returns how many.
pub fn review(mirror: &Arc<Mirror>, state: &Arc<State>, run: i64) -> Result<(u64, u64), Fatal> {
    let (_, newest) = state.read(|r| r.extent())?;
    let (mut same, mut others) = (0, 0);
    let mut first = 1;
    while first <= newest {
        let last = first + GROUP - 1;
        let rows: Vec<Known> = state.read(|r| -> Result<_, Fatal> {
            let rows = (first..=last).filter_map(|number| r.by_number(number).transpose());
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        let mut doubtful = Vec::new();
        for row in rows {
            if let Some(doubt) = doubt(mirror, row)? {
                doubtful.push(doubt);
            }
        }
        // A row is only committed over durable bytes, and somebody may just have put these there.
        mirror.barrier()?;
        state.write(|w| -> Result<(), Fatal> {
            if !doubtful.is_empty() {
                w.changed(run)?;
            }
            for (row, doubt) in &doubtful {
                match doubt {
                    Doubt::Restamped(stamp) => w.restamp_document(&row.id, *stamp)?,
                    Doubt::Other(held) => {
                        w.end_version(run, &row.id, held.as_ref(), None)?;
                        w.delete_document(run, &row.id)?;
                    }
                }
            }
            Ok(())
        })?;
        let restamped = doubtful.iter().filter(|(_, doubt)| matches!(doubt, Doubt::Restamped(_))).count() as u64;
        same += restamped;
        others += doubtful.len() as u64 - restamped;
        first = last + 1;
    }
    Ok((same, others))
}

/// What is to be done about a row whose file is not as it was published.
enum Doubt {
    /// The bytes are the same.
    Restamped(Stamp),
    /// They are others, or none; the version's own bytes may be held.
    Other(Option<Outgoing>),
}

fn doubt(mirror: &Mirror, row: Known) -> Result<Option<(Known, Doubt)>, Fatal> {
    let found = mirror.root().look(&row.path);
    if matches!(found, Ok(OnDisk::File(stamp)) if stamp.is_same(&row.stamp, !mirror.root().is_network())) {
        return Ok(None);
    }
    let content = match mirror.fingerprint(&row.path) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::Document => None,
        Err(error) => return Err(error.into()),
    };
    let doubt = match content {
        Some(content) if content.sha256 == row.sha256 => Doubt::Restamped(content.stamp),
        _ => Doubt::Other(held(mirror, row.stamp, row.sha256)?),
    };
    Ok(Some((row, doubt)))
}

fn held(mirror: &Mirror, stamp: Stamp, sha256: Sha256) -> Result<Option<Outgoing>, Fatal> {
    Ok(mirror.holds(&sha256)?.then_some(Outgoing { stamp, sha256 }))
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
