//! `recover` and `adopt`: a new start after the state was damaged or lost.

use std::{collections::HashSet, path::Path};

use jiff::Timestamp;

use crate::{
    commands::run,
    config::Config,
    mirror::{self, DestinationKind, Mirror},
    session::{Error, Exit, Output, Writing, adoption::Mark, check_destination, check_nesting},
    state::{self, CheckLevel, Condition, ErrorKind, State},
    ui,
};

/// Restores the last good copy of the state.
pub fn recover(dest: &Path, force: bool) -> Exit {
    match put_copy(dest, force) {
        Ok(text) => {
            ui::print(&text);
            Exit::Complete
        }
        Err(error) => {
            ui::print_error(&error);
            error.exit()
        }
    }
}

fn put_copy(dest: &Path, force: bool) -> Result<String, Error> {
    let copies = mirror::copies(dest);
    let survey = mirror::survey(dest)?;
    if survey == DestinationKind::Recovery {
        return Err(Error::recovering(dest));
    }
    if copies.is_empty() && !matches!(survey, DestinationKind::Mirror | DestinationKind::StateLost) {
        return Err(Error::NoMirror(dest.to_owned()));
    }
    let mirror = Mirror::open(dest)?;
    if !force && is_sound(dest)? {
        return Err(Error::Sound(dest.to_owned()));
    }
    let good = copies.iter().find(|copy| match state::is_good_copy(copy) {
        Ok(good) => good,
        Err(error) => {
            tracing::warn!("{} can't be used: {error}", copy.display());
            false
        }
    });
    let copy = good.ok_or_else(|| Error::NoCopy(dest.to_owned()))?;
    let aside = put(&mirror, dest, Some(copy), Mark::Lost)?;
    let run = copy.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(format!(
        "The state is the one at the end of run {}.{}\n`ibinder-sync run --dest {}` continues from there and adopts newer files of the tree.\n",
        ui::escape(&run),
        aside.map(|name| format!(" The old state is kept as {name}.")).unwrap_or_default(),
        dest.display()
    ))
}

/// Creates a new state for existing files, or checks the files that the state has, and downloads what changed.
pub fn adopt(config: &Config, output: &Output) -> Exit {
    run::carry_out(config, output, "adopt", begin)
}

fn begin(config: &Config, started: Timestamp) -> Result<Writing, Error> {
    let dest = &config.dest;
    check_nesting(dest)?;
    let survey = mirror::survey(dest)?;
    if matches!(survey, DestinationKind::Absent | DestinationKind::Empty | DestinationKind::Recovery) {
        check_destination(dest, config.existing)?;
    }
    let mirror = Mirror::open(dest)?;
    let mark = if config.options.trust_times { Mark::LostTrustingTimes } else { Mark::Lost };
    let is_new = !is_sound(dest)?;
    if is_new && let Some(name) = put(&mirror, dest, None, mark)? {
        tracing::warn!("the state can't be used; it is kept as {name}, and a new one is created");
    }
    let writing = Writing::on(mirror, dest, Some(&config.remote.organisation), "adopt", started)?;
    if !is_new {
        mark.set(&writing.state)?;
    }
    Ok(writing)
}

/// Whether there is a usable state.
fn is_sound(dest: &Path) -> Result<bool, Error> {
    if mirror::survey(dest)? != DestinationKind::Mirror {
        return Ok(false);
    }
    match state::examine(&mirror::database(dest), CheckLevel::Full) {
        Ok(left) => Ok(left != Condition::Empty),
        Err(error) if error.kind() == ErrorKind::Damaged => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Replaces the state with a marked copy or an empty one, which is complete before it gets its name. Returns the
/// new name of the old state, if there was one.
fn put(mirror: &Mirror, dest: &Path, copy: Option<&Path>, mark: Mark) -> Result<Option<String>, Error> {
    let (staged, path) = mirror.staging_path()?;
    if let Some(copy) = copy {
        std::fs::copy(copy, &path).map_err(|source| Error::Copy(copy.to_owned(), source))?;
    }
    let state = State::open(&path, mirror.root().is_network())?;
    mark.set(&state)?;
    // A confirmation in an old copy was used since, or is about what was missing then.
    state.write(|w| w.forget_unlinks().and_then(|()| w.forget_confirmations()))?;
    drop(state);
    // The intents are lost, and old bytes may be below `tmp/`.
    mirror.rescue(&HashSet::from([staged.clone()]), |_| Ok::<_, Error>(true))?;
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let moved = mirror.set_state_aside(&state::PARTS, &time)?;
    mirror.put_state(&staged)?;
    mirror.clear_interruption();
    debug_assert!(mirror::survey(dest).is_ok_and(|survey| survey == DestinationKind::Mirror));
    Ok(moved.then(|| format!("state.db.damaged-{time}")))
}
