//! Intents, and partial downloads.

use std::collections::HashSet;

use rusqlite::params;

use super::{Error, Reader, Writer, documents::id};
use crate::model::{DocumentId, Intent, Particulars, VersionId};

/// An intent that is committed and not yet recorded as done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingIntent {
    /// Its row; intents are carried out in this order.
    pub number: i64,
    /// The intent.
    pub intent: Intent,
}

/// A partial download that a later run can resume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// Its path below `tmp/`.
    pub name: String,
    /// The strong `ETag` of the complete blob.
    pub etag: String,
    /// The announced size of the complete blob.
    pub total: Option<u64>,
    /// The announced MD5 of the complete blob.
    pub md5: Option<[u8; 16]>,
    /// The announced content type.
    pub content_type: Option<String>,
}

impl Reader<'_> {
    /// The intents that a crash left, in order.
    pub fn intents(&self) -> Result<Vec<PendingIntent>, Error> {
        let mut statement = self.0.prepare_cached("SELECT number, body FROM intents ORDER BY number")?;
        let rows = statement.query_and_then([], |row| -> Result<_, Error> {
            let body: String = row.get(1)?;
            let intent = serde_json::from_str(&body).map_err(|e| Error::InvalidValue(format!("an intent: {e}")))?;
            Ok(PendingIntent { number: row.get(0)?, intent })
        })?;
        rows.collect()
    }

    /// The partial download of a version, if one was kept.
    pub fn partial(&self, document: &DocumentId, version: &VersionId) -> Result<Option<Partial>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT name, etag, total, md5, content_type FROM partials WHERE document = ?1 AND version = ?2",
        )?;
        let mut rows = statement.query([document.as_str(), version.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let total = row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned);
        let (name, etag, md5, content_type) = (row.get(0)?, row.get(1)?, row.get(3)?, row.get(4)?);
        Ok(Some(Partial { name, etag, total, md5, content_type }))
    }

    /// Versions with a partial download: few, since each run deletes those that it doesn't need.
    pub fn partials(&self) -> Result<HashSet<VersionId>, Error> {
        let mut statement = self.0.prepare_cached("SELECT version FROM partials")?;
        let rows = statement.query_and_then([], |row| id(&row.get::<_, String>(0)?, VersionId::parse))?;
        rows.collect()
    }

    /// Names of all partial downloads below `tmp/`.
    pub fn partial_names(&self) -> Result<Vec<String>, Error> {
        let mut statement = self.0.prepare_cached("SELECT name FROM partials")?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Records an intent. Metadata are left out because they are its larger part; if a crash keeps them from the row, the
    /// next listing has them.
    pub fn begin(&self, intent: &Intent) -> Result<i64, Error> {
        let Particulars { binder, folder, file_name, version, .. } = intent.particulars.clone();
        let particulars = Particulars { binder, folder, file_name, version, metadata: None };
        let Intent { document, path, step, .. } = intent;
        let intent = Intent { document: document.clone(), path: path.clone(), step: step.clone(), particulars };
        let body = serde_json::to_string(&intent).map_err(|e| Error::InvalidValue(format!("an intent: {e}")))?;
        self.0.prepare_cached("INSERT INTO intents (body) VALUES (?1)")?.execute([body])?;
        Ok(self.0.last_insert_rowid())
    }

    /// Deletes an intent that was carried out or abandoned.
    pub fn end(&self, number: i64) -> Result<(), Error> {
        self.0.prepare_cached("DELETE FROM intents WHERE number = ?1")?.execute([number])?;
        Ok(())
    }

    /// Records that a partial download was kept.
    pub fn keep_partial(&self, document: &DocumentId, version: &VersionId, partial: &Partial) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT OR REPLACE INTO partials (document, version, name, etag, total, md5, content_type)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                document.as_str(),
                version.as_str(),
                partial.name,
                partial.etag,
                partial.total.map(u64::cast_signed),
                partial.md5,
                partial.content_type
            ])?;
        Ok(())
    }

    /// Forgets a partial download.
    pub fn drop_partial(&self, document: &DocumentId, version: &VersionId) -> Result<(), Error> {
        self.0
            .prepare_cached("DELETE FROM partials WHERE document = ?1 AND version = ?2")?
            .execute([document.as_str(), version.as_str()])?;
        Ok(())
    }

    /// Forgets all partial downloads.
    pub fn drop_partials(&self) -> Result<(), Error> {
        self.0.execute("DELETE FROM partials", [])?;
        Ok(())
    }
}
