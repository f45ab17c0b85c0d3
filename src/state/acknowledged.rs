//! Versions that a user acknowledged as missing.

use std::collections::HashMap;

use rusqlite::params;

use super::{Error, Reader, Writer, documents::id};
use crate::model::{DocumentId, VersionId};

impl Reader<'_> {
    /// The version of each document whose absence was acknowledged.
    pub fn acknowledged(&self) -> Result<HashMap<DocumentId, VersionId>, Error> {
        let mut statement = self.0.prepare("SELECT document, version FROM acknowledged")?;
        let rows = statement.query_and_then([], |row| -> Result<_, Error> {
            Ok((id(&row.get::<_, String>(0)?, DocumentId::parse)?, id(&row.get::<_, String>(1)?, VersionId::parse)?))
        })?;
        rows.collect()
    }
}

impl Writer<'_> {
    /// Records that a version may be missing, so its failure is no longer pending.
    pub fn acknowledge(&self, run: i64, document: &DocumentId, version: &VersionId) -> Result<(), Error> {
        self.0.execute(
            "INSERT OR REPLACE INTO acknowledged (document, version, run, acknowledged_at) VALUES (?1, ?2, ?3, ?4)",
            params![document.as_str(), version.as_str(), run, self.now()],
        )?;
        self.0.execute("DELETE FROM failures WHERE document = ?1", [document.as_str()])?;
        Ok(())
    }

    /// Called when the document has another version or was mirrored.
    pub fn end_acknowledgement(&self, document: &DocumentId) -> Result<(), Error> {
        self.0.execute("DELETE FROM acknowledged WHERE document = ?1", [document.as_str()])?;
        Ok(())
    }
}
