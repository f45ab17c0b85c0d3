//! Mirrored documents.

use rusqlite::{Row, params};

use super::{Error, Reader, Writer, document_metadata::metadata_hash};
use crate::model::{BinderId, DocumentId, FolderId, Intent, Particulars, RelPath, Sha256, Stamp, VersionId};

/// A mirrored document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its row number; numbers are dense and never change.
    pub number: i64,
    /// Its id.
    pub id: DocumentId,
    /// The binder in which it was last listed.
    pub binder: BinderId,
    /// The folder in which it was last listed.
    pub folder: Option<FolderId>,
    /// Its name at the service.
    pub file_name: String,
    /// The path of its file.
    pub path: RelPath,
    /// The version in its file.
    pub version: VersionId,
    /// The file's stamp when it was published.
    pub stamp: Stamp,
    /// The hash of the version's bytes.
    pub sha256: Sha256,
    /// A short hash of its metadata.
    pub metadata_hash: Option<[u8; 8]>,
    /// The run that mirrored it first.
    pub first_run: i64,
}

/// What the mirror has at a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtPath {
    /// The document whose file it is.
    pub document: Option<DocumentId>,
    /// Whether documents' files lie below it.
    pub is_folder: bool,
}

impl Known {
    /// Its record for a change without a listing; metadata stay unchanged.
    pub fn particulars(&self) -> Particulars {
        Particulars {
            binder: self.binder.clone(),
            folder: self.folder.clone(),
            file_name: self.file_name.clone(),
            version: self.version.clone(),
            metadata: None,
        }
    }
}

pub(super) const COLUMNS: &str =
    "number, id, binder, folder, file_name, path, version, size, sha256, inode, mtime, metadata_hash, first_run";

impl Reader<'_> {
    /// Looks up one document.
    pub fn document(&self, id: &DocumentId) -> Result<Option<Known>, Error> {
        let mut statement = self.0.prepare_cached(&format!("SELECT {COLUMNS} FROM documents WHERE id = ?1"))?;
        let mut rows = statement.query_and_then([id.as_str()], known)?;
        rows.next().transpose()
    }

    /// The document whose file has a path, ignoring case and normalisation.
    pub fn owner(&self, path_key: &str) -> Result<Option<DocumentId>, Error> {
        let mut statement = self.0.prepare_cached("SELECT id FROM documents WHERE path_key = ?1")?;
        let mut rows = statement.query([path_key])?;
        rows.next()?.map(|row| id(&row.get::<_, String>(0)?, DocumentId::parse)).transpose()
    }

    /// What is at a path, ignoring case and normalisation.
    pub fn at_path(&self, path_key: &str) -> Result<AtPath, Error> {
        // '0' follows '/' in ASCII, so the range contains everything that begins with the folder and '/'.
        let mut statement = self.0.prepare_cached(
            "SELECT (SELECT id FROM documents WHERE path_key = ?1),
                 EXISTS (SELECT 1 FROM documents WHERE path_key > ?1 || '/' AND path_key < ?1 || '0')",
        )?;
        let mut rows = statement.query([path_key])?;
        let Some(row) = rows.next()? else { return Ok(AtPath::default()) };
        let document = row.get_ref(0)?.as_str_or_null().map_err(|e| Error::InvalidValue(e.to_string()))?;
        Ok(AtPath { document: document.map(|text| id(text, DocumentId::parse)).transpose()?, is_folder: row.get(1)? })
    }

    /// The documents whose files lie below a folder.
    pub fn documents_below(&self, folder_key: &str) -> Result<Vec<Known>, Error> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM documents WHERE path_key > ?1 || '/' AND path_key < ?1 || '0' ORDER BY number"
        ))?;
        let rows = statement.query_and_then([folder_key], known)?;
        rows.collect()
    }

    /// The number of mirrored documents, and the highest row number.
    pub fn extent(&self) -> Result<(u64, i64), Error> {
        // Both in one query would visit every row; alone, one counts pages and the other reads the last row.
        let both = "SELECT (SELECT count(*) FROM documents), coalesce((SELECT max(number) FROM documents), 0)";
        let row = self.0.query_row(both, [], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
        Ok((row.0.unsigned_abs(), row.1))
    }

    /// The number of mirrored documents in a binder.
    pub fn documents_in(&self, binder: &BinderId) -> Result<u64, Error> {
        let mut statement = self.0.prepare_cached("SELECT count(*) FROM documents WHERE binder = ?1")?;
        Ok(statement.query_row([binder.as_str()], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }

    /// A document by its row number.
    pub fn by_number(&self, number: i64) -> Result<Option<Known>, Error> {
        let mut statement = self.0.prepare_cached(&format!("SELECT {COLUMNS} FROM documents WHERE number = ?1"))?;
        let mut rows = statement.query_and_then([number], known)?;
        rows.next().transpose()
    }
}

impl Writer<'_> {
    /// Records that a document was published for the first time, or again after its removal.
    pub fn insert_document(
        &self,
        run: i64,
        intent: &Intent,
        key: &str,
        stamp: Stamp,
        hash: Sha256,
    ) -> Result<(), Error> {
        let p = &intent.particulars;
        self.evict(run, key, &intent.document)?;
        self.0
            .prepare_cached(
                "INSERT INTO documents (id, binder, folder, file_name, path, path_key, version, size, sha256, inode,
                     mtime, metadata_hash, first_run, version_run, place_run, mirrored_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?13, ?14)",
            )?
            .execute(params![
                intent.document.as_str(),
                p.binder.as_str(),
                p.folder.as_ref().map(FolderId::as_str),
                p.file_name,
                intent.path.as_str(),
                key,
                p.version.as_str(),
                stamp.size.cast_signed(),
                hash.as_bytes(),
                stamp.inode.cast_signed(),
                stamp.mtime,
                metadata_hash(p.metadata.as_deref()),
                run,
                self.now()
            ])?;
        if let Some(metadata) = &p.metadata {
            self.0
                .prepare_cached(
                    "INSERT OR REPLACE INTO metadata (document, run, changed_at, json) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![self.0.last_insert_rowid(), run, self.now(), metadata])?;
        }
        Ok(())
    }

    /// Records that a document's file has another version, or the same one again.
    pub fn replace_document(&self, run: i64, intent: &Intent, stamp: Stamp, hash: Sha256) -> Result<(), Error> {
        let p = &intent.particulars;
        self.0
            .prepare_cached(
                "UPDATE documents SET size = ?3, sha256 = ?4, inode = ?5, mtime = ?6,
                     version_run = iif(version = ?2 AND sha256 = ?4, version_run, ?7),
                     mirrored_at = iif(version = ?2 AND sha256 = ?4, mirrored_at, ?8), version = ?2
                 WHERE id = ?1",
            )?
            .execute(params![
                intent.document.as_str(),
                p.version.as_str(),
                stamp.size.cast_signed(),
                hash.as_bytes(),
                stamp.inode.cast_signed(),
                stamp.mtime,
                run,
                self.now()
            ])?;
        self.touch_metadata(run, &intent.document, p)
    }

    /// Records that a document's file was renamed. Without an inode the file was missing; then only the row moves, unless
    /// another row has the path.
    pub fn move_document(
        &self,
        run: i64,
        id: &DocumentId,
        (path, key): (&RelPath, &str),
        particulars: &Particulars,
        inode: Option<u64>,
    ) -> Result<(), Error> {
        match inode {
            Some(_) => self.evict(run, key, id)?,
            None if self.reader().owner(key)?.is_some_and(|owner| owner != *id) => return Ok(()),
            None => {}
        }
        self.place_document(run, id, particulars)?;
        // Size and time stay as recorded, so a local edit is still noticed after the move.
        self.0
            .prepare_cached("UPDATE documents SET path = ?2, path_key = ?3, inode = coalesce(?4, inode) WHERE id = ?1")?
            .execute(params![id.as_str(), path.as_str(), key, inode.map(u64::cast_signed)])?;
        Ok(())
    }

    /// Records a document's new place and name. The previous place is kept in the history.
    pub fn place_document(&self, run: i64, id: &DocumentId, p: &Particulars) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT INTO past_places (document, binder, folder, file_name, path, first_run, ended_run)
                 SELECT id, binder, folder, file_name, path, place_run, ?2 FROM documents WHERE id = ?1 AND place_run < ?2",
            )?
            .execute(params![id.as_str(), run])?;
        self.0
            .prepare_cached(
                "UPDATE documents SET binder = ?2, folder = ?3, file_name = ?4, place_run = ?5 WHERE id = ?1",
            )?
            .execute(params![
                id.as_str(),
                p.binder.as_str(),
                p.folder.as_ref().map(FolderId::as_str),
                p.file_name,
                run
            ])?;
        Ok(())
    }

    /// Deletes the row of another document that still has the path of a file that was just published. That document's own
    /// file can't be there, so the next run restores it.
    fn evict(&self, run: i64, key: &str, id: &DocumentId) -> Result<(), Error> {
        let Some(owner) = self.reader().owner(key)?.filter(|owner| owner != id) else { return Ok(()) };
        tracing::warn!(document = %owner, "its file was missing and another one has its path; the next run restores it");
        self.end_version(run, &owner, None, None)?;
        self.delete_document(run, &owner)
    }

    /// Records that a document is no longer mirrored.
    pub fn delete_document(&self, run: i64, id: &DocumentId) -> Result<(), Error> {
        self.end_metadata(run, id)?;
        self.0
            .prepare_cached("DELETE FROM metadata WHERE document = (SELECT number FROM documents WHERE id = ?1)")?
            .execute([id.as_str()])?;
        self.0.prepare_cached("DELETE FROM documents WHERE id = ?1")?.execute([id.as_str()])?;
        self.end_withholding(id)
    }
}

pub(super) fn known(row: &Row<'_>) -> Result<Known, Error> {
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(|e| Error::InvalidValue(e.to_string()));
    let folder = row.get_ref(3)?.as_str_or_null().map_err(|e| Error::InvalidValue(e.to_string()))?;
    let path = text(5)?;
    Ok(Known {
        number: row.get(0)?,
        id: id(text(1)?, DocumentId::parse)?,
        binder: id(text(2)?, BinderId::parse)?,
        folder: folder.map(|folder| id(folder, FolderId::parse)).transpose()?,
        file_name: text(4)?.to_owned(),
        path: RelPath::new(path).map_err(|e| Error::InvalidValue(e.to_string()))?,
        version: id(text(6)?, VersionId::parse)?,
        stamp: stamp(row)?,
        sha256: sha256(row.get_ref(8)?.as_blob().map_err(|e| Error::InvalidValue(e.to_string()))?)?,
        metadata_hash: row.get(11)?,
        first_run: row.get(12)?,
    })
}

pub(super) fn stamp(row: &Row<'_>) -> Result<Stamp, Error> {
    Ok(Stamp {
        size: row.get::<_, i64>(7)?.cast_unsigned(),
        inode: row.get::<_, i64>(9)?.cast_unsigned(),
        mtime: row.get(10)?,
    })
}

pub(super) fn id<T>(text: &str, parse: fn(&str) -> Result<T, crate::model::BadId>) -> Result<T, Error> {
    parse(text).map_err(|e| Error::InvalidValue(e.to_string()))
}

pub(super) fn sha256(bytes: &[u8]) -> Result<Sha256, Error> {
    let digest: [u8; 32] =
        bytes.try_into().map_err(|_| Error::InvalidValue(format!("a hash of {} bytes", bytes.len())))?;
    Ok(Sha256::new(digest))
}
