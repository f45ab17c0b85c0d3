//! Metadata of documents, and those they had before.

use rusqlite::params;
use sha2::{Digest as _, Sha256 as Hasher};

use super::{Error, Writer};
use crate::model::{DocumentId, Particulars};

/// A short hash that shows whether metadata changed.
pub fn metadata_hash(metadata: Option<&str>) -> Option<[u8; 8]> {
    let digest: [u8; 32] = Hasher::digest(metadata?.as_bytes()).into();
    digest.first_chunk().copied()
}

impl Writer<'_> {
    /// Records changed metadata.
    pub fn touch_metadata(&self, run: i64, id: &DocumentId, p: &Particulars) -> Result<(), Error> {
        let Some(metadata) = p.metadata.as_deref() else { return Ok(()) };
        let changed = self
            .0
            .prepare_cached("UPDATE documents SET metadata_hash = ?2 WHERE id = ?1 AND metadata_hash IS NOT ?2")?
            .execute(params![id.as_str(), metadata_hash(Some(metadata))])?;
        if changed > 0 && !self.same_metadata(id, metadata)? { self.metadata_changed(run, id, p) } else { Ok(()) }
    }

    /// Whether metadata are equal to the stored ones, apart from the order of fields.
    fn same_metadata(&self, id: &DocumentId, metadata: &str) -> Result<bool, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT json FROM metadata WHERE document = (SELECT number FROM documents WHERE id = ?1)",
        )?;
        let mut rows = statement.query([id.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(false) };
        let last: String = row.get(0)?;
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        Ok(read(&last).is_some_and(|last| read(metadata) == Some(last)))
    }

    pub(super) fn metadata_changed(&self, run: i64, id: &DocumentId, p: &Particulars) -> Result<(), Error> {
        self.end_metadata(run, id)?;
        self.0
            .prepare_cached(
                "INSERT OR REPLACE INTO metadata (document, run, changed_at, json)
                 SELECT number, ?2, ?3, ?4 FROM documents WHERE id = ?1",
            )?
            .execute(params![id.as_str(), run, self.now(), p.metadata])?;
        Ok(())
    }

    /// Moves a document's metadata into the history.
    pub(super) fn end_metadata(&self, run: i64, id: &DocumentId) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT INTO past_metadata (document, first_run, ended_run, changed_at, json)
                 SELECT ?1, run, ?2, changed_at, json FROM metadata
                 WHERE document = (SELECT number FROM documents WHERE id = ?1) AND run < ?2",
            )?
            .execute(params![id.as_str(), run])?;
        Ok(())
    }
}
