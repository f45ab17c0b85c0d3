//! Binders and their folder trees.

use std::collections::HashSet;

use rusqlite::params;

use super::{Error, Reader, Writer, documents::id};
use crate::model::{BinderId, FolderId, KnownFolder};

/// A known binder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinderRow {
    /// Its id.
    pub id: BinderId,
    /// Its name at the service.
    pub name: String,
    /// Its folder below the destination.
    pub segment: String,
    /// When its folders were last read, in seconds since the epoch; `None` if they never were.
    pub folders_refreshed_at: Option<i64>,
    /// How many requests that needed.
    pub folder_requests: u32,
}

impl Reader<'_> {
    /// Every known binder.
    pub fn binders(&self) -> Result<Vec<BinderRow>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT id, name, segment, folders_refreshed_at, folder_requests FROM binders ORDER BY id",
        )?;
        let rows = statement.query_and_then([], |row| -> Result<_, Error> {
            Ok(BinderRow {
                id: id(&row.get::<_, String>(0)?, BinderId::parse)?,
                name: row.get(1)?,
                segment: row.get(2)?,
                folders_refreshed_at: row.get(3)?,
                folder_requests: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    /// Every known folder of a binder.
    pub fn folders(&self, binder: &BinderId) -> Result<Vec<KnownFolder>, Error> {
        let mut statement = self.0.prepare_cached(
            "SELECT id, parent, name, segment, known, asked_at FROM folders WHERE binder = ?1 ORDER BY id",
        )?;
        let rows = statement.query_and_then([binder.as_str()], |row| -> Result<_, Error> {
            let parent: Option<String> = row.get(1)?;
            Ok(KnownFolder {
                id: id(&row.get::<_, String>(0)?, FolderId::parse)?,
                parent: parent.map(|p| id(&p, FolderId::parse)).transpose()?,
                name: row.get(2)?,
                segment: row.get(3)?,
                known: row.get(4)?,
                asked_at: row.get(5)?,
            })
        })?;
        rows.collect()
    }

    /// The folders of a binder that contain documents.
    pub fn used_folders(&self, binder: &BinderId) -> Result<HashSet<FolderId>, Error> {
        let mut statement =
            self.0.prepare_cached("SELECT DISTINCT folder FROM documents WHERE binder = ?1 AND folder IS NOT NULL")?;
        let rows = statement.query_and_then([binder.as_str()], |row| id(&row.get::<_, String>(0)?, FolderId::parse))?;
        rows.collect()
    }
}

impl Writer<'_> {
    /// Records that a binder was listed in a run and has this folder.
    pub fn upsert_binder(&self, run: i64, binder: &BinderRow, segment_key: &str) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT INTO binders (id, name, segment, segment_key, listed_run) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET name = ?2, segment = ?3, segment_key = ?4, listed_run = ?5",
            )?
            .execute(params![binder.id.as_str(), binder.name, binder.segment, segment_key, run])?;
        Ok(())
    }

    /// Frees the folder names of binders that are about to be renamed, so that two can swap names.
    pub fn release_segment(&self, binder: &BinderId) -> Result<(), Error> {
        self.0
            .prepare_cached("UPDATE binders SET segment_key = '/' || id WHERE id = ?1")?
            .execute([binder.as_str()])?;
        Ok(())
    }

    /// Records that a binder is no longer mirrored.
    pub fn delete_binder(&self, binder: &BinderId) -> Result<(), Error> {
        self.0.execute("DELETE FROM folders WHERE binder = ?1", [binder.as_str()])?;
        self.0.execute("DELETE FROM binders WHERE id = ?1", [binder.as_str()])?;
        Ok(())
    }

    /// Records that a binder's folders were read, with this many requests.
    pub fn folders_refreshed(&self, binder: &BinderId, requests: u32) -> Result<(), Error> {
        self.0
            .prepare_cached("UPDATE binders SET folders_refreshed_at = ?2, folder_requests = ?3 WHERE id = ?1")?
            .execute(params![binder.as_str(), self.now(), requests])?;
        Ok(())
    }

    /// Stores a binder's metadata elements as the service sent them.
    pub fn set_schema(&self, binder: &BinderId, schema: &str) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "UPDATE binders SET schema = ?2, schema_changed_at = ?3 WHERE id = ?1 AND schema IS NOT ?2",
            )?
            .execute(params![binder.as_str(), schema, self.now()])?;
        Ok(())
    }

    /// Stores a folder.
    pub fn upsert_folder(&self, binder: &BinderId, folder: &KnownFolder) -> Result<(), Error> {
        self.0
            .prepare_cached(
                "INSERT OR REPLACE INTO folders (binder, id, parent, name, segment, known, asked_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                binder.as_str(),
                folder.id.as_str(),
                folder.parent.as_ref().map(FolderId::as_str),
                folder.name,
                folder.segment,
                folder.known,
                folder.asked_at
            ])?;
        Ok(())
    }

    /// Deletes a folder that is neither listed nor used.
    pub fn delete_folder(&self, binder: &BinderId, folder: &FolderId) -> Result<(), Error> {
        self.0
            .prepare_cached("DELETE FROM folders WHERE binder = ?1 AND id = ?2")?
            .execute([binder.as_str(), folder.as_str()])?;
        Ok(())
    }
}
