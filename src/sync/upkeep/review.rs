//! Compares an older state with a tree that may be newer.
//!
//! Rows whose files are others by now are dropped, and their documents are met as new ones.

use std::sync::Arc;

use crate::{
    mirror::{ErrorKind, Mirror, OnDisk},
    model::{Outgoing, Sha256, Stamp},
    state::{Known, State},
    sync::Fatal,
};

/// Rows that are looked at in one go.
const GROUP: i64 = 1000;

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
