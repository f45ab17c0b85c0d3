//! Comma-separated values: RFC 4180 in UTF-8, with a byte order mark because spreadsheets guess another encoding without
//! one.
//!
//! A spreadsheet would calculate a cell that begins like a formula, and anybody may name a document, so the cell gets an
//! apostrophe in front. Spreadsheets split lines at the separator of their locale and may ignore quotes, so this is also
//! done behind every character that some spreadsheet takes for a separator. An id stays as it is, because other programs
//! look documents up by it. JSON keeps every character as it is.

use std::io::{self, Write};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use super::{
    error::Error,
    record::{Cell, FIXED, Record},
};

/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A table of texts that no spreadsheet calculates, and ids, in columns that are called so.
pub fn table<const COLUMNS: usize>(
    out: &mut dyn Write,
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> Result<(), Error> {
    let mut table = Rows::new(out, header)?;
    rows.into_iter().try_for_each(|row| table.row(row))?;
    table.end()
}

/// The same, row by row.
pub struct Rows<'o, const COLUMNS: usize> {
    header: [&'o str; COLUMNS],
    rows: Writer<&'o mut dyn Write>,
}

impl<'o, const COLUMNS: usize> Rows<'o, COLUMNS> {
    /// Begins with the names of the columns.
    pub fn new(out: &'o mut dyn Write, header: [&'o str; COLUMNS]) -> Result<Self, Error> {
        out.write_all(MARK)?;
        let mut rows = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        rows.write_record(header).map_err(failed)?;
        Ok(Self { header, rows })
    }

    /// Writes a row.
    pub fn row(&mut self, cells: [String; COLUMNS]) -> Result<(), Error> {
        let cells = self.header.into_iter().zip(cells).map(|(name, text)| cell(name, text));
        self.rows.write_record(cells).map_err(failed)
    }

    /// Writes what is left in the buffer.
    pub fn end(mut self) -> Result<(), Error> {
        Ok(self.rows.flush()?)
    }
}

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
        self.cells.iter_mut().for_each(String::clear);
        for ((written, value), name) in self.cells.iter_mut().zip(record.fixed()).zip(FIXED) {
            *written = match value {
                Cell::Text(text) => cell(name, text.into_owned()),
                Cell::Number(number) => number.to_string(),
                Cell::Time(time) => time.to_string(),
            };
        }
        for (column, values) in &record.metadata {
            let texts: Vec<String> = values.iter().map(super::Value::text).collect();
            self.cells[FIXED.len() + column] = match &values[..] {
                [super::Value::Number(number)] => number.clone(),
                _ => safe(texts.join("; ")),
            };
        }
        self.rows.write_record(&self.cells).map_err(failed)
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        self.rows.flush()
    }
}

/// Characters that begin a formula.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

/// Characters that some spreadsheet takes for the end of a cell.
const ENDS: [char; 5] = [',', ';', '\t', '\r', '\n'];

/// The text of a cell. An id of letters, digits, `-` and `_` calls no function, whatever it begins with.
fn cell(column: &str, text: String) -> String {
    let is_id = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if column.ends_with("_id") && is_id(&text) { text } else { safe(text) }
}

/// Escapes a text so that no spreadsheet calculates it, whichever separator it uses.
fn safe(text: String) -> String {
    if !text.contains(FORMULA) && !text.starts_with(['\t', '\r', '\n']) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 1);
    if text.starts_with(['\t', '\r', '\n']) {
        safe.push('\'');
    }
    let mut begins = true;
    for c in text.chars() {
        if begins && FORMULA.contains(&c) {
            safe.push('\'');
        }
        // Some spreadsheets strip quotes and spaces in front of a formula.
        begins = ENDS.contains(&c) || (begins && (c == '"' || c.is_whitespace()));
        safe.push(c);
    }
    safe
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
    fn ids_stay_as_they_are() {
        let mut written = Vec::new();
        let row = ["-A1_b", "-=x", "-A1"].map(str::to_owned);
        table(&mut written, ["binder_id", "document_id", "path"], [row]).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "\u{feff}binder_id,document_id,path\r\n-A1_b,'-=x,'-A1\r\n");
        for (id, expected) in
            [("-k3J9x_a2Q", "-k3J9x_a2Q"), ("_-", "_-"), ("-1+1", "'-1+1"), ("=A1", "'=A1"), ("-å", "'-å")]
        {
            assert_eq!(cell("binder_id", id.to_owned()), expected);
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+46 8", "'+46 8"),
            ("-c", "'-c"),
            ("@x", "'@x"),
            ("\t=1", "'\t'=1"),
            ("\r\n=1", "'\r\n'=1"),
            ("\tx", "'\tx"),
            ("x;=cmd|' /C calc'!A0;.pdf", "x;'=cmd|' /C calc'!A0;.pdf"),
            ("a,+1,b", "a,'+1,b"),
            ("a\t@x", "a\t'@x"),
            ("a\n-1", "a\n'-1"),
            ("Öppen; =1", "Öppen; '=1"),
            ("x;\"=1\";", "x;\"'=1\";"),
            ("\"\"=1", "\"\"'=1"),
            (" \u{a0}=1", " \u{a0}'=1"),
            (";;==", ";;'=="),
            ("a=1", "a=1"),
            ("A-B, C-D; E", "A-B, C-D; E"),
            ("a 'b';=", "a 'b';'="),
            ("", ""),
            ("'=1", "'=1"),
        ] {
            assert_eq!(safe(text.to_owned()), expected);
        }
    }
}
