//! The page of a run outside of the mirror.
//!
//! A page that can't be written is reported and never changes the result.

use std::path::Path;

use crate::{
    config::Notices,
    history::{ReportFile, write_failed_report_file, write_report_file},
    mirror::Mirror,
    model::LinkBase,
    paths::relative,
    report::RunReport,
    session::Exit,
    state::State,
};

/// Writes the page of a run that ended. Returns what went wrong.
pub(crate) fn write(
    notices: &Notices,
    dest: &Path,
    (mirror, state): (&Mirror, &State),
    report: &RunReport,
) -> Option<String> {
    with_file(notices, dest, |file| write_report_file(mirror, state, report, file).err().map(|e| e.to_string()))
}

/// Writes the page of a run that could not begin or continue: what it said before may no longer be true. While another
/// process holds the lock, that one writes the page.
pub(crate) fn write_failed(notices: &Notices, dest: &Path, report: &RunReport, exit: Exit) {
    if exit == Exit::Locked {
        return;
    }
    let failed = with_file(notices, dest, |file| write_failed_report_file(report, file).err().map(|e| e.to_string()));
    if let Some(why) = failed {
        tracing::warn!("{why}");
    }
}

/// A run with filters on the command line says nothing about scheduled ones.
fn with_file(notices: &Notices, dest: &Path, write: impl FnOnce(ReportFile<'_>) -> Option<String>) -> Option<String> {
    let path = notices.report_file.as_deref().filter(|_| !notices.by_hand)?;
    let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let way = || LinkBase::of_folder(&relative(path.parent().unwrap_or(path), dest));
    let links = &notices.link_base.clone().unwrap_or_else(way);
    let (language, organisation) = (notices.language, notices.organisation.as_deref());
    write(ReportFile { path, links, language, organisation }).map(|why| format!("--report-file: {why}"))
}
