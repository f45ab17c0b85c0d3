//! What `find` searches: the documents of the mirror and those that were removed.

use rusqlite::{OptionalExtension as _, Row};

use super::{Error, PastDocument, Reader, history::mirrored};

/// A document with all that is searched.
#[derive(Debug, Clone, Copy)]
pub struct Searchable<'r> {
    /// Its row: of a document, or of the version with which it was removed.
    pub row: DocumentKey,
    /// Its binder's id.
    pub binder: &'r str,
    /// The path of its file, or its last path.
    pub path: &'r str,
    /// Its name at the service.
    pub file_name: &'r str,
    /// The last run that changed its version, place or metadata, or removed it.
    pub run: i64,
    /// Its metadata as the service sent them.
    pub metadata: Option<&'r str>,
}

/// A document's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKey {
    /// In the tree.
    Present(i64),
    /// Removed from the tree.
    Removed(i64),
}

/// A document that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDocument {
    /// Its version, its file and where its bytes are.
    pub document: PastDocument,
    /// Its binder's id.
    pub binder: String,
    /// Its name at the service.
    pub file_name: String,
    /// When it was removed, in seconds since the epoch.
    pub removed_at: Option<i64>,
}

const PRESENT: &str = "
    SELECT d.number, d.binder, d.path, d.file_name, max(d.version_run, d.place_run, coalesce(m.run, 0)), m.json
    FROM documents d LEFT JOIN metadata m ON m.document = d.number ORDER BY d.path_key";

const REMOVED: &str = "
    SELECT v.number, v.binder, v.path, v.file_name, v.ended_run,
        (SELECT m.json FROM past_metadata m WHERE m.document = v.document ORDER BY m.ended_run DESC, m.number DESC LIMIT 1)
    FROM past_versions v
    WHERE v.cause = 'removed' AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = v.document)
        AND NOT EXISTS (SELECT 1 FROM past_versions w
            WHERE w.document = v.document AND w.cause = 'removed' AND w.number > v.number)
    ORDER BY v.path";

const ONE_PRESENT: &str = "
    SELECT d.id, d.version, d.path, d.size, d.sha256, d.mtime, d.path, d.inode, d.size, d.mtime, 0, NULL, 0,
        d.binder, d.file_name, NULL
    FROM documents d WHERE d.number = ?1";

const ONE_REMOVED: &str = "
    SELECT v.document, v.version, v.path, coalesce(v.version_size, v.size), v.sha256, v.mtime, NULL, NULL, NULL, NULL,
        EXISTS (SELECT 1 FROM past_versions h WHERE h.held_sha256 = v.sha256), v.held_sha256, v.freed_run IS NOT NULL,
        v.binder, v.file_name, v.ended_at
    FROM past_versions v WHERE v.number = ?1 AND v.cause = 'removed'";

impl Reader<'_> {
    /// Calls `each` for every document in the order of normalised paths, then for every removed one in that of paths.
    pub fn searchable<E: From<Error>>(&self, mut each: impl FnMut(&Searchable<'_>) -> Result<(), E>) -> Result<(), E> {
        for (query, key) in [(PRESENT, DocumentKey::Present as fn(i64) -> _), (REMOVED, DocumentKey::Removed)] {
            let mut statement = self.0.prepare_cached(query).map_err(Error::from)?;
            let mut rows = statement.query([]).map_err(Error::from)?;
            while let Some(row) = rows.next().map_err(Error::from)? {
                each(&searchable(row, key)?)?;
            }
        }
        Ok(())
    }

    /// The run that last changed what is searched; its id also tells states apart. Empty before the first change.
    pub fn searchable_since(&self) -> Result<String, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT coalesce((SELECT id FROM runs WHERE number = CAST(s.value AS INTEGER)), s.value)
             FROM settings s WHERE s.key = 'changed_run'",
        )?;
        Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or_default())
    }

    /// Calls `each` with the binder, the id and the name of every tab and folder.
    pub fn folder_names(&self, mut each: impl FnMut(&str, &str, &str)) -> Result<(), Error> {
        let mut statement =
            self.0.prepare_cached("SELECT binder, id, name FROM folders WHERE known = 1 ORDER BY binder, id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(text(row, 0)?, text(row, 1)?, text(row, 2)?);
        }
        Ok(())
    }

    /// A document that was found; `None` if its row is gone.
    pub fn found(&self, key: DocumentKey) -> Result<Option<FoundDocument>, Error> {
        let (query, number) = match key {
            DocumentKey::Present(number) => (ONE_PRESENT, number),
            DocumentKey::Removed(number) => (ONE_REMOVED, number),
        };
        let mut statement = self.0.prepare_cached(query)?;
        let mut rows = statement.query([number])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (document, binder, file_name, removed_at) = (mirrored(row)?, row.get(13)?, row.get(14)?, row.get(15)?);
        Ok(Some(FoundDocument { document, binder, file_name, removed_at }))
    }
}

fn searchable<'r>(row: &'r Row<'_>, key: fn(i64) -> DocumentKey) -> Result<Searchable<'r>, Error> {
    Ok(Searchable {
        row: key(row.get(0)?),
        binder: text(row, 1)?,
        path: text(row, 2)?,
        file_name: text(row, 3)?,
        run: row.get(4)?,
        metadata: row.get_ref(5)?.as_str_or_null().map_err(|e| Error::InvalidValue(e.to_string()))?,
    })
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, Error> {
    row.get_ref(column)?.as_str().map_err(|e| Error::InvalidValue(e.to_string()))
}
