//! Documents whose removal the cap withheld, and which of these removals a user confirmed.
//!
//! A row ends when its document is seen again, when it is removed, and when a run that looked everywhere doesn't find it
//! withheld any more.

use std::collections::HashSet;

use rusqlite::params;

use super::{Error, Reader, Writer, documents::id};
use crate::model::{BinderId, DocumentId};

/// A document whose removal waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithheldDocument {
    /// Its id.
    pub document: DocumentId,
    /// Its binder.
    pub binder: BinderId,
    /// The binder's name; the id if it is unknown.
    pub binder_name: String,
    /// Its file.
    pub path: String,
    /// The first run that withheld it, and when that run began.
    pub since: Option<(String, i64)>,
    /// Whether its binder listed nothing at all.
    pub lists_nothing: bool,
    /// Whether its removal is confirmed.
    pub confirmed: bool,
}

impl Reader<'_> {
    /// Every document whose removal waits, ordered by binder and path.
    pub fn withheld(&self) -> Result<Vec<WithheldDocument>, Error> {
        // An older state is read in place.
        if !self.0.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'withheld'")?.exists([])? {
            return Ok(Vec::new());
        }
        let mut statement = self.0.prepare(
            "SELECT w.document, d.binder, coalesce(b.name, d.binder), d.path, r.id, r.started_at, w.lists_nothing,
                 w.confirmed_run IS NOT NULL
             FROM withheld w JOIN documents d ON d.id = w.document
             LEFT JOIN binders b ON b.id = d.binder LEFT JOIN runs r ON r.number = w.since_run
             ORDER BY b.segment_key, d.binder, d.path_key, w.document",
        )?;
        let rows = statement.query_and_then([], |row| -> Result<_, Error> {
            let since: Option<String> = row.get(4)?;
            Ok(WithheldDocument {
                document: id(&row.get::<_, String>(0)?, DocumentId::parse)?,
                binder: id(&row.get::<_, String>(1)?, BinderId::parse)?,
                binder_name: row.get(2)?,
                path: row.get(3)?,
                since: since.map(|run| Ok::<_, Error>((run, row.get(5)?))).transpose()?,
                lists_nothing: row.get(6)?,
                confirmed: row.get(7)?,
            })
        })?;
        rows.collect()
    }

    /// The documents whose removal is confirmed.
    pub fn confirmed_removals(&self) -> Result<HashSet<DocumentId>, Error> {
        let mut statement = self.0.prepare("SELECT document FROM withheld WHERE confirmed_run IS NOT NULL")?;
        let rows = statement.query_and_then([], |row| id(&row.get::<_, String>(0)?, DocumentId::parse))?;
        rows.collect()
    }

    /// Every withheld document, and the number of its row if it is still mirrored.
    pub fn withheld_numbers(&self) -> Result<Vec<(DocumentId, Option<i64>)>, Error> {
        let mut statement =
            self.0.prepare("SELECT w.document, d.number FROM withheld w LEFT JOIN documents d ON d.id = w.document")?;
        let rows = statement.query_and_then([], |row| -> Result<_, Error> {
            Ok((id(&row.get::<_, String>(0)?, DocumentId::parse)?, row.get(1)?))
        })?;
        rows.collect()
    }
}

impl Writer<'_> {
    /// Records that a run withheld a removal. A binder that lists nothing ends a confirmation.
    pub fn withhold(&self, run: i64, document: &DocumentId, lists_nothing: bool) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT INTO withheld (document, since_run, last_run, lists_nothing) VALUES (?1, ?2, ?2, ?3)
                 ON CONFLICT (document) DO UPDATE SET last_run = ?2, lists_nothing = ?3,
                 confirmed_run = iif(?3, NULL, confirmed_run)",
            )?
            .execute(params![document.as_str(), run, lists_nothing])?;
        Ok(())
    }

    /// Records that a document is no longer withheld.
    pub fn end_withholding(&self, document: &DocumentId) -> Result<(), Error> {
        self.0.prepare_cached("DELETE FROM withheld WHERE document = ?1")?.execute([document.as_str()])?;
        Ok(())
    }

    /// Forgets the documents that a run which looked everywhere did not find withheld, with their confirmations.
    pub fn forget_withheld_before(&self, run: i64) -> Result<(), Error> {
        self.0.execute("DELETE FROM withheld WHERE last_run < ?1", [run])?;
        Ok(())
    }

    /// Confirms the removal of a withheld document.
    pub fn confirm_removal(&self, run: i64, document: &str) -> Result<(), Error> {
        self.0
            .prepare_cached("UPDATE withheld SET confirmed_run = ?2 WHERE document = ?1 AND NOT lists_nothing")?
            .execute(params![document, run])?;
        Ok(())
    }

    /// Ends every confirmation.
    pub fn forget_confirmations(&self) -> Result<(), Error> {
        self.0.execute("UPDATE withheld SET confirmed_run = NULL", [])?;
        Ok(())
    }
}
