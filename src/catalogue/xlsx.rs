//! Workbooks: texts are never formulas, times are in the system's time zone since workbooks have no zones, and the header
//! row is frozen and has filters.
//!
//! Rows go to a temporary file as they come. After 1,048,576 rows the catalogue continues in another sheet.

use std::{
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::{
    error::Error,
    record::{Cell, FIXED, Record},
    value::Value,
};

/// Rows of a sheet, including the header.
const ROWS: u32 = 1_048_576;

/// Columns of a sheet.
const COLUMNS: usize = 16_384;

/// UTF-16 code units of a cell.
const LONGEST: usize = 32_767;

/// How the library's panic message begins if a file can't be written.
const WRITE_ERROR: &str = "Couldn't write to";

/// Width of a metadata column in characters.
const WIDTH: u8 = 18;

pub(super) struct WorkbookWriter {
    workbook: Workbook,
    zone: TimeZone,
    names: Vec<String>,
    /// The current sheet and its next row.
    at: (usize, u32),
    rows: u32,
    bold: Format,
    time: Format,
    day: Format,
}

impl WorkbookWriter {
    pub(super) fn new(zone: TimeZone, names: &[String]) -> Result<Self, Error> {
        Self::with_rows(zone, names, ROWS)
    }

    fn with_rows(zone: TimeZone, names: &[String], rows: u32) -> Result<Self, Error> {
        if FIXED.len() + names.len() > COLUMNS {
            let why = "there are more metadata elements than a sheet has columns; use csv or jsonl";
            return Err(Error::Workbook(why.to_owned()));
        }
        let mut workbook = Self {
            workbook: Workbook::new(),
            zone,
            names: names.to_vec(),
            at: (0, 0),
            rows,
            bold: Format::new().set_bold(),
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
        };
        workbook.begin_sheet(0)?;
        Ok(workbook)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the columns were counted")]
    fn begin_sheet(&mut self, number: usize) -> Result<(), Error> {
        let sheet = self.workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        let name = if number == 0 { "Documents".to_owned() } else { format!("Documents {}", number + 1) };
        sheet.set_name(name).and_then(|sheet| sheet.set_freeze_panes(1, 0)).map_err(failed)?;
        let metadata = self.names.iter().map(|name| (name.as_str(), WIDTH));
        for (column, (name, width)) in FIXED.into_iter().chain(metadata).enumerate() {
            sheet.set_column_width(column as u16, width).map_err(failed)?;
            sheet.write_string_with_format(0, column as u16, cut(name), &self.bold).map_err(failed)?;
        }
        self.at = (number, 1);
        Ok(())
    }

    /// Sets the filter over all rows of the sheet.
    fn end_sheet(&mut self) -> Result<(), Error> {
        let (sheet, next) = self.at;
        let last = u16::try_from(FIXED.len() + self.names.len() - 1).unwrap_or(u16::MAX);
        let sheet = self.workbook.worksheet_from_index(sheet).map_err(failed)?;
        sheet.autofilter(0, 0, next - 1, last).map(drop).map_err(failed)
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a workbook's numbers are floats")]
    pub(super) fn row(&mut self, record: &Record<'_>) -> Result<(), Error> {
        if self.at.1 == self.rows {
            self.end_sheet()?;
            self.begin_sheet(self.at.0 + 1)?;
        }
        let (sheet, row) = self.at;
        self.at.1 += 1;
        let zone = &self.zone;
        let sheet = self.workbook.worksheet_from_index(sheet).map_err(failed)?;
        for (column, value) in record.fixed().into_iter().enumerate() {
            let column = column as u16;
            match value {
                Cell::Text(text) => put_text(sheet, row, column, &text)?,
                Cell::Number(number) => sheet.write_number(row, column, number as f64).map(drop).map_err(failed)?,
                Cell::Time(time) => put_time(sheet, row, column, time, (zone, &self.time))?,
            }
        }
        let mut metadata: Vec<&(usize, Vec<Value>)> = record.metadata.iter().collect();
        metadata.sort_by_key(|(column, _)| *column);
        for (column, values) in metadata {
            let column = (FIXED.len() + column) as u16;
            match &values[..] {
                [Value::Number(number)] => match exact(number) {
                    Some(number) => sheet.write_number(row, column, number).map(drop).map_err(failed)?,
                    None => put_text(sheet, row, column, number)?,
                },
                [Value::Time(moment, _)] => put_time(sheet, row, column, *moment, (zone, &self.time))?,
                [Value::Day(day, text)] => put_moment(sheet, row, column, day.at(0, 0, 0, 0), (text, &self.day))?,
                several => {
                    let texts: Vec<String> = several.iter().map(Value::text).collect();
                    put_text(sheet, row, column, &texts.join("; "))?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn end(mut self, out: &mut (dyn Write + Send)) -> Result<(), Error> {
        self.end_sheet()?;
        self.workbook.save_to_writer(out).map_err(failed)
    }
}

/// The number, if a cell keeps all of its digits; `None` for a long id, for example.
fn exact(number: &str) -> Option<f64> {
    const KEPT: usize = 15;
    let digits: String = number.split(['e', 'E']).take(1).flat_map(str::chars).filter(char::is_ascii_digit).collect();
    let value = number.parse::<f64>().ok().filter(|value| value.is_finite())?;
    (digits.trim_matches('0').len() <= KEPT).then_some(value)
}

fn put_text(sheet: &mut Worksheet, row: u32, column: u16, text: &str) -> Result<(), Error> {
    if text.is_empty() { Ok(()) } else { sheet.write_string(row, column, cut(text)).map(drop).map_err(failed) }
}

fn put_time(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    moment: Timestamp,
    (zone, format): (&TimeZone, &Format),
) -> Result<(), Error> {
    let local = moment.to_zoned_datetime(zone.clone()).datetime();
    put_moment(sheet, row, column, local, (&moment.to_string(), format))
}

/// Times before 1900 are written as text, because workbooks don't have them.
fn put_moment(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    at: DateTime,
    (text, format): (&str, &Format),
) -> Result<(), Error> {
    match excel(at) {
        Some(at) => sheet.write_datetime_with_format(row, column, at, format).map(drop).map_err(failed),
        None => put_text(sheet, row, column, text),
    }
}

fn excel(at: DateTime) -> Option<ExcelDateTime> {
    let part = |part: i8| u8::try_from(part).ok();
    let day = ExcelDateTime::from_ymd(u16::try_from(at.year()).ok()?, part(at.month())?, part(at.day())?).ok()?;
    day.and_hms(u16::from(part(at.hour())?), part(at.minute())?, f64::from(at.second())).ok()
}

/// A text cut to the longest that a cell can hold.
fn cut(text: &str) -> String {
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units >= LONGEST
    });
    end.map_or_else(|| text.to_owned(), |(at, _)| format!("{}…", &text[..at]))
}

/// Builds a workbook. The library panics if its temporary file can't be written; that becomes a disk error.
pub(super) fn catching_panics<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let (here, usual) = (std::thread::current().id(), Arc::new(panic::take_hook()));
    let others = Arc::clone(&usual);
    panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() != here {
            others(info);
        }
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(Box::new(move |info| usual(info)));
    result.unwrap_or_else(|panic| Err(panic_error(panic.downcast_ref::<String>().map_or("", String::as_str))))
}

fn panic_error(message: &str) -> Error {
    if message.contains(WRITE_ERROR) {
        let error = io::Error::new(io::ErrorKind::StorageFull, "its disk is full");
        return Error::Temporary(std::env::temp_dir(), error);
    }
    Error::Workbook(message.to_owned())
}

/// Finds an I/O error among the causes of a workbook's error, so that it counts as a disk error.
fn failed(error: XlsxError) -> Error {
    let error = match error {
        XlsxError::IoError(error) => return Error::Write(error),
        XlsxError::TempFileError(folder, error) => return Error::Temporary(folder, error),
        other => other,
    };
    let mut causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    match causes.find_map(|cause| cause.downcast_ref::<io::Error>()) {
        Some(cause) => Error::Write(io::Error::new(cause.kind(), error.to_string())),
        None => Error::Workbook(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use zip::ZipArchive;

    use super::*;
    use crate::{model::Sha256, state::Catalogued};

    fn document(name: &str) -> Catalogued {
        Catalogued {
            document: "d".to_owned(),
            version: "v".to_owned(),
            binder: "b".to_owned(),
            file_name: name.to_owned(),
            path: format!("B/{name}"),
            size: 7,
            sha256: Sha256::new([0; 32]),
            mtime: -5_000_000_000_000_000_000,
            mirrored_at: 1_793_669_400,
            metadata: None,
        }
    }

    /// The parts of a workbook of some documents, with this many rows per sheet.
    fn parts(names: &[&str], rows: u32) -> ZipArchive<Cursor<Vec<u8>>> {
        let mut workbook =
            WorkbookWriter::with_rows(TimeZone::UTC, &["Datum".to_owned(), "=x".to_owned()], rows).unwrap();
        for name in names {
            let document = document(name);
            let day = Value::Day("2026-11-03".parse().unwrap(), "2026-11-03".to_owned());
            let text = Value::Text("=1+1".to_owned());
            let metadata = vec![(1, vec![text]), (0, vec![day])];
            workbook.row(&Record { document: &document, binder: "B", version_label: None, metadata }).unwrap();
        }
        let mut bytes = Vec::new();
        workbook.end(&mut bytes).unwrap();
        ZipArchive::new(Cursor::new(bytes)).unwrap()
    }

    fn part(archive: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str) -> Option<String> {
        let mut text = String::new();
        archive.by_name(name).ok()?.read_to_string(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn texts_are_texts_and_times_are_times() {
        let mut archive = parts(&["=1+1.txt"], ROWS);
        let sheet = part(&mut archive, "xl/worksheets/sheet1.xml").unwrap();
        assert!(!sheet.contains("<f>") && sheet.contains("=1+1.txt</t>") && sheet.contains("=1+1</t>"), "{sheet}");
        // A date is a number with a format; a time before 1900 is a text.
        assert!(sheet.contains("<v>46329</v>") && sheet.contains("1811-07-23T15:06:40Z</t>"), "{sheet}");
        assert!(sheet.contains("state=\"frozen\"") && sheet.contains("<autoFilter ref=\"A1:M2\"/>"), "{sheet}");
    }

    #[test]
    fn rows_beyond_the_limit_continue_in_the_next_sheet() {
        let mut archive = parts(&["1", "2", "3"], 3);
        let sheets: Vec<String> =
            (1..=3).filter_map(|n| part(&mut archive, &format!("xl/worksheets/sheet{n}.xml"))).collect();
        assert_eq!(sheets.iter().map(|sheet| sheet.matches("<row ").count()).collect::<Vec<_>>(), [3, 2]);
        assert!(sheets[1].contains(">path</t>") && sheets[1].contains(">B/3</t>"), "{}", sheets[1]);
        assert!(part(&mut archive, "xl/workbook.xml").unwrap().contains("\"Documents 2\""));
    }

    #[test]
    fn numbers_with_too_many_digits_become_texts() {
        for (number, value) in [
            ("123456789012345", Some(123_456_789_012_345.0)),
            ("1234567890123456", None),
            ("-12345678901234567890.123", None),
            ("1500000000000000000000", Some(1.5e21)),
            ("0.00000000000000000015", Some(1.5e-19)),
            ("1e308", Some(1e308)),
            ("1e999", None),
            ("0", Some(0.0)),
        ] {
            assert_eq!(exact(number), value, "{number}");
        }
    }

    #[test]
    fn a_full_disk_is_an_error_of_the_temporary_folder() {
        let panic_error = |message: &str| catching_panics::<()>(|| std::panic::panic_any(message.to_owned()));
        let error = panic_error("Couldn't write to xml file: No space left on device").unwrap_err();
        assert!(matches!(&error, Error::Temporary(_, e) if e.kind() == io::ErrorKind::StorageFull), "{error}");
        assert!(matches!(panic_error("a fault").unwrap_err(), Error::Workbook(text) if text.contains("a fault")));
        assert_eq!(catching_panics(|| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn long_texts_fit_their_cells() {
        for (text, units) in [("x".repeat(40_000), 32_767), ("😀".repeat(20_000), 32_767), ("x".repeat(32_766), 32_766)]
        {
            assert!(cut(&text).encode_utf16().count() <= units, "{}", text.len());
        }
        assert_eq!(cut("kort"), "kort");
        assert!(cut(&"x".repeat(40_000)).ends_with('…'));
        parts(&[&"å".repeat(50_000)], ROWS);
    }
}
