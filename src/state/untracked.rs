//! Files that were in the tree before the state knew of them.

use rusqlite::params;

use crate::{
    model::{DocumentId, FolderId, Intent, Outgoing, Stamp},
    state::{Error, Reader, Writer},
};

/// The version id of bytes that were in the tree and belonged to no document.
pub const FOUND: &str = "found";

impl Reader<'_> {
    /// Whether a document's row has this stamp, at any path.
    pub fn has_stamp(&self, stamp: &Stamp) -> Result<bool, Error> {
        let mut statement =
            self.0.prepare_cached("SELECT 1 FROM documents WHERE inode = ?1 AND size = ?2 AND mtime = ?3")?;
        Ok(statement.exists(params![stamp.inode.cast_signed(), stamp.size.cast_signed(), stamp.mtime])?)
    }
}

impl Writer<'_> {
    /// Records that a document replaced an unknown file, whose bytes are kept now. They are no version from the service, so
    /// the row says that they were found.
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

    /// Records a new stamp for a document's file whose bytes are unchanged.
    pub fn restamp_document(&self, id: &DocumentId, stamp: Stamp) -> Result<(), Error> {
        self.0.prepare_cached("UPDATE documents SET inode = ?2, mtime = ?3 WHERE id = ?1")?.execute(params![
            id.as_str(),
            stamp.inode.cast_signed(),
            stamp.mtime
        ])?;
        Ok(())
    }
}
