//! Files that the state learns of from the tree: those that lay there before it did.

use rusqlite::params;

use crate::{
    model::{DocumentId, FolderId, Intent, Outgoing, Stamp},
    state::{Error, Reader, Writer},
};

/// The version of bytes that lay in the tree and belonged to nobody.
pub const FOUND: &str = "found";

impl Reader<'_> {
    /// Whether a document's row means this very file, wherever it lies.
    pub fn has_stamp(&self, stamp: &Stamp) -> Result<bool, Error> {
        let mut statement =
            self.0.prepare_cached("SELECT 1 FROM documents WHERE inode = ?1 AND size = ?2 AND mtime = ?3")?;
        Ok(statement.exists(params![stamp.inode.cast_signed(), stamp.size.cast_signed(), stamp.mtime])?)
    }
}

impl Writer<'_> {
    /// A document was published over a file that nobody knew, whose bytes are held now. They belong to
    /// no version that the service ever named, so the row says that they were found.
    pub fn found_version(&self, run: i64, intent: &Intent, held: &Outgoing) -> Result<(), Error> {
        let p = &intent.particulars;
        self.0
            .prepare_cached(
                "INSERT INTO past_versions (document, version, binder, folder, file_name, path, sha256, held_sha256, size,
                     mtime, place_run, first_run, mirrored_at, ended_run, ended_at, cause)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?10, ?11, ?10, ?11, 'replaced')",
            )?
            .execute(params![
                intent.document.as_str(),
                FOUND,
                p.binder.as_str(),
                p.folder.as_ref().map(FolderId::as_str),
                p.file_name,
                intent.path.as_str(),
                held.sha256.as_bytes(),
                held.stamp.size.cast_signed(),
                held.stamp.mtime,
                run,
                self.now()
            ])?;
        Ok(())
    }

    /// A document's file is another one than the row says, with the same bytes.
    pub fn restamp_document(&self, id: &DocumentId, stamp: Stamp) -> Result<(), Error> {
        self.0.prepare_cached("UPDATE documents SET inode = ?2, mtime = ?3 WHERE id = ?1")?.execute(params![
            id.as_str(),
            stamp.inode.cast_signed(),
            stamp.mtime
        ])?;
        Ok(())
    }
}
