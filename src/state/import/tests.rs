use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use rusqlite::{Connection, types::Value};

use crate::{
    model::{
        BinderId, ClockReading, DocumentId, Failure, FolderId, Intent, KnownFolder, OrganisationId, Particulars,
        RelPath, Sha256, Staged, Stamp, Step, VersionId,
    },
    state::{
        BinderRow, Error, ErrorKind, Partial, Past, Provisional, RunEnd, State, Writer, fingerprint,
        history_tests::{Tree, play, story},
    },
};

const GUID: &str = "3f2a91c0-5e1d-4c47-9a05-0d6a2b9f1e77";
const ERASED: &str = "00000000-5e1d-4c47-9a05-0d6a2b9f1e77";

fn document(id: &str) -> DocumentId {
    DocumentId::parse(id).unwrap()
}

fn version() -> VersionId {
    VersionId::parse("v").unwrap()
}

fn binder() -> BinderId {
    BinderId::parse("binder").unwrap()
}

fn hash(n: u8) -> Sha256 {
    Sha256::new([n; 32])
}

fn intent(metadata: &str) -> Intent {
    let stamp = Stamp { inode: u64::MAX, size: 5, mtime: -1 };
    let particulars = Particulars {
        binder: binder(),
        folder: FolderId::parse("f").ok(),
        file_name: "a\nname.pdf".to_owned(),
        version: version(),
        metadata: Some(metadata.into()),
    };
    let staged = Staged { name: "0/x".to_owned(), stamp, sha256: hash(7) };
    let path = RelPath::new("Binder/Å.pdf").unwrap();
    Intent { document: document(GUID), path, step: Step::Add { staged }, particulars }
}

/// What the caller of an import says about paths.
fn path_key(path: &str) -> Option<String> {
    (!path.chars().any(char::is_control)).then(|| path.to_lowercase().replace('ſ', "s"))
}

/// Rows in all tables.
fn fill(w: &Writer<'_>, run: i64) -> Result<(), Error> {
    let (doc, other, clock) = (document(GUID), document("other"), ClockReading { ours: 5, service: Some(6) });
    let intent = intent("[{\"a\":1}]");
    let stamp = Stamp { inode: u64::MAX, size: 5, mtime: -1 };
    w.insert_document(run, &intent, "binder/å.pdf", stamp, hash(7))?;
    w.touch_metadata(run + 1, &doc, &self::intent("[{\"a\":2}]").particulars)?;
    w.begin(&intent)?;
    let partial =
        Partial { name: "1/y".to_owned(), etag: "e".to_owned(), total: Some(1), md5: None, content_type: None };
    w.keep_partial(&other, &version(), &partial)?;
    let row = BinderRow {
        id: binder(),
        name: "Binder".to_owned(),
        segment: "Binder".to_owned(),
        folders_refreshed_at: None,
        folder_requests: 1,
    };
    w.upsert_binder(run, &row, "binder")?;
    w.folders_refreshed(&binder(), 3)?;
    w.set_schema(&binder(), "{\"elements\":[]}")?;
    w.binder_was_read(run, &binder(), true)?;
    w.binder_was_inaccessible(run, &binder())?;
    let (parent, segment) = (FolderId::parse("p").ok(), Some("F".to_owned()));
    let folder = KnownFolder {
        id: FolderId::parse("f").unwrap(),
        parent,
        name: "F/".to_owned(),
        segment,
        known: true,
        asked_at: 9,
    };
    w.upsert_folder(&binder(), &folder)?;
    let text = |text: &str| Some(text.to_owned());
    let failure = Failure {
        document_id: text("failed"),
        binder_id: text("binder"),
        version_id: text("w"),
        file_name: text("x"),
        error: "e".to_owned(),
        trace_id: text("t"),
        attempts: 2,
        ..Failure::default()
    };
    w.record_failure(run, &failure)?;
    w.hold_back(run, &other, &version(), &hash(1), clock)?;
    w.accept_for_now(&Provisional {
        document: doc.clone(),
        version: version(),
        sha256: hash(7),
        accepted_at: clock,
        passed: 1,
    })?;
    w.acknowledge(run, &other, &version())?;
    w.withhold(run, &doc, false)?;
    w.confirm_removal(run, GUID)?;
    w.0.execute_batch("INSERT INTO folded_ids VALUES ('lower-case')")?;
    w.found_version(run, &intent, &crate::model::Outgoing { stamp, sha256: hash(2) })?;
    w.found_version(run, &intent, &crate::model::Outgoing { stamp, sha256: hash(3) })?;
    let number: i64 = w.0.query_row("SELECT max(number) FROM past_versions", [], |row| row.get(0))?;
    let past = Past { number, document: doc, binder: binder(), ended_at: 1, object: hash(3), is_version: false };
    w.free(run, &past)?;
    w.set("rate", "1")?;
    w.set("adopting", "lost")?;
    w.set("catalogue", "{}")?;
    w.changed(run)
}

/// A state with rows in all tables, and with a history.
fn made(folder: &Path, story: &[Vec<(usize, crate::state::history_tests::Event)>]) -> PathBuf {
    let path = folder.join("from.db");
    let state = State::open(&path, false).unwrap();
    let begin = || state.write(|w| w.begin_run(jiff::Timestamp::UNIX_EPOCH, "run")).unwrap().number;
    state.bind(&OrganisationId::parse(GUID).unwrap()).unwrap();
    let first = begin();
    let next = begin();
    state.write(|w| fill(w, first)).unwrap();
    let changes = Some("{\"documents\":{}}");
    let end = RunEnd { outcome: "complete", whole: true, complete: true, changes };
    state.write(|w| w.end_run(next, &end)).unwrap();
    let run = begin();
    state.write(|w| w.begin_purge(run, &document(ERASED))).unwrap();
    let purge = state.read(|r| r.purges()).unwrap().remove(0);
    state.write(|w| w.forget_document(&purge)).unwrap();
    state.end_purge(&purge).unwrap();
    let mut tree = Tree::new();
    for events in story {
        let run = begin();
        state.write(|w| events.iter().try_for_each(|(n, event)| play(w, run, &mut tree, *n, event))).unwrap();
    }
    path
}

type Rows = BTreeSet<String>;

/// All rows of all tables.
fn rows(path: &Path) -> BTreeMap<String, Rows> {
    let connection = Connection::open(path).unwrap();
    let list = |query: &str| -> Vec<Vec<Value>> {
        let mut statement = connection.prepare(query).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect()).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let tables = list("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'");
    let names = tables.into_iter().map(|mut row| match row.remove(0) {
        Value::Text(name) => name,
        other => panic!("{other:?}"),
    });
    names
        .map(|name| {
            let rows = list(&format!("SELECT * FROM {name}"));
            let count = rows.len();
            let set: Rows = rows.into_iter().map(|row| format!("{row:?}")).collect();
            assert_eq!(set.len(), count);
            (name, set)
        })
        .collect()
}

fn import(from: &Path, into: &Path) -> Result<State, Error> {
    State::import(from, into, false, &path_key)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn an_imported_state_has_the_rows_of_its_source(story in story()) {
        let folder = tempfile::tempdir().unwrap();
        let from = made(folder.path(), &story);
        let into = folder.path().join("into.db");
        drop(import(&from, &into).unwrap());
        let (mut wanted, found) = (rows(&from), rows(&into));
        for left_out in ["intents", "partials", "unlinks"] {
            prop_assert!(!wanted[left_out].is_empty());
            wanted.insert(left_out.to_owned(), Rows::new());
        }
        let settings = wanted.get_mut("settings").unwrap();
        prop_assert_eq!(settings.len(), 7);
        settings.retain(|row| !["rate", "adopting", "catalogue"].iter().any(|key| row.contains(key)));
        // Confirmations were for the old machine.
        let (withheld, unconfirmed) = (wanted.remove("withheld").unwrap(), found["withheld"].clone());
        let confirmed = withheld.first().unwrap().replace("Integer(1)]", "Null]");
        prop_assert_eq!(unconfirmed.first(), Some(&confirmed));
        wanted.insert("withheld".to_owned(), unconfirmed);
        prop_assert!(wanted.iter().all(|(name, rows)| !rows.is_empty() || ["intents", "partials", "unlinks"].contains(&name.as_str())
            || ["past_places"].contains(&name.as_str())), "{:?}", wanted);
        prop_assert_eq!(found, wanted);
        // It is like any other state.
        let condition = crate::state::examine(&into, crate::state::CheckLevel::Full).unwrap();
        prop_assert_eq!(condition, crate::state::Condition::AtRest);
        // And nothing else is left there.
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_file_contains_it_is_refused_or_a_sound_state(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let from = made(folder.path(), &[]);
        with_bytes(&from, |bytes| {
            for (at, byte) in &flips {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
        });
        let into = folder.path().join("into.db");
        match import(&from, &into) {
            Ok(state) => {
                drop(state);
                crate::state::examine(&into, crate::state::CheckLevel::Full).unwrap();
            }
            Err(Error::Import { .. } | Error::Newer) => prop_assert!(!into.exists()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

fn with_sql(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// Imports a changed state; nothing may be left of it.
fn refused(what: &str, damage: impl FnOnce(&Path)) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let from = made(folder.path(), &[]);
    damage(&from);
    let into = folder.path().join("new").join("into.db");
    std::fs::create_dir(folder.path().join("new")).unwrap();
    let error = import(&from, &into).map(drop).expect_err(what);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("new")).unwrap().collect();
    assert!(left.is_empty(), "{what}: {left:?}");
    error
}

#[test]
fn rows_that_no_state_has_are_refused() {
    #[rustfmt::skip]
    let table = [
        // Paths.
        ("UPDATE documents SET path = '../x'",                          "row 1 of documents: path is \"../x\""),
        ("UPDATE documents SET path = '/etc/passwd'",                   "row 1 of documents: path is"),
        ("UPDATE documents SET path = 'a//b'",                          "row 1 of documents: path is"),
        ("UPDATE documents SET path = '.ibinder-sync/state.db'",        "row 1 of documents: path is"),
        ("UPDATE documents SET path = '.IBinder-SYNC/state.db'",        "row 1 of documents: path is"),
        ("UPDATE documents SET path = '.ibinder-ſync/state.db'",        "row 1 of documents: path is"),
        ("UPDATE documents SET path = 'a' || char(0) || 'b'",           "row 1 of documents: path is"),
        ("UPDATE documents SET path = 'a' || char(27) || 'b'",          "row 1 of documents: path is"),
        ("UPDATE documents SET path = ''",                              "row 1 of documents: path is"),
        ("UPDATE documents SET path = CAST(x'ff41' AS TEXT)",           "row 1 of documents: path is no text"),
        ("UPDATE documents SET path = x'41'",                           "path is blob instead of text"),
        ("UPDATE past_versions SET path = '../x' WHERE number = 2",     "row 2 of past_versions: path is"),
        ("INSERT INTO past_places VALUES (7, 'd', 'b', NULL, 'n', '../x', 1, 2)", "row 7 of past_places: path is"),
        ("UPDATE binders SET segment = 'a/b'",                          "row 1 of binders: segment is"),
        ("UPDATE binders SET segment = '..'",                           "row 1 of binders: segment is"),
        ("UPDATE folders SET segment = 'a/b'",                          "row 1 of folders: segment is"),
        // Two documents at one path, whatever their keys say, and a file above a file.
        ("INSERT INTO documents SELECT 2, 'x', binder, folder, file_name, 'BINDER/å.PDF', 'else', version, size, sha256, inode, mtime,
            metadata_hash, 1, 1, 1, 1 FROM documents",                  "row 2 of documents: UNIQUE constraint failed: documents.path_key"),
        ("INSERT INTO documents SELECT 2, 'x', binder, folder, file_name, 'Binder/Å.pdf/b', 'else', version, size, sha256, inode, mtime,
            metadata_hash, 1, 1, 1, 1 FROM documents",                  "row 1 of documents: path \"Binder/Å.pdf\" is a file and a folder"),
        ("INSERT INTO binders SELECT 'x', name, 'BINDER', 'else', 1, NULL, 1, NULL, NULL, NULL, NULL FROM binders", "binders.segment_key"),
        // Numbers.
        ("UPDATE documents SET size = -3",                              "row 1 of documents: size is -3"),
        ("UPDATE documents SET size = 'x'",                             "size is text instead of a number"),
        ("UPDATE documents SET size = 1.5",                             "size is real instead of a number"),
        ("UPDATE documents SET number = 0",                             "row 0 of documents: number is 0"),
        ("UPDATE documents SET number = 9223372036854775807",           "number is 9223372036854775807"),
        ("UPDATE documents SET version_run = 4",                        "version_run is 4"),
        ("UPDATE documents SET version_run = 0",                        "version_run is 0"),
        ("UPDATE past_versions SET ended_run = 9223372036854775807",    "ended_run is 9223372036854775807"),
        ("UPDATE documents SET mirrored_at = 9223372036854775807",      "mirrored_at is 9223372036854775807"),
        ("UPDATE runs SET number = 9223372036854775807 WHERE number = 2", "number is 9223372036854775807"),
        ("UPDATE runs SET started_at = -9223372036854775808",           "row 1 of runs: started_at is"),
        ("UPDATE runs SET whole = 2",                                   "whole is 2"),
        ("UPDATE past_versions SET version_size = -1",                  "version_size is -1"),
        // Hashes, ids and texts.
        ("UPDATE documents SET sha256 = x'00'",                         "sha256 has 1 bytes instead of 32"),
        ("UPDATE documents SET sha256 = '00'",                          "sha256 is text instead of 32 bytes"),
        ("UPDATE documents SET metadata_hash = zeroblob(9)",            "metadata_hash has 9 bytes instead of 8"),
        ("UPDATE past_versions SET held_sha256 = zeroblob(31)",         "held_sha256 has 31 bytes"),
        ("UPDATE documents SET id = ''",                                "id is \"\""),
        ("UPDATE documents SET id = '3F2A91C0-5E1D-4C47-9A05-0D6A2B9F1E77'", "id is \"3F2A91C0"),
        ("UPDATE documents SET version = 'a' || char(10)",              "version is \"a\\n\""),
        ("UPDATE documents SET binder = '..'",                          "binder is \"..\""),
        ("UPDATE metadata SET json = '{'",                              "row 1 of metadata: json is \"{\""),
        ("UPDATE binders SET schema = zeroblob(20000000)",              "of binders: string or blob too big"),
        ("UPDATE runs SET id = '../000001' WHERE number = 1",           "row 1 of runs: id is \"../000001\""),
        ("UPDATE runs SET id = '000001-19700101T000000Z/..' WHERE number = 1", "row 1 of runs: id is"),
        ("UPDATE past_versions SET cause = 'moved'",                    "cause is \"moved\""),
        ("UPDATE purges SET fingerprint = x''",                         "fingerprint has 0 bytes"),
        ("INSERT INTO purges VALUES (9, 1, 'd', zeroblob(32), 1, NULL)", "row 9 of purges: fingerprint is not that of its document"),
        ("UPDATE settings SET value = '4' WHERE key = 'changed_run'",   "of settings: changed_run is \"4\""),
        ("UPDATE settings SET value = ' 1' WHERE key = 'complete_run'", "of settings: complete_run is"),
        ("UPDATE settings SET value = '' WHERE key = 'organisation'",   "of settings: organisation is"),
    ];
    for (sql, words) in table {
        let error = refused(sql, |path| with_sql(path, sql));
        let text = error.to_string();
        assert!(text.starts_with("the state from the copy can't be used: ") && text.contains(words), "{sql}: {text}");
        assert_eq!(error.kind(), ErrorKind::Damaged, "{sql}");
    }
}

fn with_bytes(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn files_that_are_no_states_are_refused() {
    const TABLES: &str = "its tables are not those of a state";
    type Damage = fn(&Path);
    #[rustfmt::skip]
    let table: [(&str, Damage, &str); 14] = [
        ("a trigger",          |path| with_sql(path, "CREATE TRIGGER t AFTER INSERT ON runs BEGIN SELECT 1; END"), TABLES),
        ("a view",             |path| with_sql(path, "DROP TABLE suspects; CREATE VIEW suspects AS SELECT 1"), TABLES),
        ("a view as a table",  |path| with_sql(path, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE VIEW documents AS SELECT 1', rootpage = 0 WHERE name = 'documents'"), "schema"),
        ("a generated column", |path| with_sql(path, "ALTER TABLE documents ADD COLUMN x AS (size + 1)"), TABLES),
        ("a check",            |path| with_sql(path, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'INTEGER NOT NULL', 'INTEGER NOT NULL CHECK (1)')"), TABLES),
        ("a collation",        |path| with_sql(path, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'TEXT PRIMARY KEY', 'TEXT COLLATE NOCASE PRIMARY KEY')"), TABLES),
        ("a virtual table",    |path| with_sql(path, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE documents USING fts3(a)', rootpage = 0 WHERE name = 'documents'"), "schema"),
        ("a table of others",  |path| with_sql(path, "CREATE TABLE mine (x)"), TABLES),
        ("an older schema",    |path| with_sql(path, "DROP TABLE withheld; PRAGMA user_version = 5"), "its schema has version 5"),
        ("no schema",          |path| { std::fs::remove_file(path).unwrap(); with_sql(path, "VACUUM"); }, "its schema has version 0"),
        ("text",               |path| with_bytes(path, |bytes| bytes.fill(b'x')), "not a database"),
        ("half a page",        |path| with_bytes(path, |bytes| bytes.truncate(bytes.len() - 100)), "its last page is truncated"),
        ("fewer pages",        |path| with_bytes(path, |bytes| bytes.truncate(4096 * 3)), "malformed"),
        ("damaged pages",      |path| with_bytes(path, |bytes| bytes[4096..].fill(0xa5)), "malformed"),
    ];
    for (what, damage, words) in table {
        let error = refused(what, damage);
        assert!(matches!(error, Error::Import { .. }) && error.to_string().contains(words), "{what}: {error}");
    }
    let newer = refused("a newer schema", |path| with_sql(path, "PRAGMA user_version = 99"));
    assert!(matches!(newer, Error::Newer), "{newer}");
    let link = refused("a link", |path| {
        std::fs::rename(path, path.with_extension("real")).unwrap();
        std::os::unix::fs::symlink(path.with_extension("real"), path).unwrap();
    });
    assert!(matches!(link, Error::NotAFile(_)), "{link}");
}

#[test]
fn nothing_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let from = made(folder.path(), &[]);
    let into = folder.path().join("into.db");
    std::fs::write(&into, "mine").unwrap();
    assert!(matches!(import(&from, &into), Err(Error::Scratch(..))));
    assert_eq!(std::fs::read(&into).unwrap(), b"mine");
}

#[test]
fn an_erasure_that_was_begun_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let from = made(folder.path(), &[]);
    let state = State::open(&from, false).unwrap();
    state.write(|w| w.begin_purge(3, &document(GUID))).unwrap();
    drop(state);
    let into = folder.path().join("into.db");
    let state = import(&from, &into).unwrap();
    assert_eq!(state.read(|r| r.document(&document(GUID))).unwrap(), None);
    assert_eq!(state.read(|r| r.purges()).unwrap(), []);
    let erased = state.read(|r| r.purged()).unwrap();
    assert!([GUID, ERASED].iter().all(|id| erased.contains(&fingerprint(&document(id)))));
    drop(state);
    let bytes = std::fs::read(&into).unwrap();
    let contains = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    // The organisation has the same id in these tests.
    assert!(contains("Binder") && !contains("Å.pdf") && !contains("\"a\":1"));
}

#[test]
fn a_state_can_be_imported_into_a_network_share() {
    let folder = tempfile::tempdir().unwrap();
    let from = made(folder.path(), &[]);
    let state = State::import(&from, &folder.path().join("into.db"), true, &path_key).unwrap();
    state.write(|w| w.changed(3)).unwrap();
    assert!(!folder.path().join("into.db-wal").exists());
}
