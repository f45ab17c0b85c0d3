//! Old versions that may be deleted, and objects that are no longer needed.
//!
//! Indexes find what is due, so a run in which nothing is due doesn't read the history. Deleting takes two steps: a row
//! records that nothing is kept and lists the object; once that is durable, the object is unlinked and leaves the list.

use rusqlite::{Row, params};

use super::{
    Error, Reader, Writer,
    documents::{id, sha256},
};
use crate::model::{BinderId, DocumentId, Intent, Sha256, Step};

/// An old version whose bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its row; later ones have higher numbers.
    pub number: i64,
    /// The document.
    pub document: DocumentId,
    /// The document's binder at that time.
    pub binder: BinderId,
    /// When it was replaced or removed, in seconds since the epoch.
    pub ended_at: i64,
    /// The object with its bytes.
    pub object: Sha256,
    /// Whether they are the service's bytes, rather than edited or damaged ones.
    pub is_version: bool,
}

/// The setting with the last run that deleted old versions.
pub(super) const FREED_RUN: &str = "freed_run";

const BY_AGE: &str = "SELECT number, document, binder, ended_at, held_sha256, held_sha256 = sha256 AND version <> 'found' FROM past_versions \
     WHERE binder = ?1 AND ended_at < ?2 AND held_sha256 IS NOT NULL";

const BY_COUNT: &str = "SELECT document FROM held_counts WHERE held > ?1";

const OF_DOCUMENT: &str = "SELECT number, document, binder, ended_at, held_sha256, held_sha256 = sha256 AND version <> 'found' FROM past_versions \
     WHERE document = ?1 AND held_sha256 IS NOT NULL ORDER BY number DESC";

impl Reader<'_> {
    /// Kept old versions from a binder that ended before a time, in seconds since the epoch.
    pub fn ended_before(&self, binder: &BinderId, time: i64) -> Result<Vec<Past>, Error> {
        let mut statement = self.0.prepare_cached(BY_AGE)?;
        statement.query_and_then(params![binder.as_str(), time], past)?.collect()
    }

    /// Documents with more than this many kept old versions.
    pub fn with_more_held_than(&self, count: u64) -> Result<Vec<DocumentId>, Error> {
        let mut statement = self.0.prepare_cached(BY_COUNT)?;
        let rows = statement.query_and_then([i64::try_from(count).unwrap_or(i64::MAX)], |row| {
            id(&row.get::<_, String>(0)?, DocumentId::parse)
        })?;
        rows.collect()
    }

    /// A document's kept old versions, newest first.
    pub fn held_versions(&self, document: &DocumentId) -> Result<Vec<Past>, Error> {
        let mut statement = self.0.prepare_cached(OF_DOCUMENT)?;
        statement.query_and_then([document.as_str()], past)?.collect()
    }

    /// Objects that were released and may not be unlinked yet.
    pub fn unlinks(&self) -> Result<Vec<Sha256>, Error> {
        let mut statement = self.0.prepare_cached("SELECT sha256 FROM unlinks")?;
        statement.query_and_then([], |row| sha256(row.get_ref(0)?.as_blob().unwrap_or_default()))?.collect()
    }

    /// Whether an old version or an intent needs an object.
    pub fn needs_object(&self, object: &Sha256) -> Result<bool, Error> {
        let mut statement = self.0.prepare_cached("SELECT 1 FROM past_versions WHERE held_sha256 = ?1 LIMIT 1")?;
        Ok(statement.exists([object.as_bytes()])? || self.intents()?.iter().any(|b| will_hold(&b.intent, object)))
    }
}

/// Whether an intent will store bytes as this object.
fn will_hold(intent: &Intent, object: &Sha256) -> bool {
    match &intent.step {
        Step::Replace { outgoing, .. } | Step::Remove { outgoing, .. } => {
            outgoing.as_ref().is_some_and(|outgoing| outgoing.sha256 == *object)
        }
        Step::Add { .. } | Step::Move { .. } | Step::Adopt { .. } => false,
    }
}

impl Writer<'_> {
    /// Records that an old version is no longer kept, and lists its object for unlinking unless something else needs it.
    pub fn free(&self, run: i64, past: &Past) -> Result<(), Error> {
        self.0
            .prepare_cached("UPDATE past_versions SET held_sha256 = NULL, freed_run = ?2 WHERE number = ?1")?
            .execute(params![past.number, run])?;
        self.0
            .prepare_cached("INSERT OR IGNORE INTO unlinks (sha256) VALUES (?1)")?
            .execute([past.object.as_bytes()])?;
        self.set(FREED_RUN, &run.to_string())
    }

    /// Records that an object is not there, so that old versions are not said to be kept in it.
    pub fn object_is_lost(&self, run: i64, object: &Sha256) -> Result<(), Error> {
        self.0
            .prepare_cached("UPDATE past_versions SET held_sha256 = NULL, freed_run = ?2 WHERE held_sha256 = ?1")?
            .execute(params![object.as_bytes(), run])?;
        self.set(FREED_RUN, &run.to_string())
    }

    /// Clears the list of objects to unlink, because an older state can't know which of them are needed by now.
    pub fn forget_unlinks(&self) -> Result<(), Error> {
        self.0.execute("DELETE FROM unlinks", [])?;
        Ok(())
    }

    /// Records that an object was unlinked, or is needed again.
    pub fn unlinked(&self, object: &Sha256) -> Result<(), Error> {
        self.0.prepare_cached("DELETE FROM unlinks WHERE sha256 = ?1")?.execute([object.as_bytes()])?;
        Ok(())
    }
}

fn past(row: &Row<'_>) -> Result<Past, Error> {
    Ok(Past {
        number: row.get(0)?,
        document: id(&row.get::<_, String>(1)?, DocumentId::parse)?,
        binder: id(&row.get::<_, String>(2)?, BinderId::parse)?,
        ended_at: row.get(3)?,
        object: sha256(row.get_ref(4)?.as_blob().map_err(|e| Error::InvalidValue(e.to_string()))?)?,
        is_version: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    #[test]
    fn due_versions_are_found_without_reading_the_history() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.db"), false).unwrap();
        let plan = |query: &str| -> String {
            state
                .read(|r| {
                    let mut statement = r.0.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
                    let blank = vec![""; statement.parameter_count()];
                    let rows = statement
                        .query_map(rusqlite::params_from_iter(blank), |row| row.get::<_, String>(3))?
                        .collect::<Result<Vec<_>, _>>()?;
                    Ok::<_, Error>(rows.join("\n"))
                })
                .unwrap()
        };
        for (query, way) in [
            (BY_AGE, "SEARCH past_versions USING INDEX past_versions_by_age (binder=? AND ended_at<?)"),
            (BY_COUNT, "SEARCH held_counts USING"),
            (OF_DOCUMENT, "SEARCH past_versions USING INDEX past_versions_by_document (document=?)"),
        ] {
            let plan = plan(query);
            assert!(plan.contains(way) && !plan.contains("SCAN"), "{query}\n{plan}");
        }
    }

    #[test]
    fn kept_versions_are_counted_through_all_changes_of_rows() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.db"), false).unwrap();
        let run = |sql: &str| state.write(|w| w.0.execute_batch(sql).map_err(Error::from)).unwrap();
        let row = |object: &str| {
            run(&format!(
                "INSERT INTO past_versions VALUES (NULL, 'd', 'v', 'b', NULL, 'n', 'p', x'00', {object}, 1, 1, 1, 1, 1, 1, 1, 'replaced', NULL, NULL)"
            ));
        };
        let more_than = |count| state.read(|r| r.with_more_held_than(count)).unwrap().len();
        row("x'01'");
        row("x'02'");
        row("NULL");
        assert_eq!((more_than(1), more_than(2)), (1, 0));
        run("UPDATE past_versions SET held_sha256 = NULL WHERE held_sha256 = x'01'");
        assert_eq!((more_than(0), more_than(1)), (1, 0));
        run("DELETE FROM past_versions");
        assert_eq!(more_than(0), 0);
    }

    #[test]
    fn no_row_gets_a_time_before_an_earlier_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let late = jiff::Timestamp::from_second(4_000_000_000).unwrap();
        let state = State::open(&path, false).unwrap();
        state.write(|w| w.begin_run(late, "run").map(drop)).unwrap();
        let now = |state: &State| state.write(|w| Ok::<_, Error>(w.now())).unwrap();
        assert_eq!(now(&state), 4_000_000_000);
        drop(state);
        assert_eq!(now(&State::open(&path, false).unwrap()), 4_000_000_000);
    }
}
