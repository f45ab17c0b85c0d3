//! Work on a mirror outside of a run: replaying intents, and forgetting a binder.

use std::sync::Arc;

use crate::{
    mirror::Mirror,
    model::BinderId,
    report::Tally,
    state::State,
    sync::{
        Fatal,
        commit::{
            batch::{self, Batch},
            names::Names,
            operation::TreeChange,
        },
        decide::reservations::Reservations,
        upkeep::retention,
    },
};

/// Carries out the intents that a crash left; `run` is the run that finishes them. Returns how many.
pub fn replay(mirror: &Arc<Mirror>, state: &Arc<State>, run: i64) -> Result<usize, Fatal> {
    let replayed = batch::replay(mirror, state, run)?;
    retention::unlink(mirror, state)?;
    Ok(replayed)
}

/// Documents that are removed in one batch.
const GROUP: usize = 256;

/// Removes a binder from the mirror: its files leave the tree, and their bytes go to `objects/`. Returns how many.
pub fn forget(mirror: &Arc<Mirror>, state: &Arc<State>, run: i64, binder: &BinderId) -> Result<u64, Fatal> {
    let tally = Arc::new(Tally::default());
    let names = Names::Own(Reservations::new(mirror.name_limit()));
    let mut batch = Batch::new(Arc::clone(mirror), Arc::clone(state), names, Arc::clone(&tally), run);
    let numbers: Vec<i64> = state.read(|r| r.numbers(binder))?.all().collect();
    for group in numbers.chunks(GROUP) {
        let mut removals = Vec::with_capacity(group.len());
        for number in group {
            let Some(known) = state.read(|r| r.by_number(*number))? else { continue };
            let particulars = known.particulars();
            removals.push(TreeChange::Remove { document: known.id, path: known.path, particulars }.into());
        }
        batch.publish(removals)?;
    }
    batch.flush()?;
    if state.read(|r| r.documents_in(binder))? == 0 {
        state.write(|w| w.delete_binder(binder))?;
    }
    Ok(tally.documents().removed)
}
