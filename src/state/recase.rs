//! Restores the case of ids that earlier versions lowercased although they aren't GUIDs.
//!
//! The migration notes every such id. If an id is listed in another case, all rows get that case; if it is listed as
//! stored, it never changed. Organisations whose ids are GUIDs have none, which costs one query per run.

use rusqlite::{OptionalExtension as _, params};

use super::{Error, Reader, Writer};
use crate::model::{BinderId, DocumentId, FolderId, VersionId};

/// Columns with a document's id besides its own row. No trigger copies the change from `past_versions` to `held_counts`.
const BY_DOCUMENT: [&str; 6] = [
    "UPDATE past_metadata SET document = ?2 WHERE document = ?1",
    "UPDATE past_places SET document = ?2 WHERE document = ?1",
    "UPDATE past_versions SET document = ?2 WHERE document = ?1",
    "UPDATE OR REPLACE held_counts SET document = ?2 WHERE document = ?1",
    "UPDATE OR REPLACE partials SET document = ?2 WHERE document = ?1",
    "UPDATE OR REPLACE failures SET document = ?2 WHERE document = ?1",
];

impl Reader<'_> {
    /// Whether any stored id may have lost its case.
    pub fn has_folded_ids(&self) -> Result<bool, Error> {
        Ok(self.0.prepare_cached("SELECT 1 FROM folded_ids LIMIT 1")?.exists([])?)
    }

    /// Whether a stored id may have lost its case.
    pub fn is_folded(&self, id: &str) -> Result<bool, Error> {
        Ok(self.0.prepare_cached("SELECT 1 FROM folded_ids WHERE id = ?1")?.exists([id])?)
    }
}

impl Writer<'_> {
    /// Rewrites rows that have these ids of a listed document in lower case.
    pub fn recase_document(
        &self,
        id: &DocumentId,
        version: Option<&VersionId>,
        folder: Option<&FolderId>,
    ) -> Result<(), Error> {
        if let Some(old) = self.folded(id.as_str())? {
            let known = self.0.prepare_cached("SELECT 1 FROM documents WHERE id = ?1")?.exists([id.as_str()])?;
            if !known {
                self.0.execute("UPDATE documents SET id = ?2 WHERE id = ?1", [old.as_str(), id.as_str()])?;
                for statement in BY_DOCUMENT {
                    self.0.prepare_cached(statement)?.execute([old.as_str(), id.as_str()])?;
                }
                self.forget_folded(&old)?;
            }
        }
        self.forget_folded(id.as_str())?;
        if let Some((version, old)) = version.and_then(|v| Some((v, self.folded(v.as_str()).transpose()?))) {
            let old = old?;
            for statement in [
                "UPDATE documents SET version = ?3 WHERE id = ?1 AND version = ?2",
                "UPDATE past_versions SET version = ?3 WHERE document = ?1 AND version = ?2",
                "UPDATE OR REPLACE partials SET version = ?3 WHERE document = ?1 AND version = ?2",
            ] {
                self.0.prepare_cached(statement)?.execute(params![id.as_str(), old, version.as_str()])?;
            }
        }
        if let Some((folder, old)) = folder.and_then(|f| Some((f, self.folded(f.as_str()).transpose()?))) {
            self.0
                .prepare_cached("UPDATE documents SET folder = ?3 WHERE id = ?1 AND folder = ?2")?
                .execute(params![id.as_str(), old?, folder.as_str()])?;
        }
        Ok(())
    }

    /// Rewrites rows that have this folder's id in lower case; returns whether there were any.
    pub fn recase_folder(&self, binder: &BinderId, folder: &FolderId) -> Result<bool, Error> {
        let Some(old) = self.folded(folder.as_str())? else { return Ok(false) };
        let changed = self
            .0
            .prepare_cached("UPDATE OR IGNORE folders SET id = ?3 WHERE binder = ?1 AND id = ?2")?
            .execute([binder.as_str(), old.as_str(), folder.as_str()])?;
        self.0.prepare_cached("UPDATE folders SET parent = ?3 WHERE binder = ?1 AND parent = ?2")?.execute([
            binder.as_str(),
            old.as_str(),
            folder.as_str(),
        ])?;
        Ok(changed > 0)
    }

    /// The lowercase form of an id, if something may be stored under it.
    fn folded(&self, id: &str) -> Result<Option<String>, Error> {
        if !id.bytes().any(|b| b.is_ascii_uppercase()) {
            return Ok(None);
        }
        let mut statement = self.0.prepare_cached("SELECT id FROM folded_ids WHERE id = ?1")?;
        Ok(statement.query_row([id.to_ascii_lowercase()], |row| row.get(0)).optional()?)
    }

    fn forget_folded(&self, id: &str) -> Result<(), Error> {
        self.0.prepare_cached("DELETE FROM folded_ids WHERE id = ?1")?.execute([id])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite_migration::Migrations;

    use crate::{
        model::{BinderId, DocumentId, FolderId, VersionId},
        state::{State, migrations::MIGRATIONS},
    };

    const GUID: &str = "3f2a91c0-5a5f-4d1e-8f7a-3f2a91c05e1d";

    /// A state of the previous version, with a document in a folder and its history.
    fn old_state(path: &std::path::Path) {
        let mut connection = Connection::open(path).unwrap();
        Migrations::from_slice(&MIGRATIONS[..3]).to_latest(&mut connection).unwrap();
        let document = |id: &str, version: &str, path: &str| {
            format!(
                "INSERT INTO documents (id, binder, folder, file_name, path, path_key, version, size, sha256, inode, mtime,
                     first_run, version_run, place_run, mirrored_at)
                 VALUES ('{id}', 'B', 'tab-a', 'x', '{path}', '{path}', '{version}', 1, x'{}', 1, 1, 1, 1, 1, 1);",
                "00".repeat(32)
            )
        };
        connection
            .execute_batch(&format!(
                "{}{}{}
                 INSERT INTO folders VALUES ('B', 'tab-a', NULL, 'A', 'A', 1, 1), ('B', 'sub-b', 'tab-a', 'B', 'B', 1, 1);
                 INSERT INTO past_places (document, binder, file_name, path, first_run, ended_run)
                     VALUES ('doc-a', 'B', 'w', 'w', 1, 2);
                 INSERT INTO failures VALUES ('doc-a', 'B', NULL, 'x', 'e', 1, NULL, 1, 1);",
                document("doc-a", "ver-a", "x"),
                document("doc-b", "ver-b", "y"),
                document(GUID, GUID, "z")
            ))
            .unwrap();
    }

    #[test]
    fn ids_that_lost_their_case_get_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        old_state(&path);
        let state = State::open(&path, false).unwrap();
        let (id, version) = (DocumentId::parse("Doc-A").unwrap(), VersionId::parse("Ver-A").unwrap());
        let (tab, binder) = (FolderId::parse("Tab-A").unwrap(), BinderId::parse("B").unwrap());
        let folded = |text: &str| state.read(|r| r.is_folded(text)).unwrap();
        assert!(["doc-a", "doc-b", "ver-a", "tab-a", "sub-b"].iter().all(|text| folded(text)) && !folded(GUID));
        state.write(|w| w.recase_document(&id, Some(&version), Some(&tab))).unwrap();
        let known = state.read(|r| r.document(&id)).unwrap().unwrap();
        assert_eq!((known.version, known.folder.as_ref()), (version, Some(&tab)));
        let writer = Connection::open(&path).unwrap();
        let count = |query: &str| writer.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM past_places WHERE document = 'Doc-A'"), 1);
        assert_eq!(count("SELECT count(*) FROM failures WHERE document = 'Doc-A'"), 1);
        assert!(state.write(|w| w.recase_folder(&binder, &tab)).unwrap());
        let parents = "SELECT count(*) FROM folders WHERE parent = 'Tab-A' OR id = 'Tab-A'";
        assert_eq!(count(parents), 2);
        // An id that is listed as stored never lost its case.
        let other = DocumentId::parse("doc-b").unwrap();
        state.write(|w| w.recase_document(&other, None, None)).unwrap();
        state.write(|w| w.recase_document(&DocumentId::parse("DOC-B").unwrap(), None, None)).unwrap();
        assert!(state.read(|r| r.document(&other)).unwrap().is_some() && !folded("doc-b") && !folded("doc-a"));
    }
}
