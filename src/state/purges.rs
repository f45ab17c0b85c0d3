//! Documents that are erased on request, and the records of these erasures.

use std::collections::{BTreeSet, HashSet};

use rusqlite::params;
use sha2::{Digest as _, Sha256 as Hasher};

use super::{
    Error, Reader, State, Writer,
    connection::lock,
    documents::{id, sha256},
};
use crate::model::{DocumentId, Sha256};

/// What remains of an erased document's id: enough to recognise the id, not enough to reveal it.
pub type Fingerprint = [u8; 32];

/// The fingerprint of a document's id.
pub fn fingerprint(document: &DocumentId) -> Fingerprint {
    Hasher::digest(document.as_str().as_bytes()).into()
}

/// An erasure that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// Its row.
    pub number: i64,
    /// The document.
    pub document: DocumentId,
}

/// Everything that may mention a document in the state's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// Its current and past paths.
    pub paths: BTreeSet<String>,
    /// Its current and past names at the service.
    pub names: BTreeSet<String>,
    /// Its versions.
    pub versions: BTreeSet<String>,
    /// Contents, current and past, that no other document has or had.
    pub contents: Vec<Sha256>,
    /// Contents, current and past, that other documents have or had, too.
    pub shared: usize,
    /// Partial downloads below `tmp/`.
    pub partials: Vec<String>,
}

impl Reader<'_> {
    /// Erasures that were begun and haven't ended.
    pub fn purges(&self) -> Result<Vec<Purge>, Error> {
        let mut statement = self.0.prepare("SELECT number, document FROM purges WHERE document IS NOT NULL")?;
        let rows = statement.query_and_then([], |row| -> Result<_, Error> {
            Ok(Purge { number: row.get(0)?, document: id(&row.get::<_, String>(1)?, DocumentId::parse)? })
        })?;
        rows.collect()
    }

    /// The fingerprints of all erased documents.
    pub fn purged(&self) -> Result<HashSet<Fingerprint>, Error> {
        let mut statement = self.0.prepare("SELECT fingerprint FROM purges")?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Everything that mentions a document; `None` if the state never knew it.
    pub fn traces(&self, document: &DocumentId) -> Result<Option<Traces>, Error> {
        let mut traces = Traces::default();
        let mut statement = self.0.prepare(
            "SELECT path, file_name, version FROM documents WHERE id = ?1
             UNION SELECT path, file_name, version FROM past_versions WHERE document = ?1
             UNION SELECT path, file_name, NULL FROM past_places WHERE document = ?1",
        )?;
        let mut rows = statement.query([document.as_str()])?;
        while let Some(row) = rows.next()? {
            traces.paths.insert(row.get(0)?);
            traces.names.insert(row.get(1)?);
            traces.versions.extend(row.get::<_, Option<String>>(2)?);
        }
        drop(rows);
        let mut statement = self.0.prepare(
            "SELECT file_name, version FROM failures WHERE document = ?1
             UNION SELECT NULL, version FROM partials WHERE document = ?1
             UNION SELECT NULL, version FROM acknowledged WHERE document = ?1",
        )?;
        let mut rows = statement.query([document.as_str()])?;
        while let Some(row) = rows.next()? {
            traces.names.extend(row.get::<_, Option<String>>(0)?);
            traces.versions.extend(row.get::<_, Option<String>>(1)?);
        }
        if traces.paths.is_empty() && traces.names.is_empty() && traces.versions.is_empty() {
            return Ok(None);
        }
        let mut statement = self.0.prepare(
            "WITH own (hash) AS (
                 SELECT sha256 FROM documents WHERE id = ?1
                 UNION SELECT sha256 FROM past_versions WHERE document = ?1
                 UNION SELECT held_sha256 FROM past_versions WHERE document = ?1 AND held_sha256 IS NOT NULL)
             SELECT hash, EXISTS (SELECT 1 FROM past_versions WHERE held_sha256 = hash AND document <> ?1) FROM own",
        )?;
        let mut rows = statement.query([document.as_str()])?;
        while let Some(row) = rows.next()? {
            if row.get(1)? {
                traces.shared += 1;
            } else {
                traces.contents.push(sha256(&row.get::<_, Vec<u8>>(0)?)?);
            }
        }
        let mut statement = self.0.prepare("SELECT name FROM partials WHERE document = ?1")?;
        traces.partials = statement.query_map([document.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Some(traces))
    }
}

impl Writer<'_> {
    /// Begins the erasure of a document. Until it ends, every command that changes the mirror continues it first.
    pub fn begin_purge(&self, run: i64, document: &DocumentId) -> Result<(), Error> {
        self.0.execute(
            "INSERT INTO purges (run, document, fingerprint, began_at) VALUES (?1, ?2, ?3, ?4)",
            params![run, document.as_str(), fingerprint(document), self.now()],
        )?;
        Ok(())
    }

    /// Deletes all rows that mention the document, except for that of its erasure.
    pub fn forget_document(&self, purge: &Purge) -> Result<(), Error> {
        let document = purge.document.as_str();
        for statement in [
            "DELETE FROM metadata WHERE document = (SELECT number FROM documents WHERE id = ?1)",
            "DELETE FROM documents WHERE id = ?1",
            "DELETE FROM past_metadata WHERE document = ?1",
            "DELETE FROM past_places WHERE document = ?1",
            "DELETE FROM past_versions WHERE document = ?1",
            "DELETE FROM partials WHERE document = ?1",
            "DELETE FROM failures WHERE document = ?1",
            "DELETE FROM suspects WHERE document = ?1",
            "DELETE FROM provisional WHERE document = ?1",
            "DELETE FROM acknowledged WHERE document = ?1",
            "DELETE FROM withheld WHERE document = ?1",
        ] {
            self.0.execute(statement, [document])?;
        }
        // The last manifest mentions it, so the next complete run must write a new one.
        let latest = self.0.query_row("SELECT max(number) FROM runs", [], |row| row.get(0))?;
        self.changed(latest)?;
        Ok(())
    }
}

impl State {
    /// Ends an erasure. The record only says that something was erased and when; the id is overwritten on disk.
    pub fn end_purge(&self, purge: &Purge) -> Result<(), Error> {
        let writer = lock(&self.writer);
        writer.execute_batch("PRAGMA secure_delete = ON")?;
        writer.execute(
            "UPDATE purges SET document = NULL, done_at = ?2 WHERE number = ?1",
            params![purge.number, super::now()],
        )?;
        writer.execute_batch("PRAGMA secure_delete = OFF; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(())
    }

    /// Rewrites the database, so that no deleted data remain in free pages.
    pub fn compact(&self) -> Result<(), Error> {
        let writer = lock(&self.writer);
        writer.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if a new table is forgotten here. `metadata` is keyed by row number, and triggers maintain `held_counts`.
    #[test]
    fn an_erasure_covers_every_table_with_documents() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.db"), false).unwrap();
        let document = DocumentId::parse("3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77").unwrap();
        let tables: Vec<(String, String)> = state
            .read(|r| {
                let mut statement = r.0.prepare(
                    "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
                     WHERE t.type = 'table' AND (c.name = 'document' OR t.name = 'documents' AND c.name = 'id')
                     AND t.name NOT IN ('metadata', 'purges', 'held_counts')",
                )?;
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok::<_, Error>(rows.collect::<Result<_, _>>()?)
            })
            .unwrap();
        assert!(tables.len() >= 7, "{tables:?}");
        let count = |table: &str, column: &str| -> i64 {
            let query = format!("SELECT count(*) FROM {table} WHERE {column} = ?1");
            state.read(|r| Ok::<_, Error>(r.0.query_row(&query, [document.as_str()], |row| row.get(0))?)).unwrap()
        };
        for (table, column) in &tables {
            insert(&state, table, column, &document);
            assert_eq!(count(table, column), 1, "{table}");
        }
        state.write(|w| w.begin_run(jiff::Timestamp::UNIX_EPOCH, "purge")).unwrap();
        state.write(|w| w.forget_document(&Purge { number: 1, document: document.clone() })).unwrap();
        for (table, column) in &tables {
            assert_eq!(count(table, column), 0, "{table} still has it");
        }
    }

    /// Inserts a row with the document and the columns that must not be null.
    fn insert(state: &State, table: &str, column: &str, document: &DocumentId) {
        let columns: Vec<String> = state
            .read(|r| {
                let query = "SELECT name FROM pragma_table_info(?1) WHERE name <> ?2 AND \"notnull\"";
                let mut statement = r.0.prepare(query)?;
                let names = statement.query_map([table, column], |row| row.get(0))?.collect::<Result<_, _>>()?;
                Ok::<_, Error>(names)
            })
            .unwrap();
        let names: Vec<&str> = std::iter::once(column).chain(columns.iter().map(String::as_str)).collect();
        let values = vec!["?1"; names.len()].join(", ");
        let query = format!("INSERT OR REPLACE INTO {table} ({}) VALUES ({values})", names.join(", "));
        state.write(|w| Ok::<_, Error>(w.0.execute(&query, [document.as_str()])?)).unwrap();
    }
}
