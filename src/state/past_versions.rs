//! Versions that were replaced or removed, and their bytes.

use rusqlite::params;

use super::{Error, Reader, Writer, documents::sha256};
use crate::model::{DocumentId, Outgoing, Sha256, VersionId};

/// An old version whose bytes are in `objects/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldVersion {
    /// The hash of the bytes.
    pub sha256: Sha256,
    /// The modification time of its file.
    pub mtime: i64,
}

impl Reader<'_> {
    /// Whether bytes of any old version are kept.
    pub fn holds_any(&self) -> Result<bool, Error> {
        Ok(self.0.prepare_cached("SELECT 1 FROM held_counts LIMIT 1")?.exists([])?)
    }

    /// How many old versions are kept.
    pub fn held_count(&self) -> Result<u64, Error> {
        let held: i64 = self.0.query_row("SELECT coalesce(sum(held), 0) FROM held_counts", [], |row| row.get(0))?;
        Ok(held.unsigned_abs())
    }

    /// Whether a version was in the tree before, and was replaced or removed.
    pub fn was_version(&self, document: &DocumentId, version: &VersionId) -> Result<bool, Error> {
        let mut statement =
            self.0.prepare_cached("SELECT 1 FROM past_versions WHERE document = ?1 AND version = ?2 LIMIT 1")?;
        Ok(statement.exists([document.as_str(), version.as_str()])?)
    }

    /// The object with a version's bytes, if it is kept unchanged.
    pub fn held(&self, document: &DocumentId, version: &VersionId) -> Result<Option<HeldVersion>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT held_sha256, mtime FROM past_versions WHERE document = ?1 AND version = ?2 AND held_sha256 = sha256 ORDER BY number DESC LIMIT 1",
        )?;
        let mut rows = statement.query([document.as_str(), version.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(HeldVersion { sha256: sha256(&row.get::<_, Vec<u8>>(0)?)?, mtime: row.get(1)? }))
    }
}

impl Writer<'_> {
    /// Records that the version in a document's row left the tree. Its bytes are kept, unless its file was missing. `next`
    /// replaces it: if that is the same version with the same bytes, the file was only restored and no version ended. If
    /// the file had been edited before, its bytes become a version that was there in no run.
    pub fn end_version(
        &self,
        run: i64,
        id: &DocumentId,
        held: Option<&Outgoing>,
        next: Option<(&VersionId, &Sha256)>,
    ) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT INTO past_versions (document, version, binder, folder, file_name, path, sha256, held_sha256, size,
                     version_size, mtime, place_run, first_run, mirrored_at, ended_run, ended_at, cause)
                 SELECT id, version, binder, folder, file_name, path, sha256, ?2, coalesce(?3, size),
                     iif(?3 <> size, size, NULL), mtime, place_run,
                     iif(version IS ?7 AND sha256 IS ?8, ?4, version_run), mirrored_at, ?4, ?5, ?6
                 FROM documents WHERE id = ?1 AND (?2 IS NOT NULL OR version IS NOT ?7 OR sha256 IS NOT ?8)",
            )?
            .execute(params![
                id.as_str(),
                held.map(|h| h.sha256.as_bytes().to_vec()),
                held.map(|h| h.stamp.size.cast_signed()),
                run,
                self.now(),
                if next.is_some() { "replaced" } else { "removed" },
                next.map(|(version, _)| version.as_str()),
                next.map(|(_, sha256)| sha256.as_bytes().to_vec())
            ])?;
        Ok(())
    }
}
