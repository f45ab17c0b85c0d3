//! What people ask is answered from indexes: no question reads all documents, and none sorts them.

use super::{
    Error, State,
    history::{METADATA_OF, PLACES_OF, VERSIONS_OF},
    listings::{COUNTS, SUMMARIES},
    tree::{AT_PATH, ENDED, MOVED, MOVED_AND_ENDED, UNMOVED},
};

/// How `SQLite` answers a query, a step a line.
fn plan(state: &State, query: &str) -> String {
    let steps = |r: &super::Reader<'_>| -> Result<Vec<String>, Error> {
        let mut statement = r.0.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
        let blank = vec![""; statement.parameter_count()];
        let rows = statement.query_map(rusqlite::params_from_iter(blank), |row| row.get(3))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    state.read(steps).unwrap().join("\n")
}

#[test]
fn questions_are_answered_from_indexes() {
    const BY_PATH_KEY: &str = "documents_2 (path_key>? AND path_key<?)";
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(&folder.path().join("state.db"), false).unwrap();
    #[rustfmt::skip]
    let table: [(&str, &[&str]); 10] = [
        (UNMOVED,         &[BY_PATH_KEY, "past_places_by_document (document=?)"]),
        (MOVED,           &["p USING INDEX past_places_by_path (path>? AND path<?)", "documents_1 (id=?)"]),
        (ENDED,           &["v USING INDEX past_versions_by_path (path>? AND path<?)", "past_versions_by_object (held_sha256=?)"]),
        (MOVED_AND_ENDED, &["p USING INDEX past_places_by_path (path>? AND path<?)", "past_versions_by_document (document=?)"]),
        (AT_PATH,         &["documents_2 (path_key=?)", "past_versions_by_path (path=?)", "past_places_by_path (path=?)"]),
        (VERSIONS_OF,     &["past_versions_by_document (document=?)", "documents_1 (id=?)"]),
        (PLACES_OF,       &["past_places_by_document (document=?)", "past_versions_by_document (document=?)", "documents_1 (id=?)"]),
        (METADATA_OF,     &["past_metadata_by_document (document=?)", "metadata USING INTEGER PRIMARY KEY", "documents_1 (id=?)"]),
        (COUNTS,          &["documents USING COVERING INDEX documents_by_size (binder=?)", "SCAN b"]),
        (SUMMARIES,       &["SCAN documents USING COVERING INDEX documents_by_size", "SCAN b USING INDEX"]),
    ];
    for (query, ways) in table {
        let plan = plan(&state, query);
        assert!(ways.iter().all(|way| plan.contains(way)), "{query}\n{plan}");
        let is_slow = |step: &&str| {
            step.starts_with("SCAN")
                && !step.contains("COVERING INDEX documents_by_size")
                && !step.starts_with("SCAN b ")
                && **step != *"SCAN b"
        };
        let scans: Vec<&str> = plan.lines().filter(is_slow).filter(|step| !step.contains("(subquery")).collect();
        assert_eq!(scans, [""; 0], "{query}\n{plan}");
        // One document's rows are few enough to be sorted.
        let is_of_one = [VERSIONS_OF, PLACES_OF, METADATA_OF].contains(&query);
        assert!(is_of_one || !plan.contains("TEMP B-TREE"), "{query}\n{plan}");
    }
}
