//! `recover --from`: a mirror that comes back from its copy.

use std::{path::Path, sync::Arc};

use crate::{
    config::CopySettings,
    mirror::{self, DestinationKind, Mirror, RECOVERY_MARK},
    model::STATE_FOLDER,
    paths::resolved,
    replica::{Commit, Lacking, Location, Place, Recover, Recovered, RecoveryMark, Store},
    report::{Progress, bytes, format::number_of},
    session::{Error, Exit, Output, check_nesting, copy::open_store, output::ended, runtime, signals::Signals},
    sync::{Stop, StopCause},
    ui,
};

/// How much of what is lacking is printed.
const SHOWN: usize = 50;

/// Makes a mirror from a copy.
pub fn recover_from(dest: &Path, from: (&Location, Option<u64>), settings: &CopySettings, output: &Output) -> Exit {
    ended(go(dest, from, settings, output).map_err(|error| error.with_shortage(dest)))
}

fn go(
    dest: &Path,
    (from, number): (&Location, Option<u64>),
    settings: &CopySettings,
    output: &Output,
) -> Result<Exit, Error> {
    check_nesting(dest)?;
    check_apart(dest, from)?;
    if !is_needed(dest, from)? {
        RecoveryMark::clear(&Mirror::open(dest)?)?;
        ui::print(&format!("The recovery of {} was complete.\n", shown(dest)));
        return Ok(Exit::Complete);
    }
    let stop = Arc::new(Stop::default());
    let progress = Arc::<Progress>::default();
    let _screen = ui::Screen::of_files(Arc::clone(&progress), &output.bars, output.quiet, output.json_log);
    let _signals = Signals::watch(&stop);
    let store = open_store(from, settings, Arc::clone(&stop))?;
    // Before anything is created, so that a mistyped place leaves nothing behind.
    let commit = RecoveryMark::choose(RecoveryMark::at(dest).as_ref(), &store, number)?;
    let work = (dest.to_owned(), from.clone(), settings.transfers.max(1));
    let recovered = runtime()?.block_on(async {
        let work = tokio::task::spawn_blocking(move || {
            recover((&work.0, &work.1), &store, &commit, (work.2, &progress)).map(|recovered| (recovered, commit))
        });
        work.await.map_err(|e| Error::Runtime(e.into()))?
    });
    match (recovered, stop.cause()) {
        (Err(Error::Copying(error)), Some(cause)) if error.is_stopped() => {
            tracing::error!("stopped before everything was recovered; the same command goes on from here");
            Ok(if cause == StopCause::Terminate { Exit::Terminated } else { Exit::Interrupted })
        }
        (recovered, _) => {
            let (recovered, commit) = recovered?;
            show(dest, from, &commit, &recovered, output);
            Ok(if recovered.lacking.is_empty() { Exit::Complete } else { Exit::Partial })
        }
    }
}

fn recover(
    (dest, from): (&Path, &Location),
    store: &Store,
    commit: &Commit,
    (transfers, progress): (usize, &Arc<Progress>),
) -> Result<Recovered, Error> {
    let mirror = Mirror::open(dest)?;
    // Somebody may have been faster before the lock was taken.
    is_needed(dest, from)?;
    Ok(Recover { mirror: &mirror, store, commit, transfers, progress }.run()?)
}

/// Whether there is something to recover; refuses what is neither empty nor begun. A recovery that was cut off after its
/// last step but one has a state and needs nothing.
fn is_needed(dest: &Path, from: &Location) -> Result<bool, Error> {
    let refuse = |why: String| Err(Error::NotEmpty { dest: dest.to_owned(), why });
    let shown = shown(dest);
    match mirror::survey(dest)? {
        DestinationKind::Absent | DestinationKind::Empty | DestinationKind::Recovery => Ok(true),
        DestinationKind::Mirror if dest.join(STATE_FOLDER).join(RECOVERY_MARK).exists() => Ok(false),
        DestinationKind::Mirror => refuse(format!(
            "contains a mirror; if its state is damaged: `ibinder-sync recover --dest {shown}`; for a plain tree: \
             `ibinder-sync restore --from {from} --to DIR`"
        )),
        DestinationKind::StateLost => refuse(format!(
            "contains a mirror whose state was lost; `ibinder-sync recover --dest {shown}` restores its last copy of the state"
        )),
        DestinationKind::Foreign => refuse("contains files; give another folder".to_owned()),
    }
}

/// Refuses a copy in a folder of the mirror, and a mirror in the folder of the copy.
fn check_apart(dest: &Path, location: &Location) -> Result<(), Error> {
    let Place::Folder(folder) = &location.place else { return Ok(()) };
    let (copy, mirror) = (resolved(folder), resolved(dest));
    if copy.starts_with(&mirror) || mirror.starts_with(&copy) {
        let text =
            format!("{} and the copy {location} lie in each other; give the mirror its own folder", dest.display());
        return Err(Error::Unknown(text));
    }
    Ok(())
}

fn shown(dest: &Path) -> String {
    ui::escape(&dest.display().to_string())
}

fn show(dest: &Path, location: &Location, commit: &Commit, recovered: &Recovered, output: &Output) {
    let Recovered { documents, objects, bytes: size, known, lacking } = recovered;
    if output.quiet && lacking.is_empty() {
        return;
    }
    let mut text = format!(
        "{}, {} and the state recovered into {}: {}, commit {} of the copy at {}, of run {}\n",
        number_of(*documents, "document", "documents"),
        number_of(*objects, "old content", "old contents"),
        shown(dest),
        bytes(*size),
        commit.file.number,
        ui::escape(&location.to_string()),
        ui::escape(&commit.file.run_id),
    );
    if *known > 0 {
        text.push_str(&format!("{} there already\n", number_of(*known, "of them was", "of them were")));
    }
    let (current, old): (Vec<&Lacking>, Vec<&Lacking>) = lacking.iter().partition(|lacking| lacking.is_current);
    text.push_str(&list(
        "document not recovered; the next run tries to download it again",
        "documents not recovered; the next run tries to download them again",
        &current,
    ));
    text.push_str(&list(
        "old version not recovered; `history` lists it without its bytes",
        "old versions not recovered; `history` lists them without their bytes",
        &old,
    ));
    text.push_str(&format!("`ibinder-sync run --dest {}` downloads what changed since\n", shown(dest)));
    ui::print(&text);
}

fn list(one: &str, many: &str, lacking: &[&Lacking]) -> String {
    if lacking.is_empty() {
        return String::new();
    }
    let mut text = format!("{}:\n", number_of(lacking.len() as u64, one, many));
    for Lacking { path, cause, .. } in lacking.iter().take(SHOWN) {
        text.push_str(&format!("  {}: {}\n", ui::escape(path.as_str()), ui::escape(&cause.to_string())));
    }
    if lacking.len() > SHOWN {
        text.push_str(&format!("  and {} more\n", lacking.len() - SHOWN));
    }
    text
}
