//! The catalogue: all documents with their metadata, as a table, as JSON lines, or as sidecar files.
//!
//! It is read from the state alone, one document at a time. The binder's schema supplies the labels of metadata (`metadata_elements`,
//! `metadata_columns`) and of their values (`value`). A first pass over the documents collects the keys that are used, because the
//! columns must be known before the first row. [`Texts`] has the same values for searching.

mod csv;
mod error;
mod jsonl;
mod labelled;
mod metadata_columns;
mod metadata_elements;
mod record;
mod sidecars;
mod texts;
mod value;
mod xlsx;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::Write,
    path::Path,
};

pub use csv::{Rows, table};
pub use error::{Error, Refused};
pub use labelled::Labelled;
pub use sidecars::Sidecars;
pub use texts::Texts;
pub use xlsx::{RecentChanges, Sheets, WorkbookOptions};

use metadata_columns::{Columns, VERSION};
use metadata_elements::{Element, elements};
use record::{Record, first_step};
use value::{Value, values};

use crate::state::{self, Catalogued, State};

/// The key of the tab that contains a document; its value is shown as the tab's name.
pub const TAB: &str = "GLOBAL_TabId";

/// How a catalogue is written.
#[derive(Debug, Clone)]
pub enum Format {
    /// Comma-separated values with this separator.
    Csv(u8),
    /// One JSON object a line.
    Jsonl,
    /// A workbook.
    Xlsx(WorkbookOptions),
}

/// The selected documents at one time, and the schemas of their metadata.
pub struct Catalogue<'s> {
    state: &'s State,
    at_run: Option<i64>,
    names: HashMap<String, String>,
    elements: HashMap<String, HashMap<String, Element>>,
    columns: Columns,
    /// Folders in the tree whose names end like a sidecar's.
    folders: HashSet<String>,
}

impl<'s> Catalogue<'s> {
    /// The catalogue at the end of a run, or now.
    pub fn new(state: &'s State, at_run: Option<i64>) -> Result<Self, Error> {
        let labels = state.read(|r| r.labels())?;
        let known: Vec<(String, Vec<Element>)> =
            labels.iter().map(|l| (l.binder.clone(), l.schema.as_deref().map(elements).unwrap_or_default())).collect();
        let mut used: BTreeSet<(String, String)> = BTreeSet::new();
        let (nothing, mut folders) = (HashMap::new(), HashSet::new());
        state.read(|r| {
            r.catalogue(at_run, |document| {
                let above = document.path.match_indices('/').map(|(at, _)| &document.path[..at]);
                folders.extend(above.filter(|folder| folder.ends_with(sidecars::SUFFIX)).map(str::to_owned));
                for (key, _) in document.metadata.iter().flat_map(|json| values(json, &nothing)) {
                    let key = (document.binder.clone(), key);
                    if !used.contains(&key) {
                        used.insert(key);
                    }
                }
                Ok::<_, Error>(true)
            })
        })?;
        let columns = Columns::new(&known, &used);
        let by_id = |elements: Vec<Element>| elements.into_iter().map(|e| (e.id.clone(), e)).collect();
        Ok(Self {
            state,
            at_run,
            names: labels.into_iter().map(|l| (l.binder, l.name)).collect(),
            elements: known.into_iter().map(|(binder, elements)| (binder, by_id(elements))).collect(),
            columns,
            folders,
        })
    }

    /// Writes the documents whose path is wanted, and returns their number.
    pub fn write(
        &self,
        format: &Format,
        out: &mut (dyn Write + Send),
        mut wanted: impl FnMut(&str) -> bool,
    ) -> Result<u64, Error> {
        let names = self.columns.names();
        match format {
            Format::Csv(separator) => {
                let mut table = csv::Table::new(out, *separator, names)?;
                let count = self.each(wanted, |record| table.row(record))?;
                table.end()?;
                Ok(count)
            }
            Format::Jsonl => self.each(wanted, |record| jsonl::line(out, record, names)),
            Format::Xlsx(options) => xlsx::catching_panics(|| {
                let binders = self.binders(&mut wanted)?;
                let known = match self.at_run {
                    None => self.state.read(|r| r.binder_summaries())?,
                    Some(_) => Vec::new(),
                };
                let source = xlsx::Source { columns: &self.columns, names: &self.names, known };
                let mut workbook = xlsx::WorkbookWriter::new(source, options, &binders)?;
                let count = self.each(wanted, |record| workbook.row(record))?;
                workbook.end(out)?;
                Ok(count)
            }),
        }
    }

    /// The binders of the documents whose path is wanted.
    fn binders(&self, mut wanted: impl FnMut(&str) -> bool) -> Result<BTreeSet<String>, Error> {
        let mut binders = BTreeSet::new();
        self.state.read(|r| {
            r.catalogue(self.at_run, |document| {
                if !binders.contains(&document.binder) && wanted(&document.path) {
                    binders.insert(document.binder.clone());
                }
                Ok::<_, Error>(true)
            })
        })?;
        Ok(binders)
    }

    /// Writes a file for each wanted document into a folder; the folder appears when it is complete.
    pub fn sidecars(&self, folder: &Path, wanted: impl FnMut(&str) -> bool) -> Result<Sidecars, Error> {
        let mut sidecars = Sidecars::begin(folder, self.folders.clone())?;
        self.each(wanted, |record| sidecars.put(record, self.columns.names()))?;
        Ok(sidecars)
    }

    fn each(
        &self,
        mut wanted: impl FnMut(&str) -> bool,
        mut put: impl FnMut(&Record<'_>) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut tabs: HashMap<(String, String), Option<String>> = HashMap::new();
        let mut count = 0;
        self.state.read(|r| {
            r.catalogue(self.at_run, |document| {
                if wanted(&document.path) {
                    let tab = |id: &str| r.folder_name(&document.binder, id);
                    put(&self.record(document, &mut tabs, tab)?)?;
                    count += 1;
                }
                Ok::<_, Error>(true)
            })
        })?;
        Ok(count)
    }

    fn record<'r>(
        &'r self,
        document: &'r Catalogued,
        tabs: &mut HashMap<(String, String), Option<String>>,
        tab: impl Fn(&str) -> Result<Option<String>, state::Error>,
    ) -> Result<Record<'r>, Error> {
        let nothing = HashMap::new();
        let elements = self.elements.get(&document.binder).unwrap_or(&nothing);
        let mut record = Record {
            document,
            binder: self.names.get(&document.binder).map_or_else(|| first_step(&document.path), String::as_str),
            version_label: None,
            metadata: Vec::new(),
        };
        for (key, mut value) in document.metadata.iter().flat_map(|json| values(json, elements)) {
            if key == VERSION {
                record.version_label = Some(value.text());
            }
            if key == TAB {
                let place = (document.binder.clone(), value.text());
                let name = match tabs.get(&place) {
                    Some(name) => name.clone(),
                    None => tabs.entry(place.clone()).or_insert(tab(&place.1)?).clone(),
                };
                value = name.map_or(value, Value::Text);
            }
            let Some(column) = self.columns.place(&document.binder, &key) else { continue };
            match record.metadata.iter_mut().find(|(at, _)| *at == column) {
                Some((_, several)) => several.push(value),
                None => record.metadata.push((column, vec![value])),
            }
        }
        Ok(record)
    }
}
