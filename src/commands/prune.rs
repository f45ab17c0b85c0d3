//! `replicate --prune`.

use std::sync::Arc;

use crate::{
    cli,
    config::{self, CopySettings, Location},
    replica::{Prune, PruneOptions},
    report::PruneReport,
    session::{Error, Exit, Output, copy::open_store, output::ended, signals::Signals},
    sync::{Stop, StopCause},
    ui,
};

/// Deletes from a copy what no kept commit names. It needs no mirror.
pub fn prune(location: &Location, settings: &CopySettings, given: &cli::Replicate, output: &Output) -> Exit {
    let stop = Arc::<Stop>::default();
    let signals = Signals::watch(&stop);
    let pruned = delete(location, settings, given, &stop);
    let exit = match (&pruned, stop.cause()) {
        (Err(Error::Copying(error)), Some(cause)) if error.is_stopped() => {
            ui::print_note("Ended early; the next `replicate --prune` continues.\n");
            if cause == StopCause::Terminate { Exit::Terminated } else { Exit::Interrupted }
        }
        _ => ended(pruned.map(|pruned| show(&pruned, output))),
    };
    signals.finished(exit);
    exit
}

fn delete(
    location: &Location,
    settings: &CopySettings,
    given: &cli::Replicate,
    stop: &Arc<Stop>,
) -> Result<PruneReport, Error> {
    if given.pruning.grace < PruneOptions::LEAST_GRACE {
        let why = "writers rely on what they uploaded lately; give at least 2d".to_owned();
        return Err(config::Error::Bad { name: "--grace".into(), why }.into());
    }
    let store = open_store(location, settings, Arc::clone(stop))?;
    let options = PruneOptions { keep: given.pruning.keep, grace: given.pruning.grace, dry_run: given.pruning.dry_run };
    Ok(Prune { store: &store, options }.run(&mut |key| tracing::debug!("deleted {key}"))?)
}

fn show(pruned: &PruneReport, output: &Output) -> Exit {
    if output.json {
        ui::print_json(pruned);
    } else if !output.quiet {
        ui::print(&ui::pruned(pruned));
    }
    match (pruned.refused.count, pruned.deleted().count) {
        (0, _) => Exit::Complete,
        (_, 0) => Exit::Credentials,
        _ => Exit::Partial,
    }
}
