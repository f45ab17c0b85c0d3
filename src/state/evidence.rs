//! Downloaded bytes that may be a stand-in: those held back, and those accepted provisionally.

use std::{collections::HashSet, rc::Rc};

use rusqlite::{params, types::Value};

use super::{
    Error, Reader, Writer,
    documents::{id, sha256},
};
use crate::model::{ClockReading, DocumentId, Sha256, VersionId};

/// A provisionally accepted version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisional {
    /// The document.
    pub document: DocumentId,
    /// The version.
    pub version: VersionId,
    /// Its hash.
    pub sha256: Sha256,
    /// When it was accepted.
    pub accepted_at: ClockReading,
    /// How many downloads since then had the same bytes.
    pub passed: usize,
}

/// Reads both clocks from adjacent columns.
fn reading(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<ClockReading> {
    Ok(ClockReading { ours: row.get(at)?, service: row.get(at + 1)? })
}

impl Reader<'_> {
    /// Since when bytes of a version are held back; `None` if no bytes or other bytes are.
    pub fn held_back_since(
        &self,
        document: &DocumentId,
        version: &VersionId,
        hash: &Sha256,
    ) -> Result<Option<ClockReading>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT first_at, first_at_service FROM suspects WHERE document = ?1 AND version = ?2 AND sha256 = ?3",
        )?;
        let mut rows = statement.query(params![document.as_str(), version.as_str(), hash.as_bytes()])?;
        Ok(rows.next()?.map(|row| reading(row, 0)).transpose()?)
    }

    /// The names under which bytes were mirrored before a run, other than provisionally. Scans all rows, so it is only
    /// called for suspects.
    pub fn names_of(&self, hashes: &HashSet<Sha256>, run: i64) -> Result<HashSet<(Sha256, String)>, Error> {
        let wanted = Rc::new(hashes.iter().map(|hash| Value::Blob(hash.as_bytes().to_vec())).collect::<Vec<_>>());
        let mut statement = self.0.prepare_cached(
            "SELECT d.sha256, d.file_name FROM documents d WHERE d.sha256 IN (SELECT value FROM rarray(?1)) AND d.version_run < ?2
                 AND NOT EXISTS (SELECT 1 FROM provisional p WHERE p.document = d.id AND p.sha256 = d.sha256)
             UNION
             SELECT v.sha256, v.file_name FROM past_versions v WHERE v.sha256 IN (SELECT value FROM rarray(?1)) AND v.first_run < ?2
                 AND NOT EXISTS (SELECT 1 FROM provisional p WHERE p.document = v.document AND p.sha256 = v.sha256)",
        )?;
        let rows = statement.query_and_then(params![wanted, run], |row| -> Result<_, Error> {
            Ok((sha256(row.get_ref(0)?.as_blob().map_err(|e| Error::InvalidValue(e.to_string()))?)?, row.get(1)?))
        })?;
        rows.collect()
    }

    /// Every provisionally accepted version.
    pub fn provisional(&self) -> Result<Vec<Provisional>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT p.document, p.version, p.sha256, p.passed, p.accepted_at, p.accepted_at_service FROM provisional p
             JOIN documents d ON d.id = p.document AND d.version = p.version AND d.sha256 = p.sha256",
        )?;
        let rows = statement.query_and_then([], |row| -> Result<_, Error> {
            Ok(Provisional {
                document: id(&row.get::<_, String>(0)?, DocumentId::parse)?,
                version: id(&row.get::<_, String>(1)?, VersionId::parse)?,
                sha256: sha256(row.get_ref(2)?.as_blob().map_err(|e| Error::InvalidValue(e.to_string()))?)?,
                accepted_at: reading(row, 4)?,
                passed: usize::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
            })
        })?;
        rows.collect()
    }

    /// Whether a document's current version was accepted provisionally.
    pub fn is_provisional(&self, document: &DocumentId) -> Result<bool, Error> {
        Ok(self.0.prepare_cached("SELECT 1 FROM provisional WHERE document = ?1")?.exists([document.as_str()])?)
    }
}

impl Writer<'_> {
    /// Records that bytes of a version are held back.
    pub fn hold_back(
        &self,
        run: i64,
        document: &DocumentId,
        version: &VersionId,
        hash: &Sha256,
        since: ClockReading,
    ) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT OR REPLACE INTO suspects (document, version, sha256, first_at, first_at_service, last_run)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![document.as_str(), version.as_str(), hash.as_bytes(), since.ours, since.service, run])?;
        Ok(())
    }

    /// Records that a version was accepted provisionally, or was downloaded again and is the same.
    pub fn accept_for_now(&self, row: &Provisional) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT OR REPLACE INTO provisional (document, version, sha256, accepted_at, accepted_at_service, passed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                row.document.as_str(),
                row.version.as_str(),
                row.sha256.as_bytes(),
                row.accepted_at.ours,
                row.accepted_at.service,
                i64::try_from(row.passed).unwrap_or(i64::MAX)
            ])?;
        Ok(())
    }

    /// Records that a document's version has passed all checks.
    pub fn accept_for_good(&self, document: &DocumentId) -> Result<(), Error> {
        self.0.prepare_cached("DELETE FROM provisional WHERE document = ?1")?.execute([document.as_str()])?;
        Ok(())
    }

    /// Deletes suspects that a run did not see again, and provisional versions that have been replaced.
    pub fn tidy_evidence(&self, run: i64) -> Result<(), Error> {
        self.0.execute("DELETE FROM suspects WHERE last_run < ?1", [run])?;
        self.0.execute(
            "DELETE FROM provisional WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = provisional.document
                 AND d.version = provisional.version AND d.sha256 = provisional.sha256)",
            [],
        )?;
        Ok(())
    }
}
