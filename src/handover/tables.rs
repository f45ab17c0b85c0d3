//! What is known about the documents, as csv for spreadsheets and JSON lines for programs.

use std::{collections::HashMap, io::Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Error,
    files::{Files, Written},
    gaps::{Gaps, Unkept, Why},
    items::{Item, Items},
};
use crate::{
    catalogue::{self, Catalogue, Format, Rows},
    history::{Difference, DocumentHistory, MissingReason, differences_by_run},
    model::{DocumentId, RelPath},
    state::{PastRun, State},
};

/// The folder of the tables.
const FOLDER: &str = "data/metadata";

/// What tables are made from.
pub(super) struct Tables<'t> {
    pub(super) record: &'t State,
    pub(super) items: &'t Items<'t>,
    pub(super) runs: &'t HashMap<i64, PastRun>,
    /// Files that could not be copied.
    pub(super) missing: &'t HashMap<RelPath, MissingReason>,
    /// Whether the record has all binders.
    pub(super) all: bool,
    pub(super) gaps: &'t mut Gaps,
}

/// A version in `versions.jsonl`, and the columns of `versions.csv`.
#[derive(Debug, Serialize)]
struct VersionLine<'v> {
    /// In the bag; `null` if it is not there.
    file: Option<&'v str>,
    /// In the mirror, then.
    path: &'v str,
    /// At the service, then.
    file_name: &'v str,
    /// `tree`, `object`, `edited`, `freed` or `nothing`, as `history --json` says it.
    held: &'static str,
    size: u64,
    sha256: String,
    modified_at: Timestamp,
    version_id: &'v str,
    document_id: &'v str,
    binder_id: &'v str,
    first_run: String,
    mirrored_at: Timestamp,
    ended_run: Option<String>,
    ended_at: Option<Timestamp>,
    cause: Option<&'v str>,
    missing: Option<String>,
}

const VERSION_COLUMNS: [&str; 16] = [
    "file",
    "path",
    "file_name",
    "held",
    "size",
    "sha256",
    "modified_at",
    "version_id",
    "document_id",
    "binder_id",
    "first_run",
    "mirrored_at",
    "ended_run",
    "ended_at",
    "cause",
    "missing",
];

const CHANGE_COLUMNS: [&str; 8] = ["run", "finished_at", "change", "path", "from", "size", "document_id", "binder_id"];

/// A change in `changes.jsonl`: the run, and what `changes --json` says about it.
#[derive(Debug, Serialize)]
struct ChangeLine<'c> {
    run: &'c str,
    finished_at: Option<Timestamp>,
    #[serde(flatten)]
    difference: &'c Difference,
}

impl Tables<'_> {
    /// Writes all tables.
    pub(super) fn write(mut self, files: &Files<'_>) -> Result<Vec<Written>, Error> {
        let catalogue = Catalogue::new(self.record, None)?;
        let mut written = Vec::new();
        for (name, format) in [("documents.csv", Format::Csv(b',')), ("documents.jsonl", Format::Jsonl)] {
            written.push(files.put(&format!("{FOLDER}/{name}"), |out| {
                catalogue.write(&format, out, |_| true)?;
                Ok(())
            })?);
        }
        written.push(files.put(&format!("{FOLDER}/versions.csv"), |out| self.versions_csv(out))?);
        written.push(files.put(&format!("{FOLDER}/versions.jsonl"), |out| {
            self.items.each(|item| json(out, &self.line(&item)).map(|()| true))
        })?);
        written.push(files.put(&format!("{FOLDER}/history.jsonl"), |out| self.history(out))?);
        written.push(files.put(&format!("{FOLDER}/changes.csv"), |out| self.changes_csv(out))?);
        written.push(files.put(&format!("{FOLDER}/changes.jsonl"), |out| self.changes_jsonl(out))?);
        written.push(files.put(&format!("{FOLDER}/missing.csv"), |out| self.missing_csv(out))?);
        Ok(written)
    }

    fn versions_csv(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        let mut table = Rows::new(out, VERSION_COLUMNS)?;
        let mut unkept = Unkept::default();
        self.items.each(|item| {
            count(&mut unkept, held(&item));
            table.row(cells(self.line(&item)))?;
            Ok::<_, Error>(true)
        })?;
        self.gaps.unkept = unkept;
        Ok(table.end()?)
    }

    fn line<'v>(&self, item: &'v Item) -> VersionLine<'v> {
        let (row, ended) = (&item.row, item.row.ended.as_ref());
        let second = |at: i64| Timestamp::from_second(at).unwrap_or_default();
        let missing = item.file.as_ref().and_then(|file| self.missing.get(file));
        VersionLine {
            file: item.file.as_ref().filter(|_| missing.is_none()).map(RelPath::as_str),
            path: row.path.as_str(),
            file_name: &row.file_name,
            held: held(item),
            size: row.size,
            sha256: row.sha256.hex(),
            modified_at: Timestamp::from_nanosecond(row.mtime.into()).unwrap_or_default(),
            version_id: row.version.as_str(),
            document_id: row.document.as_str(),
            binder_id: &row.binder,
            first_run: self.run(row.first_run),
            mirrored_at: second(row.mirrored_at),
            ended_run: ended.map(|ended| self.run(ended.run)),
            ended_at: ended.map(|ended| second(ended.at)),
            cause: ended.map(|ended| ended.cause.as_str()),
            missing: missing.map(ToString::to_string),
        }
    }

    /// The id of a run; its number if it is no longer known.
    fn run(&self, number: i64) -> String {
        self.runs.get(&number).map_or_else(|| format!("{number:06}"), |run| run.id.clone())
    }

    fn history(&self, out: &mut dyn Write) -> Result<(), Error> {
        let runs: Vec<PastRun> = self.runs.values().cloned().collect();
        self.record.read(|r| {
            let mut documents: Vec<DocumentId> = r.touched_after(0)?;
            documents.sort();
            documents.dedup();
            for document in documents {
                if let Some(timeline) = r.timeline(&document)? {
                    json(out, &DocumentHistory::of(&timeline, &runs))?;
                }
            }
            Ok(())
        })
    }

    fn changes(&self, mut each: impl FnMut(ChangeLine<'_>) -> Result<(), Error>) -> Result<(), Error> {
        self.record.read(|r| {
            let binders: Vec<String> = r.binder_summaries()?.into_iter().map(|binder| binder.id).collect();
            differences_by_run(r, |number, differences| {
                let run = self.run(number);
                let finished = self.runs.get(&number).and_then(|run| run.finished_at);
                let finished_at = finished.and_then(|at| Timestamp::from_second(at).ok());
                // A document may have come from a binder that is not in the bag.
                let here = differences.iter().filter(|found| self.all || binders.contains(&found.binder_id));
                here.into_iter().try_for_each(|difference| each(ChangeLine { run: &run, finished_at, difference }))
            })
        })
    }

    fn changes_csv(&self, out: &mut dyn Write) -> Result<(), Error> {
        let mut table = Rows::new(out, CHANGE_COLUMNS)?;
        self.changes(|ChangeLine { run, finished_at, difference }| {
            let change = &difference.change;
            Ok(table.row([
                run.to_owned(),
                finished_at.map(|at| at.to_string()).unwrap_or_default(),
                change.kind.word().to_owned(),
                change.path.clone(),
                change.from.clone().unwrap_or_default(),
                change.size.to_string(),
                change.document_id.clone(),
                difference.binder_id.clone(),
            ])?)
        })?;
        Ok(table.end()?)
    }

    fn changes_jsonl(&self, out: &mut dyn Write) -> Result<(), Error> {
        self.changes(|line| json(out, &line))
    }

    fn missing_csv(&self, out: &mut dyn Write) -> Result<(), Error> {
        let mut table = Rows::new(out, ["name", "why", "document_id", "version_id"])?;
        for lost in &self.gaps.versions {
            let why = match &lost.why {
                Why::Failed(error) => error.clone(),
                Why::Acknowledged => "iBinder can't deliver it, which was acknowledged".to_owned(),
                Why::NotCopied(reason) => reason.to_string(),
            };
            table.row([lost.name.clone(), why, lost.document.clone(), lost.version.clone()])?;
        }
        self.items.each(|item| {
            let why = match held(&item) {
                "freed" => MissingReason::Freed.to_string(),
                "nothing" => MissingReason::NotHeld.to_string(),
                _ => return Ok::<_, Error>(true),
            };
            let row = &item.row;
            table.row([row.path.to_string(), why, row.document.to_string(), row.version.to_string()])?;
            Ok(true)
        })?;
        Ok(table.end()?)
    }
}

/// Where a version's bytes are, in the words of `history --json`.
fn held(item: &Item) -> &'static str {
    match (&item.row.ended, item.row.held) {
        (None, _) => "tree",
        (Some(_), Some((held, _))) if held == item.row.sha256 => "object",
        (Some(_), Some(_)) => "edited",
        (Some(ended), None) if ended.freed_run.is_some() => "freed",
        (Some(_), None) => "nothing",
    }
}

fn count(unkept: &mut Unkept, held: &str) {
    match held {
        "edited" => unkept.edited += 1,
        "freed" => unkept.freed += 1,
        "nothing" => unkept.gone += 1,
        _ => {}
    }
}

fn cells(line: VersionLine<'_>) -> [String; 16] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        text(line.file),
        line.path.to_owned(),
        line.file_name.to_owned(),
        line.held.to_owned(),
        line.size.to_string(),
        line.sha256,
        line.modified_at.to_string(),
        line.version_id.to_owned(),
        line.document_id.to_owned(),
        line.binder_id.to_owned(),
        line.first_run,
        line.mirrored_at.to_string(),
        line.ended_run.unwrap_or_default(),
        line.ended_at.map(|at| at.to_string()).unwrap_or_default(),
        text(line.cause),
        line.missing.unwrap_or_default(),
    ]
}

fn json(out: &mut (impl Write + ?Sized), line: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_vec(line).map_err(|e| catalogue::Error::Write(e.into()))?;
    text.push(b'\n');
    Ok(out.write_all(&text).map_err(catalogue::Error::from)?)
}
