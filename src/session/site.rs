//! The catalogue for people, which a run writes at its end and other commands correct. It never makes them fail.

use crate::{
    history::{Error as HistoryError, Night, Site, SitePlace},
    mirror::{Mirror, Root},
    report::{RunReport, Warning},
    session::Error,
    site::SiteOptions,
    state::State,
    sync::{Ended, Finished, StopCause},
};

/// Brings the catalogue up to date after a run; returns what went wrong. A run that was told to end, or that could not go on,
/// only changes what the catalogue says about the last run.
pub(crate) fn update(
    (mirror, state): (&Mirror, &State),
    options: &SiteOptions,
    finished: &Finished,
    report: &RunReport,
) -> Vec<Warning> {
    let is_short = match &finished.ended {
        Ended::Through => false,
        Ended::Early(cause) => !matches!(cause, StopCause::Duration | StopCause::GivenUp),
        Ended::AnotherOrganisation | Ended::Fatal(_) => true,
    };
    let site = Site::new(state, SitePlace::Mirror(mirror), options);
    let written = complete(state).and_then(|complete| {
        let night = Night::Run { report, complete };
        if is_short { site.tell(&night).map(|()| Vec::new()) } else { site.update(&night) }
    });
    match written {
        Ok(obstacles) => obstacles
            .into_iter()
            .map(|path| Warning::other(Warning::CataloguePart, &HistoryError::CatalogueObstacle(path)))
            .collect(),
        Err(error) => vec![Warning::other(Warning::Catalogue, &error)],
    }
}

/// Says in the catalogue how the run ended after all.
pub(crate) fn correct(mirror: &Mirror, state: &State, options: &SiteOptions, report: &RunReport) -> Result<(), Error> {
    let night = Night::Run { report, complete: complete(state)? };
    Ok(Site::new(state, SitePlace::Mirror(mirror), options).tell(&night)?)
}

/// Takes what left the tree out of the catalogue that the mirror has, at once.
pub(crate) fn forget(mirror: &Mirror, state: &State) {
    let site = Site::existing(state, mirror);
    let written = site.and_then(|site| site.map_or(Ok(()), |site| site.erase(Some(&std::collections::HashSet::new()))));
    if let Err(error) = written {
        tracing::warn!("{}", Warning::other(Warning::Catalogue, &error));
    }
}

/// When the last complete run ended, in seconds since the epoch.
fn complete(state: &State) -> Result<Option<i64>, HistoryError> {
    Ok(state.read(|r| r.last_complete())?.map(|run| run.finished_at))
}

/// The report of the last run.
fn last_report(root: &Root) -> Option<RunReport> {
    serde_json::from_slice(&root.read_note("last-run.json")?).ok()
}

/// Writes a catalogue when no run does.
pub(crate) fn write(site: &Site<'_>, state: &State, root: &Root) -> Result<Vec<String>, Error> {
    Ok(match last_report(root) {
        Some(report) => site.update(&Night::Run { report: &report, complete: complete(state)? })?,
        None => site.update(&Night::AsBefore)?,
    })
}
