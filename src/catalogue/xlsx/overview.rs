//! The sheet of binders, and that of what changed.

use jiff::Timestamp;

use super::{
    WorkbookWriter, file_of, folder_of, links,
    table::{Row, Table},
};
use crate::{
    catalogue::{error::Error, record::first_step},
    report::ChangeKind,
};

/// Columns of the sheet of binders, in English and Swedish. The two before the id are known of the present only.
const OF_BINDERS: [(&str, &str); 7] = [
    ("Binder", "Pärm"),
    ("Documents", "Dokument"),
    ("Size (bytes)", "Storlek (byte)"),
    ("Last document mirrored", "Senaste dokument speglat"),
    ("Listing certified", "Listan bekräftad"),
    ("No access since", "Ingen åtkomst sedan"),
    ("Binder id", "Pärm-id"),
];

/// Columns of the sheet of changes.
const OF_CHANGES: [(&str, &str); 8] = [
    ("Change", "Ändring"),
    ("Document", "Dokument"),
    ("Binder", "Pärm"),
    ("Folder", "Mapp"),
    ("Before", "Tidigare"),
    ("Size (bytes)", "Storlek (byte)"),
    ("Document id", "Dokument-id"),
    ("Binder id", "Pärm-id"),
];

impl WorkbookWriter<'_> {
    /// Adds the sheets, which are filled at the end.
    pub(super) fn begin_overview(&mut self) -> Result<(), Error> {
        self.binders = Some(self.begin_table(("Binders", "Pärmar"), &OF_BINDERS, "")?);
        if let Some(changes) = &self.options.changes {
            let zone = self.options.zone.clone();
            let since = changes.since.map(|at| at.to_zoned_datetime(zone).strftime("%Y-%m-%d").to_string());
            let since = since.map(|day| format!(" {} {day}", self.pick("since", "sedan"))).unwrap_or_default();
            self.changes = Some(self.begin_table(("Changes", "Ändringar"), &OF_CHANGES, &since)?);
        }
        Ok(())
    }

    /// A table; the first column's name goes on with `more`.
    fn begin_table(
        &mut self,
        (english, swedish): (&'static str, &'static str),
        columns: &[(&'static str, &'static str)],
        more: &str,
    ) -> Result<Table, Error> {
        let name = self.names.take(self.pick(english, swedish));
        let mut heading: Vec<String> = columns.iter().map(|(en, sv)| self.pick(en, sv).to_owned()).collect();
        if let Some(first) = heading.first_mut() {
            first.push_str(more);
        }
        Table::begin(&mut self.workbook, &self.styles, &name, &heading)
    }

    /// Fills the sheets.
    pub(super) fn end_overview(&mut self) -> Result<(), Error> {
        if let Some(mut table) = self.binders.take() {
            self.fill_binders(&mut table)?;
            table.end(&mut self.workbook)?;
        }
        if let Some(mut table) = self.changes.take() {
            self.fill_changes(&mut table)?;
            table.end(&mut self.workbook)?;
        }
        Ok(())
    }

    fn fill_binders(&mut self, table: &mut Table) -> Result<(), Error> {
        let time = |row: &mut Row<'_>, seconds: Option<i64>| match seconds.and_then(|s| Timestamp::from_second(s).ok())
        {
            Some(at) => row.time(at),
            None => row.text(""),
        };
        for section in self.sections.iter().filter(|section| !section.id.is_empty()) {
            let known = self.source.known.iter().find(|binder| binder.id == section.id);
            let mut row = table.row(&mut self.workbook, &self.styles)?;
            row.link(&section.name, Some(links::to_sheet(&section.sheet)))?;
            row.count(section.documents)?;
            row.count(section.bytes)?;
            row.time(section.newest)?;
            time(&mut row, known.and_then(|binder| binder.certified.as_ref()).map(|(_, at)| *at))?;
            time(&mut row, known.and_then(|binder| binder.lost.as_ref()).map(|(_, at)| *at))?;
            row.id(&section.id)?;
        }
        Ok(())
    }

    fn fill_changes(&mut self, table: &mut Table) -> Result<(), Error> {
        let documents = self.options.changes.as_ref().map(|changes| &changes.documents[..]).unwrap_or_default();
        for (n, (change, binder)) in documents.iter().enumerate() {
            let link = if change.kind == ChangeKind::Removed { None } else { self.link(&change.path) };
            let mut row = table.row(&mut self.workbook, &self.styles)?;
            if row.is_last(self.rows) {
                return row.text(&format!("+ {}", self.options.language.documents((documents.len() - n) as u64)));
            }
            row.text(self.options.language.change(change.kind))?;
            row.link(file_of(&change.path), link)?;
            row.text(self.source.names.get(binder).map_or_else(|| first_step(&change.path), String::as_str))?;
            row.text(&folder_of(&change.path))?;
            row.text(change.from.as_deref().unwrap_or_default())?;
            row.count(change.size)?;
            [&change.document_id, binder].into_iter().try_for_each(|id| row.id(id))?;
        }
        Ok(())
    }
}
