//! `export`.

use std::{ffi::OsStr, path::PathBuf};

use clap::{ArgGroup, Args, ValueEnum};

use super::history::TIMES;

/// The format of a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A table for spreadsheets and scripts.
    Csv,
    /// One JSON object a line, every text as it is.
    Jsonl,
    /// A workbook: a sheet for each binder, one of binders, and one of what changed.
    Xlsx,
}

/// How documents are spread over the sheets of a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportSheets {
    /// A sheet for each binder, under its own labels.
    Binder,
    /// All on one sheet.
    One,
}

/// Write a catalogue of all documents: paths, versions, sizes, hashes, and metadata under their labels.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["format", "to", "sidecars"]))]
#[command(after_help = format!("{TIMES}\n\nIn csv, text that a spreadsheet would take for a formula gets a leading apostrophe, \
    also after `,`, `;` and tabs within a text; jsonl has every text as it is.\n\nExamples:\n  \
    ibinder-sync export --dest /srv/mirror --to /srv/catalogue.xlsx\n  \
    ibinder-sync export --profile north --separator ';' --to eken.csv 'Brf Eken'\n  \
    ibinder-sync export --profile north --format jsonl --at monday | jq -r .path\n  \
    ibinder-sync export --dest /srv/mirror --sidecars /srv/metadata/2026-11-03"))]
pub struct Export {
    /// The format [default: the ending of --to]
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    /// The file, which is replaced once the new one is complete [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// The separator of values in csv: `,` or `;`, which Excel expects in Nordic countries, or `tab` [default: ,]
    #[arg(long, value_name = "C", value_parser = separator)]
    pub separator: Option<u8>,
    /// The sheets of a workbook [default: binder, or one for more than 100 binders]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub sheets: Option<ExportSheets>,
    /// What a workbook's sheet of changes begins with [default: 30 days ago]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Write a .json file with the metadata of each document into this folder, with the same folders as the mirror; it must
    /// be outside of the mirror, and be empty or not exist yet
    #[arg(long, value_name = "DIR")]
    pub sidecars: Option<PathBuf>,
    /// The time [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Files and folders, by their paths of that time [default: everything]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

impl Export {
    /// The format of the catalogue; `None` if there are only sidecars.
    pub fn catalogue(&self) -> Result<Option<ExportFormat>, String> {
        let ending = self.to.as_ref().map(|to| to.extension().and_then(OsStr::to_str).unwrap_or_default());
        match (self.format, ending) {
            (Some(format), _) => Ok(Some(format)),
            (None, Some(ending)) => ExportFormat::from_str(ending, true).map(Some).map_err(|_| {
                "the name after --to doesn't end in .csv, .jsonl or .xlsx; end it so, or add --format".to_owned()
            }),
            (None, None) => Ok(None),
        }
    }
}

fn separator(text: &str) -> Result<u8, String> {
    match text {
        "," => Ok(b','),
        ";" => Ok(b';'),
        "tab" | "\t" => Ok(b'\t'),
        _ => Err(format!("{text:?} is neither `,` nor `;` nor `tab`")),
    }
}
