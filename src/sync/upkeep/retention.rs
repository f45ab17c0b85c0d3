//! Deletes old versions that no rule keeps, at the end of a run.
//!
//! Only if the clock can be trusted, and only versions from binders that were certified in this run; if the document is still
//! mirrored, its current binder must be certified too. The rows and a list of the objects are committed before any object is
//! unlinked; [`unlink`] works through the list, here or when the next command begins.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    mirror::{ErrorKind, Mirror},
    model::BinderId,
    plan::{Retain, Times},
    report::{Freed, Warning},
    state::{Past, State},
    sync::{Fatal, context::RunContext, list::outcome::BinderOutcome, sink::Writing},
};

/// Old versions that are deleted in one transaction.
const GROUP: usize = 512;

/// The time in seconds since the epoch, if the clock can be trusted. Only if the user asked for retention, a warning says why not.
pub(crate) fn trusted_now(ctx: &RunContext) -> Result<Option<i64>, Fatal> {
    let asked = !ctx.options.retain().keeps_all() || ctx.options.retain_runs.is_some();
    let times = Times { now: ctx.clocks(), before: ctx.record.state.read(|r| r.time_before(ctx.record.run))? };
    Ok(match times.doubt() {
        None => Some(times.now.ours),
        Some(doubt) => {
            if asked {
                ctx.tally.warn(Warning::other(Warning::RetentionSkipped, &doubt));
            }
            None
        }
    })
}

pub(crate) async fn delete_due(
    ctx: &RunContext,
    writing: &Writing,
    crawled: &[(BinderId, BinderOutcome)],
    now: i64,
) -> Result<(), Fatal> {
    let certified: BTreeSet<BinderId> = crawled
        .iter()
        .filter(|(_, crawled)| matches!(crawled, BinderOutcome::Certified { .. }))
        .map(|(binder, _)| binder.clone())
        .collect();
    let (state, retain) = (Arc::clone(&ctx.record.state), ctx.options.retain());
    let due = writing.pool.run(move || due(&state, retain, &certified, now)).await??;
    for group in due.chunks(GROUP) {
        if ctx.stop.is_set() {
            break;
        }
        let (mirror, state, run, group) =
            (Arc::clone(&writing.mirror), Arc::clone(&ctx.record.state), ctx.record.run, group.to_vec());
        let freed = writing.pool.run(move || free_group(&mirror, &state, run, &group)).await??;
        ctx.tally.freed(|all| {
            all.versions += freed.versions;
            all.objects += freed.objects;
            all.bytes += freed.bytes;
        });
    }
    Ok(())
}

/// Old versions that no rule keeps, in the order of their rows.
fn due(state: &State, retain: Retain, certified: &BTreeSet<BinderId>, now: i64) -> Result<Vec<Past>, Fatal> {
    let mut due = BTreeMap::new();
    let mut take = |past: Past, newer: u64| {
        if retain.may_delete(now, past.ended_at, newer) && certified.contains(&past.binder) {
            due.insert(past.number, past);
        }
    };
    // The rule that keeps more is read first: then a run in which nothing is due reads no rows.
    if let Some(versions) = retain.versions {
        for document in state.read(|r| r.with_more_held_than(versions.get()))? {
            let held = state.read(|r| r.held_versions(&document))?;
            let mut newer = 0;
            for past in held {
                // A damaged file that a repair replaced is no version, and doesn't count as one.
                let counts = u64::from(past.is_version);
                take(past, newer);
                newer += counts;
            }
        }
    } else if let Some(time) = retain.ended_before(now) {
        for binder in certified {
            state.read(|r| r.ended_before(binder, time))?.into_iter().for_each(|past| take(past, 0));
        }
    }
    let mut all = Vec::with_capacity(due.len());
    for past in due.into_values() {
        // A version that is only accepted for now may be wrong, so what it replaced is kept.
        if state.read(|r| r.is_provisional(&past.document))? {
            continue;
        }
        let present = state.read(|r| r.document(&past.document))?;
        if present.is_none_or(|known| certified.contains(&known.binder)) {
            all.push(past);
        }
    }
    Ok(all)
}

fn free_group(mirror: &Mirror, state: &State, run: i64, group: &[Past]) -> Result<Freed, Fatal> {
    state.write(|w| group.iter().try_for_each(|past| w.free(run, past)))?;
    let unlinked = unlink(mirror, state)?;
    Ok(Freed { versions: group.len() as u64, ..unlinked })
}

/// Unlinks objects on the list that no row needs. An object that can't be unlinked now stays on the list.
pub(crate) fn unlink(mirror: &Mirror, state: &State) -> Result<Freed, Fatal> {
    let listed = state.read(|r| r.unlinks())?;
    let mut freed = Freed::default();
    let mut done = Vec::with_capacity(listed.len());
    for object in listed {
        if !state.read(|r| r.needs_object(&object))? {
            match mirror.drop_object(&object) {
                Ok(size) => {
                    freed.objects += u64::from(size.is_some());
                    freed.bytes += size.unwrap_or(0);
                }
                Err(error) if error.kind() == ErrorKind::Document => {
                    tracing::warn!("an unused object could not be deleted and stays until the next run: {error}");
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
        }
        done.push(object);
    }
    if !done.is_empty() {
        // Otherwise an object that reappears after a power cut would be on no list.
        mirror.barrier()?;
        state.write(|w| done.iter().try_for_each(|object| w.unlinked(object)))?;
    }
    Ok(freed)
}
