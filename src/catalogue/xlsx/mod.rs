//! Workbooks, for people: a sheet of documents for each binder or one for all, a sheet of binders, and one of what changed.
//!
//! Texts are never formulas; times are in the system's time zone, since workbooks have no zones. Rows go to temporary files
//! as they come, one for each sheet; links stay in memory until the end, and are limited. What does not fit on a sheet continues
//! on another.

mod cells;
mod failure;
mod links;
mod overview;
mod sheet_names;
mod table;

use std::{
    collections::{BTreeSet, HashMap},
    io::Write,
};

use jiff::{Timestamp, tz::TimeZone};
use rust_xlsxwriter::{Url, Workbook};

use super::{error::Error, metadata_columns::Columns, record::Record, value::Value};
use crate::{
    model::LinkBase,
    report::{ChangedDocument, Language},
    state::BinderSummary,
};
use failure::failed;
use sheet_names::SheetNames;
use table::{Styles, Table};

pub(super) use failure::catching_panics;

/// Rows of a sheet, with the heading.
const ROWS: u32 = 1_048_576;

/// Columns of a sheet.
const COLUMNS: usize = 16_384;

/// More binders than these get one sheet together, unless somebody asks for a sheet for each.
const MANY: usize = 100;

/// Links of a workbook. The library keeps them in memory, about 1 kB each.
const LINKS: u32 = 200_000;

/// Columns before and after those of the binder's own metadata, in English and Swedish.
const BEFORE: [(&str, &str); 3] = [("Document", "Dokument"), ("Folder", "Mapp"), ("Version", "Version")];
const AFTER: [(&str, &str); 8] = [
    ("Size (bytes)", "Storlek (byte)"),
    ("File changed", "Filen ändrad"),
    ("Mirrored", "Speglad"),
    ("Path", "Sökväg"),
    ("SHA-256", "SHA-256"),
    ("Document id", "Dokument-id"),
    ("Version id", "Versions-id"),
    ("Binder id", "Pärm-id"),
];
const BINDER: (&str, &str) = ("Binder", "Pärm");

/// How documents are spread over sheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheets {
    /// A sheet for each binder.
    OfBinders,
    /// All on one.
    One,
}

/// How a workbook is written.
#[derive(Debug, Clone)]
pub struct WorkbookOptions {
    /// The time zone of its times.
    pub zone: TimeZone,
    /// The language of its own words.
    pub language: Language,
    /// `None`: a sheet for each binder, unless there are very many.
    pub sheets: Option<Sheets>,
    /// Where the names of documents lead; `None` for names alone.
    pub links: Option<LinkBase>,
    /// What changed; `None` for no such sheet.
    pub changes: Option<RecentChanges>,
}

/// What changed in the tree, for a sheet.
#[derive(Debug, Clone)]
pub struct RecentChanges {
    /// Since when; `None` for the beginning.
    pub since: Option<Timestamp>,
    /// The documents, each with its binder's id.
    pub documents: Vec<(ChangedDocument, String)>,
}

/// What is known of the binders.
pub(super) struct Source<'c> {
    pub(super) columns: &'c Columns,
    /// Their names by their ids.
    pub(super) names: &'c HashMap<String, String>,
    /// Their listings; none for a workbook of another time.
    pub(super) known: Vec<BinderSummary>,
}

/// A binder, and what was written of it.
struct Section {
    id: String,
    name: String,
    /// Its first sheet.
    sheet: String,
    /// The table that is being filled, and its columns.
    table: usize,
    columns: Vec<usize>,
    documents: u64,
    bytes: u64,
    newest: Timestamp,
}

pub(super) struct WorkbookWriter<'c> {
    source: Source<'c>,
    options: &'c WorkbookOptions,
    workbook: Workbook,
    styles: Styles,
    names: SheetNames,
    one: bool,
    binders: Option<Table>,
    changes: Option<Table>,
    /// The sheets of documents.
    tables: Vec<Table>,
    sections: Vec<Section>,
    by_id: HashMap<String, usize>,
    rows: u32,
    /// How many links there are room for.
    links: u32,
}

impl<'c> WorkbookWriter<'c> {
    /// A workbook for documents of these binders.
    pub(super) fn new(
        source: Source<'c>,
        options: &'c WorkbookOptions,
        binders: &BTreeSet<String>,
    ) -> Result<Self, Error> {
        Self::with_rows(source, options, binders, ROWS)
    }

    fn with_rows(
        source: Source<'c>,
        options: &'c WorkbookOptions,
        binders: &BTreeSet<String>,
        rows: u32,
    ) -> Result<Self, Error> {
        let by_number = if binders.len() > MANY { Sheets::One } else { Sheets::OfBinders };
        let one = options.sheets.unwrap_or(by_number) == Sheets::One;
        let mut writer = Self {
            source,
            options,
            workbook: Workbook::new(),
            styles: Styles::new(options.zone.clone()),
            names: SheetNames::default(),
            one,
            binders: None,
            changes: None,
            tables: Vec::new(),
            sections: Vec::new(),
            by_id: HashMap::new(),
            rows,
            links: LINKS,
        };
        if one {
            let columns: BTreeSet<usize> = binders.iter().flat_map(|id| writer.source.columns.of_binder(id)).collect();
            let (name, columns) = (writer.pick("Documents", "Dokument"), columns.into_iter().collect());
            writer.begin_documents(String::new(), String::new(), name, columns)?;
        }
        writer.begin_overview()?;
        Ok(writer)
    }

    fn pick(&self, english: &'static str, swedish: &'static str) -> &'static str {
        self.options.language.pick(english, swedish)
    }

    /// Begins the first sheet of a binder, or of all.
    fn begin_documents(&mut self, id: String, name: String, sheet: &str, columns: Vec<usize>) -> Result<usize, Error> {
        let sheet = self.names.take(sheet);
        let heading = self.heading(&columns)?;
        let table = Table::begin(&mut self.workbook, &self.styles, &sheet, &heading)?;
        self.tables.push(table);
        let table = self.tables.len() - 1;
        Ok(self.begin_section(Section {
            id,
            name,
            sheet,
            table,
            columns,
            documents: 0,
            bytes: 0,
            newest: Timestamp::MIN,
        }))
    }

    fn begin_section(&mut self, section: Section) -> usize {
        self.by_id.insert(section.id.clone(), self.sections.len());
        self.sections.push(section);
        self.sections.len() - 1
    }

    /// The heading of a sheet of documents. A label that is one of the fixed names says where it is from.
    fn heading(&self, columns: &[usize]) -> Result<Vec<String>, Error> {
        let language = self.options.language;
        let fixed = |(english, swedish)| language.pick(english, swedish).to_owned();
        let mut heading: Vec<String> = BEFORE.into_iter().map(fixed).collect();
        if self.one {
            heading.insert(1, fixed(BINDER));
        }
        let after: Vec<String> = AFTER.into_iter().map(fixed).collect();
        let is_fixed = |label: &str| heading.iter().chain(&after).any(|fixed| fixed == label);
        let labels = columns.iter().map(|column| self.source.columns.names()[*column].as_str());
        let labels: Vec<String> =
            labels.map(|label| if is_fixed(label) { format!("{label} (iBinder)") } else { label.to_owned() }).collect();
        heading.extend(labels);
        heading.extend(after);
        if heading.len() > COLUMNS {
            let why = "there are more metadata elements than a sheet has columns; use --sheets binder, csv or jsonl";
            return Err(Error::Workbook(why.to_owned()));
        }
        Ok(heading)
    }

    /// The place of a record's binder.
    fn section(&mut self, record: &Record<'_>) -> Result<usize, Error> {
        let id = record.document.binder.as_str();
        if let Some(known) = self.by_id.get(id) {
            return Ok(*known);
        }
        let (id, name) = (id.to_owned(), record.binder.to_owned());
        if !self.one {
            let columns = self.source.columns.of_binder(&id);
            return self.begin_documents(id, name.clone(), &name, columns);
        }
        // All share the table and the columns of the first, which is nobody's.
        let of_all = &self.sections[0];
        let (sheet, table) = (of_all.sheet.clone(), of_all.table);
        let section =
            Section { id, name, sheet, table, columns: Vec::new(), documents: 0, bytes: 0, newest: Timestamp::MIN };
        Ok(self.begin_section(section))
    }

    pub(super) fn row(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let at = self.section(record)?;
        let section = &mut self.sections[at];
        section.documents += 1;
        section.bytes += record.document.size;
        section.newest = section.newest.max(record.mirrored_at());
        let sheet = if self.one { 0 } else { at };
        if self.tables[self.sections[sheet].table].rows() == self.rows {
            let (name, columns) = (self.sections[sheet].sheet.clone(), self.sections[sheet].columns.clone());
            let (name, heading) = (self.names.take(&name), self.heading(&columns)?);
            self.tables.push(Table::begin(&mut self.workbook, &self.styles, &name, &heading)?);
            self.sections[sheet].table = self.tables.len() - 1;
        }
        self.write(record, sheet)
    }

    fn write(&mut self, record: &Record<'_>, sheet: usize) -> Result<(), Error> {
        let link = self.link(&record.document.path);
        let (document, section) = (record.document, &self.sections[sheet]);
        let mut row = self.tables[section.table].row(&mut self.workbook, &self.styles)?;
        let name = if document.file_name.is_empty() { file_of(&document.path) } else { &document.file_name };
        row.link(name, link)?;
        if self.one {
            row.text(record.binder)?;
        }
        row.text(&folder_of(&document.path))?;
        row.text(record.version_label.as_deref().unwrap_or_default())?;
        let first = BEFORE.len() + usize::from(self.one);
        let mut metadata: Vec<&(usize, Vec<Value>)> = record.metadata.iter().collect();
        metadata.sort_by_key(|(column, _)| *column);
        for (column, values) in metadata {
            if let Ok(place) = section.columns.binary_search(column) {
                row.go_to(first + place);
                row.values(values)?;
            }
        }
        row.go_to(first + section.columns.len());
        row.count(document.size)?;
        row.time(record.modified_at())?;
        row.time(record.mirrored_at())?;
        row.text(&document.path)?;
        row.id(&document.sha256.hex())?;
        [&document.document, &document.version, &document.binder].into_iter().try_for_each(|id| row.id(id))
    }

    /// The link to a file, if there is room for one more.
    fn link(&mut self, path: &str) -> Option<Url> {
        self.links = self.links.checked_sub(1)?;
        links::to_file(self.options.links.as_ref()?, path)
    }

    pub(super) fn end(mut self, out: &mut (dyn Write + Send)) -> Result<(), Error> {
        self.end_overview()?;
        for table in &self.tables {
            table.end(&mut self.workbook)?;
        }
        self.workbook.save_to_writer(out).map_err(failed)
    }
}

/// The folders between a binder's folder and a file.
fn folder_of(path: &str) -> String {
    let steps: Vec<&str> = path.split('/').collect();
    steps.get(1..steps.len() - 1).unwrap_or_default().join("/")
}

fn file_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
