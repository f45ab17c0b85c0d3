//! `replicate`.

use std::{path::Path, sync::Arc};

use crate::{
    config::{CopySettings, Location},
    mirror::Mirror,
    report::format::number_of,
    session::{
        Error, Exit, Output, adoption, check_destination,
        copy::{Copied, Copying},
        open::open_finished,
        output::ended,
        signals::Signals,
    },
    sync::Stop,
    ui,
};

/// Brings the copy of a mirror up to date.
pub fn replicate(dest: &Path, location: &Location, settings: &CopySettings, output: &Output) -> Exit {
    let stop = Arc::<Stop>::default();
    let signals = Signals::watch(&stop);
    let exit = ended(copy(dest, (location, settings), (&stop, output)));
    signals.finished(exit);
    exit
}

fn copy(
    dest: &Path,
    (location, settings): (&Location, &CopySettings),
    (stop, output): (&Arc<Stop>, &Output),
) -> Result<Exit, Error> {
    if !check_destination(dest, false)? {
        return Err(Error::NoMirror(dest.to_owned()));
    }
    let mirror = Arc::new(Mirror::open(dest)?);
    let state = open_finished(&mirror, dest, "replicate")?;
    adoption::refuse_if_lost(&state, dest)?;
    let copied = Copying { mirror: &mirror, state: &state, location, settings, stop, output }.run();
    show(dest, &copied, output);
    Ok(copied.exit)
}

fn show(dest: &Path, Copied { report, ignores_condition, .. }: &Copied, output: &Output) {
    if let Some(error) = &report.error {
        ui::print_note(&format!("error: {}\n", ui::escape(error)));
    }
    if *ignores_condition {
        tracing::warn!(
            "the store wrote a file that was there already, although it was told not to: two mirrors that write to this copy \
             could replace each other's commits; let only one machine write to it"
        );
    }
    if output.json {
        return ui::print_json(report);
    }
    if report.error.is_some() {
        return;
    }
    if !output.quiet {
        ui::print(&format!("{}\n", ui::copied(report)));
    }
    if report.missing > 0 {
        tracing::warn!(
            "{} could not be copied, because the mirror itself lacks them: \
             `ibinder-sync verify --repair --dest {}` downloads what iBinder still has",
            number_of(report.missing, "content", "contents"),
            dest.display()
        );
    }
}
