//! Compares an older copy of the state with a tree that may be newer.

use std::sync::Arc;

use crate::{
    mirror::{ErrorKind, Mirror, OnDisk},
    model::{Outgoing, Sha256, Stamp},
    state::{Known, State},
    sync::Fatal,
};

/// Rows that are compared in one transaction.
const GROUP: i64 = 1000;

/// Compares the rows of an older copy of the state with the files of the tree. A row whose file has the same bytes gets its
/// stamp; a row whose file is missing or has other bytes is deleted, so that the run treats the document as new. Returns how
/// many of each.
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
        let mut mismatches = Vec::new();
        for row in rows {
            if let Some(mismatch) = compare(mirror, row)? {
                mismatches.push(mismatch);
            }
        }
        // The files may have been written just now, and a row is only committed when its bytes are durable.
        mirror.barrier()?;
        state.write(|w| -> Result<(), Fatal> {
            if !mismatches.is_empty() {
                w.changed(run)?;
            }
            for (row, mismatch) in &mismatches {
                match mismatch {
                    Mismatch::Stamp(stamp) => w.restamp_document(&row.id, *stamp)?,
                    Mismatch::Bytes(held) => {
                        w.end_version(run, &row.id, held.as_ref(), None)?;
                        w.delete_document(run, &row.id)?;
                    }
                }
            }
            Ok(())
        })?;
        let restamped = mismatches.iter().filter(|(_, mismatch)| matches!(mismatch, Mismatch::Stamp(_))).count() as u64;
        same += restamped;
        others += mismatches.len() as u64 - restamped;
        first = last + 1;
    }
    Ok((same, others))
}

/// How a row differs from its file.
enum Mismatch {
    /// Only the stamp differs.
    Stamp(Stamp),
    /// The file is missing or has other bytes. `objects/` may have the version's own.
    Bytes(Option<Outgoing>),
}

fn compare(mirror: &Mirror, row: Known) -> Result<Option<(Known, Mismatch)>, Fatal> {
    let found = mirror.root().look(&row.path);
    if matches!(found, Ok(OnDisk::File(stamp)) if stamp.is_same(&row.stamp, !mirror.root().is_network())) {
        return Ok(None);
    }
    let content = match mirror.fingerprint(&row.path) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::Document => None,
        Err(error) => return Err(error.into()),
    };
    let mismatch = match content {
        Some(content) if content.sha256 == row.sha256 => Mismatch::Stamp(content.stamp),
        _ => Mismatch::Bytes(held(mirror, row.stamp, row.sha256)?),
    };
    Ok(Some((row, mismatch)))
}

fn held(mirror: &Mirror, stamp: Stamp, sha256: Sha256) -> Result<Option<Outgoing>, Fatal> {
    Ok(mirror.holds(&sha256)?.then_some(Outgoing { stamp, sha256 }))
}
