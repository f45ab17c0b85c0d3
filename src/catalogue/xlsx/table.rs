//! A sheet with a heading and rows, which are written from top to bottom.
//!
//! The heading and the first column stay in place, and every column has a filter. Widths follow the content.

use jiff::{Timestamp, tz::TimeZone};
use rust_xlsxwriter::{Format, Url, Workbook, Worksheet};

use super::{
    cells::{cut, exact, moment},
    failure::failed,
};
use crate::catalogue::{error::Error, value::Value};

/// Links of a sheet: Excel's limit.
const LINKS: u32 = 65_530;

/// Excel's number of the paper.
const A4: u8 = 9;

/// Widths of columns in characters.
const NARROWEST: usize = 9;
const WIDEST: usize = 48;
const TIME: usize = 17;
const NUMBER: usize = 12;

/// How cells look.
pub(super) struct Styles {
    heading: Format,
    link: Format,
    number: Format,
    time: Format,
    day: Format,
    zone: TimeZone,
}

impl Styles {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self {
            heading: Format::new().set_bold(),
            link: Format::new().set_hyperlink(),
            number: Format::new().set_num_format("#,##0"),
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            zone,
        }
    }
}

/// A sheet, and how far it is filled.
pub(super) struct Table {
    sheet: usize,
    next: u32,
    links: u32,
    widths: Vec<usize>,
}

impl Table {
    /// Adds a sheet with this heading.
    pub(super) fn begin(
        workbook: &mut Workbook,
        styles: &Styles,
        name: &str,
        heading: &[String],
    ) -> Result<Self, Error> {
        let number = workbook.worksheets().len();
        let sheet = workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_name(name).and_then(|sheet| sheet.set_freeze_panes(1, 1)).map_err(failed)?;
        sheet.set_landscape().set_paper_size(A4).set_repeat_rows(0, 0).map_err(failed)?;
        for (column, text) in (0..).zip(heading) {
            sheet.write_string_with_format(0, column, cut(text), &styles.heading).map_err(failed)?;
        }
        // The button of the filter covers the end of the text.
        let widths = heading.iter().map(|text| text.chars().count() + 4).collect();
        Ok(Self { sheet: number, next: 1, links: 0, widths })
    }

    /// How many rows it has, with the heading.
    pub(super) fn rows(&self) -> u32 {
        self.next
    }

    /// Begins the next row.
    pub(super) fn row<'t>(&'t mut self, workbook: &'t mut Workbook, styles: &'t Styles) -> Result<Row<'t>, Error> {
        let sheet = workbook.worksheet_from_index(self.sheet).map_err(failed)?;
        let number = self.next;
        self.next += 1;
        Ok(Row { sheet, table: self, styles, number, column: 0 })
    }

    /// Sets the filter over all rows, and the widths.
    pub(super) fn end(&self, workbook: &mut Workbook) -> Result<(), Error> {
        let sheet = workbook.worksheet_from_index(self.sheet).map_err(failed)?;
        for (column, width) in (0..).zip(&self.widths) {
            let width = u8::try_from((*width).clamp(NARROWEST, WIDEST)).unwrap_or(u8::MAX);
            sheet.set_column_width(column, width).map_err(failed)?;
        }
        let last = u16::try_from(self.widths.len().saturating_sub(1)).unwrap_or(u16::MAX);
        sheet.autofilter(0, 0, self.next - 1, last).map(drop).map_err(failed)
    }
}

/// A row that is filled from left to right.
pub(super) struct Row<'t> {
    sheet: &'t mut Worksheet,
    table: &'t mut Table,
    styles: &'t Styles,
    number: u32,
    column: u16,
}

impl Row<'_> {
    /// The column of the next cell, which is at least this wide.
    fn next(&mut self, width: usize) -> u16 {
        let column = self.column;
        self.column += 1;
        if let Some(known) = self.table.widths.get_mut(usize::from(column)) {
            *known = (*known).max(width);
        }
        column
    }

    /// Whether no row fits below it.
    pub(super) fn is_last(&self, rows: u32) -> bool {
        self.table.next >= rows
    }

    /// Goes to a column.
    pub(super) fn go_to(&mut self, column: usize) {
        self.column = u16::try_from(column).unwrap_or(u16::MAX);
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), Error> {
        let column = self.next(text.chars().take(WIDEST).count() + 1);
        self.put(column, text)
    }

    /// An id or a hash, which doesn't widen its column.
    pub(super) fn id(&mut self, text: &str) -> Result<(), Error> {
        let column = self.next(0);
        self.put(column, text)
    }

    fn put(&mut self, column: u16, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.sheet.write_string(self.number, column, cut(text)).map(drop).map_err(failed)
    }

    #[expect(clippy::cast_precision_loss, reason = "a workbook's numbers are floats")]
    pub(super) fn count(&mut self, count: u64) -> Result<(), Error> {
        let column = self.next(NUMBER);
        let style = &self.styles.number;
        self.sheet.write_number_with_format(self.number, column, count as f64, style).map(drop).map_err(failed)
    }

    pub(super) fn time(&mut self, at: Timestamp) -> Result<(), Error> {
        let local = at.to_zoned_datetime(self.styles.zone.clone()).datetime();
        match moment(local) {
            Some(local) => {
                let column = self.next(TIME);
                self.sheet
                    .write_datetime_with_format(self.number, column, local, &self.styles.time)
                    .map(drop)
                    .map_err(failed)
            }
            None => self.text(&at.to_string()),
        }
    }

    /// A text that leads somewhere, if it can and the sheet has room for one more link.
    pub(super) fn link(&mut self, text: &str, to: Option<Url>) -> Result<(), Error> {
        let Some(to) = to.filter(|_| self.table.links < LINKS && !text.is_empty()) else { return self.text(text) };
        self.table.links += 1;
        let column = self.next(text.chars().take(WIDEST).count() + 1);
        let style = &self.styles.link;
        self.sheet.write_url_with_options(self.number, column, to, cut(text), "", Some(style)).map(drop).map_err(failed)
    }

    /// The values of an element.
    pub(super) fn values(&mut self, values: &[Value]) -> Result<(), Error> {
        match values {
            [Value::Number(number)] => match exact(number) {
                Some(value) => {
                    let column = self.next(NUMBER);
                    self.sheet.write_number(self.number, column, value).map(drop).map_err(failed)
                }
                None => self.text(number),
            },
            [Value::Time(at, _)] => self.time(*at),
            [Value::Day(day, text)] => match moment(day.at(0, 0, 0, 0)) {
                Some(day) => {
                    let column = self.next(TIME);
                    self.sheet
                        .write_datetime_with_format(self.number, column, day, &self.styles.day)
                        .map(drop)
                        .map_err(failed)
                }
                None => self.text(text),
            },
            several => {
                let texts: Vec<String> = several.iter().map(Value::text).collect();
                self.text(&texts.join("; "))
            }
        }
    }
}
