//! A mark by which a copy of the mirror is known to be up to date.

use sha2::{Digest as _, Sha256 as Hasher};

use super::{Error, Reader, retention::FREED_RUN};
use crate::model::Sha256;

/// What no run's number shows. All of these tables are small.
const OTHERS: &str = "
    SELECT (SELECT count(*) FROM purges), (SELECT count(*) FROM purges WHERE document IS NULL),
        (SELECT count(*) FROM acknowledged), (SELECT coalesce(max(run), 0) FROM acknowledged),
        (SELECT count(*) FROM folded_ids)";

const BINDERS: &str = "SELECT id, name, segment, coalesce(schema_changed_at, 0) FROM binders ORDER BY id";

impl Reader<'_> {
    /// A text that changes whenever something changes that a copy of the mirror should have: documents, their metadata and
    /// places, kept old versions, binders, erasures and acknowledgements. Runs that change nothing, failures, withheld
    /// removals and stamps of files don't change it. Reads no documents.
    pub fn copy_mark(&self) -> Result<String, Error> {
        let changed = self.searchable_since()?;
        let freed = self.setting(FREED_RUN)?.unwrap_or_default();
        let others: [i64; 5] = self
            .0
            .query_row(OTHERS, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))?;
        let [begun, erased, acknowledged, last, folded] = others;
        let binders = self.binders_digest()?;
        Ok(format!(
            "changed {changed}, freed {freed}, purges {erased}/{begun}, acknowledged {acknowledged}/{last}, \
             folded {folded}, binders {binders}"
        ))
    }

    fn binders_digest(&self) -> Result<Sha256, Error> {
        let mut statement = self.0.prepare_cached(BINDERS)?;
        let (mut rows, mut hasher) = (statement.query([])?, Hasher::new());
        while let Some(row) = rows.next()? {
            let row: (String, String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            hasher.update(serde_json::to_vec(&row).map_err(|e| Error::InvalidValue(e.to_string()))?);
        }
        Ok(Sha256::new(hasher.finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{BinderId, DocumentId, Failure, VersionId},
        state::{BinderRow, Past, Purge, State, Writer},
    };

    fn binder(name: &str) -> BinderRow {
        let id = BinderId::parse("b").unwrap();
        BinderRow { id, name: name.to_owned(), segment: "b".to_owned(), folders_refreshed_at: None, folder_requests: 1 }
    }

    fn document() -> DocumentId {
        DocumentId::parse("d").unwrap()
    }

    fn past() -> Past {
        let (binder, object) = (BinderId::parse("b").unwrap(), Sha256::new([1; 32]));
        Past { number: 1, document: document(), binder, ended_at: 1, object, is_version: true }
    }

    fn failure() -> Failure {
        let text = |text: &str| Some(text.to_owned());
        Failure {
            document_id: text("d"),
            binder_id: text("b"),
            file_name: text("x"),
            error: "e".to_owned(),
            ..Failure::default()
        }
    }

    /// A change, for a run's number.
    type Change = fn(&Writer<'_>, i64) -> Result<(), Error>;

    #[test]
    fn everything_that_a_copy_should_have_changes_the_mark() {
        #[rustfmt::skip]
        let table: [(&str, bool, Change); 14] = [
            ("a run without changes", false, |_, _| Ok(())),
            ("a failure",             false, |w, run| w.record_failure(run, &failure())),
            ("a withheld removal",    false, |w, run| w.withhold(run, &document(), false)),
            ("a confirmed removal",   false, |w, run| w.confirm_removal(run, "d")),
            ("a changed document",    true,  |w, run| w.changed(run)),
            ("another change",        true,  |w, run| w.changed(run)),
            ("freed bytes",           true,  |w, run| w.free(run, &past())),
            ("a new binder",          true,  |w, run| w.upsert_binder(run, &binder("B"), "b")),
            ("a renamed binder",      true,  |w, run| w.upsert_binder(run, &binder("C"), "b")),
            ("another schema",        true,  |w, _| w.set_schema(&BinderId::parse("b").unwrap(), "[]")),
            ("a forgotten binder",    true,  |w, _| w.delete_binder(&BinderId::parse("b").unwrap())),
            ("an acknowledgement",    true,  |w, run| w.acknowledge(run, &document(), &VersionId::parse("v").unwrap())),
            ("another one",           true,  |w, run| w.acknowledge(run, &DocumentId::parse("e").unwrap(), &VersionId::parse("v").unwrap())),
            ("the first one's end",   true,  |w, _| w.end_acknowledgement(&document())),
        ];
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.db"), false).unwrap();
        let mark = || state.read(|r| r.copy_mark()).unwrap();
        let begin = || state.write(|w| w.begin_run(jiff::Timestamp::UNIX_EPOCH, "run")).unwrap().number;
        for (what, changes, change) in table {
            let before = mark();
            let run = begin();
            state.write(|w| change(w, run)).unwrap();
            assert_eq!(mark() != before, changes, "{what}: {before}, then {}", mark());
        }
        let (before, run) = (mark(), begin());
        state.write(|w| w.begin_purge(run, &document())).unwrap();
        let begun = mark();
        let purge = Purge { number: 1, document: document() };
        state.write(|w| w.forget_document(&purge)).unwrap();
        let forgotten = mark();
        state.end_purge(&purge).unwrap();
        assert!(before != begun && begun != forgotten && forgotten != mark());
    }
}
