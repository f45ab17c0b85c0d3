//! `export`: a catalogue, or a metadata file for each document.

use std::io::IsTerminal as _;
use std::path::Path;

use crate::{
    catalogue::{self, Catalogue, Format},
    cli::{self, ExportFormat},
    commands::{history, workbook},
    config::{Settings, outside_resolved},
    history::Selection,
    model::RelPath,
    report::format::number_of,
    session::{Error, Exit, Output, Reading, open::retry_on_change, output::ended, sink::Sink},
    ui,
};

/// Writes the catalogue or the sidecars.
pub fn export(dest: &Path, given: &cli::Export, settings: &Settings, output: &Output) -> Exit {
    // Standard output can't be started again.
    let twice = given.to.is_some() || given.format.is_none();
    let write = || write(dest, given, settings);
    let written = if twice { retry_on_change(write) } else { write() };
    ended(written.map(|text| {
        if !output.quiet {
            ui::print(&text);
        }
        Exit::Complete
    }))
}

/// Returns the closing message; empty if standard output has the catalogue.
fn write(dest: &Path, given: &cli::Export, settings: &Settings) -> Result<String, Error> {
    let format = given.catalogue().map_err(Error::Unknown)?;
    check(format, given)?;
    let Reading { state, root, .. } = &Reading::open(dest)?;
    for (name, path) in [("--sidecars", &given.sidecars), ("--to", &given.to)] {
        if let Some(path) = path {
            outside_resolved(name, path, Some(dest))?;
        }
    }
    let runs = state.read(|r| r.past_runs())?;
    let then = given.at.as_deref().map(|text| history::then(text, &runs)).transpose()?.map(|run| run.number);
    let mut selection = history::selection(dest, &given.paths)?;
    let format = match format {
        None => None,
        Some(ExportFormat::Csv) => Some(Format::Csv(given.separator.unwrap_or(b','))),
        Some(ExportFormat::Jsonl) => Some(Format::Jsonl),
        Some(ExportFormat::Xlsx) => {
            // What changed finds no path for the other selection.
            let mut selection = history::selection(dest, &given.paths)?;
            let at = (state, &runs[..], then);
            Some(Format::Xlsx(workbook::options(dest, given, settings, at, |path| wants(&mut selection, path))?))
        }
    };
    let sink = format.as_ref().map(|_| Sink::open(given.to.as_deref(), root)).transpose()?;
    let catalogue = Catalogue::new(state, then)?;
    let mut text = String::new();
    if let (Some(format), Some(mut sink)) = (format, sink) {
        let written = catalogue.write(&format, sink.writer(), |path| wants(&mut selection, path));
        let count = match written {
            Err(catalogue::Error::Write(error)) => return stopped(given, error),
            other => other?,
        };
        history::all_found(&selection, given.at.as_deref())?;
        if let Some(path) = sink.finish()? {
            text.push_str(&format!(
                "{} in {}.\n",
                number_of(count, "document is", "documents are"),
                ui::escape(&path.display().to_string())
            ));
        }
    }
    if let Some(folder) = &given.sidecars {
        let sidecars = catalogue.sidecars(folder, |path| wants(&mut selection, path))?;
        history::all_found(&selection, given.at.as_deref())?;
        let count = sidecars.end().map_err(catalogue::Error::from)?;
        if given.format.is_none() || given.to.is_some() {
            text.push_str(&format!(
                "{} in {}.\n",
                number_of(count, "sidecar is", "sidecars are"),
                ui::escape(&folder.display().to_string())
            ));
        }
    }
    Ok(text)
}

/// Refuses flags that don't fit the format.
fn check(format: Option<ExportFormat>, given: &cli::Export) -> Result<(), Error> {
    let is = |wanted| format == Some(wanted);
    let unfit = [
        (given.separator.is_some() && !is(ExportFormat::Csv), "--separator works only with --format csv"),
        (given.sheets.is_some() && !is(ExportFormat::Xlsx), "--sheets works only with --format xlsx"),
        (
            given.since.is_some() && !is(ExportFormat::Xlsx),
            "--since works only with --format xlsx; `changes` lists what changed",
        ),
        (
            is(ExportFormat::Xlsx) && given.to.is_none() && std::io::stdout().is_terminal(),
            "a workbook can't be written to a terminal; use --to FILE.xlsx",
        ),
    ];
    let found = unfit.into_iter().find(|(is_unfit, _)| *is_unfit);
    found.map_or(Ok(()), |(_, why)| Err(Error::Unknown(why.to_owned())))
}

/// A reader that stopped reading (`| head`) is no error.
fn stopped(given: &cli::Export, error: std::io::Error) -> Result<String, Error> {
    if given.to.is_none() && error.kind() == std::io::ErrorKind::BrokenPipe {
        return Ok(String::new());
    }
    let name = given.to.clone().unwrap_or_else(|| "standard output".into());
    Err(Error::Output(name, error))
}

fn wants(selection: &mut Selection, path: &str) -> bool {
    RelPath::new(path).is_ok_and(|path| selection.wants(&path))
}
