//! As comma-separated values: RFC 4180, in UTF-8 with a mark at its beginning, without which
//! spreadsheets take it for another encoding.
//!
//! A cell that begins like a formula would be one for a spreadsheet, whoever named the document. Such a
//! cell gets an apostrophe in front. Who wants every character as it is takes JSON.

use std::io::{self, Write};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use super::{Error, FIXED, Record};

/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) struct Table<'o> {
    rows: Writer<&'o mut (dyn Write + Send)>,
    cells: Vec<String>,
}

impl<'o> Table<'o> {
    pub(super) fn new(out: &'o mut (dyn Write + Send), separator: u8, names: &[String]) -> Result<Self, Error> {
        out.write_all(MARK)?;
        let mut rows = WriterBuilder::new()
            .delimiter(separator)
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .from_writer(out);
        let header = FIXED.into_iter().map(str::to_owned).chain(names.iter().map(|name| safe(name.clone())));
        rows.write_record(header).map_err(failed)?;
        Ok(Self { rows, cells: vec![String::new(); FIXED.len() + names.len()] })
    }

    pub(super) fn row(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let d = record.document;
        let fixed: [String; FIXED.len()] = [
            safe(d.path.clone()),
            safe(d.file_name.clone()),
            safe(record.binder.to_owned()),
            safe(record.version_label.clone().unwrap_or_default()),
            d.size.to_string(),
            record.modified_at().to_string(),
            record.mirrored_at().to_string(),
            d.sha256.hex(),
            safe(d.document.clone()),
            safe(d.version.clone()),
            safe(d.binder.clone()),
        ];
        self.cells.iter_mut().for_each(String::clear);
        for (cell, text) in self.cells.iter_mut().zip(fixed) {
            *cell = text;
        }
        for (column, values) in &record.metadata {
            let texts: Vec<String> = values.iter().map(super::Value::text).collect();
            self.cells[FIXED.len() + column] = match &values[..] {
                [super::Value::Number(number)] => number.to_string(),
                _ => safe(texts.join("; ")),
            };
        }
        self.rows.write_record(&self.cells).map_err(failed)
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        self.rows.flush()
    }
}

/// A text that no spreadsheet calculates.
fn safe(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text }
}

fn failed(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Error::Write(error),
        other => Error::Write(io::Error::other(format!("{other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+46 8", "'+46 8"),
            ("-c", "'-c"),
            ("@x", "'@x"),
            ("\t=1", "'\t=1"),
            ("\r\n=1", "'\r\n=1"),
            ("a=1", "a=1"),
            ("", ""),
            ("'=1", "'=1"),
        ] {
            assert_eq!(safe(text.to_owned()), expected);
        }
    }
}
