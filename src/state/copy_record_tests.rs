use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use rusqlite::{Connection, params};

use super::{Content, ContentTotals, CopyHead, CopyRecord, Error, State, VersionRow};
use crate::model::Sha256;

fn sha(n: u8) -> Sha256 {
    Sha256::new([n; 32])
}

/// A document or an old version with a content: a path, and whether it is an old version.
type Row = (u8, u8, bool);

/// A state with these rows. A content's size is its number.
fn snapshot(folder: &Path, rows: &[Row]) -> PathBuf {
    let path = folder.join("state.db");
    drop(State::open(&path, false).unwrap());
    let writer = Connection::open(&path).unwrap();
    for (n, (content, place, is_old)) in rows.iter().enumerate() {
        let (hash, id, path) =
            (sha(*content).as_bytes().to_vec(), format!("document-{n}"), format!("b/{place:03}-{n}"));
        let query = if *is_old {
            "INSERT INTO past_versions (document, version, binder, file_name, path, sha256, held_sha256, size, mtime, place_run,
                 first_run, mirrored_at, ended_run, ended_at, cause)
             VALUES (?1, 'v', 'b', 'x', ?2, ?3, ?3, ?4, 0, 1, 1, 1, 2, 2, 'replaced')"
        } else {
            "INSERT INTO documents (id, binder, file_name, path, path_key, version, size, sha256, inode, mtime, first_run,
                 version_run, place_run, mirrored_at)
             VALUES (?1, 'b', 'x', ?2, ?2, 'v', ?4, ?3, 1, 1, 1, 1, 1, 1)"
        };
        writer.execute(query, params![id, path, hash, content]).unwrap();
    }
    // Contents that nobody has any more.
    writer
        .execute_batch(&format!(
            "INSERT INTO past_versions (document, version, binder, file_name, path, sha256, size, mtime, place_run, first_run,
                 mirrored_at, ended_run, ended_at, cause)
             VALUES ('gone', 'v', 'b', 'x', 'b/gone', x'{}', 9, 0, 1, 1, 1, 2, 2, 'removed')",
            sha(255).hex()
        ))
        .unwrap();
    path
}

#[test]
fn what_a_copy_names_is_read_from_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [(1, 2, false), (1, 1, true), (2, 3, true), (2, 4, true), (3, 5, false)];
    let path = snapshot(folder.path(), &rows);
    with_sql(&path, "UPDATE past_versions SET document = 'a' WHERE document = 'document-3'");
    let edited = "UPDATE past_versions SET sha256 = zeroblob(32), version_size = 40 WHERE document = 'document-2'";
    with_sql(&path, edited);
    let state = State::open(&path, false).unwrap();
    let mut held = Vec::new();
    let each = |row: VersionRow| {
        let ended = row.ended.map(|ended| (ended.run, ended.at, ended.cause));
        held.push((row.document.to_string(), row.path.to_string(), row.size, row.held, row.first_run, ended));
        Ok::<_, Error>(())
    };
    state.read(|r| r.each_held_version(each)).unwrap();
    let row = |document: &str, path: &str, size: u64, n: u8| {
        let ended = Some((2, 2, "replaced".to_owned()));
        (document.to_owned(), path.to_owned(), size, Some((sha(n), u64::from(n))), 1, ended)
    };
    // The size of a version whose file was edited is not that of the bytes that are kept.
    let wanted = [row("a", "b/004-3", 2, 2), row("document-1", "b/001-1", 1, 1), row("document-2", "b/003-2", 40, 2)];
    assert_eq!(held, wanted);
    let uses = |contents: &[u8]| -> Vec<(u8, String, String, bool)> {
        let contents = contents.iter().map(|n| sha(*n)).collect();
        let uses = state.read(|r| r.uses_of(&contents)).unwrap();
        uses.into_iter()
            .map(|found| {
                (found.sha256.as_bytes()[0], found.document.to_string(), found.path.to_string(), found.is_current)
            })
            .collect()
    };
    let one = |n, document: &str, path: &str, is_current| (n, document.to_owned(), path.to_owned(), is_current);
    assert_eq!(uses(&[1]), [one(1, "document-1", "b/001-1", false), one(1, "document-0", "b/002-0", true)]);
    let wanted =
        [one(2, "document-2", "b/003-2", false), one(2, "a", "b/004-3", false), one(3, "document-4", "b/005-4", true)];
    assert_eq!(uses(&[2, 3, 77]), wanted);
    assert_eq!(uses(&[0, 255]), []);
}

fn lacking(record: &CopyRecord, snapshot: &Path) -> Vec<Content> {
    let mut found = Vec::new();
    record
        .lacking(snapshot, &mut |content| {
            // As an upload does that has ended.
            record.add(&[content.sha256])?;
            found.push(content);
            Ok::<_, Error>(())
        })
        .unwrap();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn each_content_that_the_copy_lacks_comes_once(
        rows in prop::collection::vec((0..12_u8, any::<u8>(), any::<bool>()), 0..30),
        known in prop::collection::btree_set(0..20_u8, 0..10),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = snapshot(folder.path(), &rows);
        let record = CopyRecord::open(&folder.path().join("replica.db")).unwrap();
        record.add(&known.iter().map(|n| sha(*n)).collect::<Vec<_>>()).unwrap();
        // The first path of each content in the tree.
        let mut paths: BTreeMap<u8, Option<String>> = BTreeMap::new();
        for (n, (content, place, is_old)) in rows.iter().enumerate().filter(|(_, row)| !known.contains(&row.0)) {
            let path = (!is_old).then(|| format!("b/{place:03}-{n}"));
            let first = paths.entry(*content).or_insert(None);
            *first = [first.take(), path].into_iter().flatten().min();
        }
        let bytes = paths.keys().map(|n| u64::from(*n)).sum();
        let totals = ContentTotals { contents: paths.len() as u64, bytes };
        prop_assert_eq!(record.lacking_totals(&snapshot).unwrap(), totals);
        let found = lacking(&record, &snapshot);
        let listed: BTreeMap<u8, Option<String>> =
            found.iter().map(|c| (c.sha256.as_bytes()[0], c.path.as_ref().map(ToString::to_string))).collect();
        prop_assert_eq!(found.len(), paths.len());
        prop_assert!(found.iter().all(|c| c.size == u64::from(c.sha256.as_bytes()[0])));
        let order: Vec<_> = found.iter().map(|c| (c.path.is_none(), c.path.clone())).collect();
        prop_assert!(order.is_sorted(), "{:?}", order);
        prop_assert_eq!(listed, paths);
        prop_assert_eq!(record.lacking_totals(&snapshot).unwrap(), ContentTotals::default());
        prop_assert!(lacking(&record, &snapshot).is_empty());
        // What the state doesn't name is forgotten.
        let named: BTreeSet<u8> = rows.iter().map(|row| row.0).collect();
        prop_assert_eq!(record.keep_only(&snapshot).unwrap(), known.difference(&named).count() as u64);
        for n in 0..20 {
            prop_assert_eq!(record.has(&sha(n)).unwrap(), named.contains(&n), "{}", n);
        }
    }
}

#[test]
fn an_error_of_the_caller_ends_the_pass() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = snapshot(folder.path(), &[(1, 1, false), (2, 2, false)]);
    let record = CopyRecord::open(&folder.path().join("replica.db")).unwrap();
    let mut calls = 0;
    let ended = record.lacking(&snapshot, &mut |_| {
        calls += 1;
        Err(Error::Busy)
    });
    assert!(matches!(ended, Err(Error::Busy)));
    assert_eq!(calls, 1);
}

#[test]
fn contents_are_listed_by_their_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let record = CopyRecord::open(&folder.path().join("replica.db")).unwrap();
    assert!(!record.has_any().unwrap());
    let hash = |start: u16, rest: u8| {
        let mut bytes = [rest; 32];
        bytes[..2].copy_from_slice(&start.to_be_bytes());
        Sha256::new(bytes)
    };
    let starts = [0, 1, 255, 256, 257, 0x7fff, 0xfffe, 0xffff];
    let all: Vec<Sha256> = starts.iter().flat_map(|start| [hash(*start, 0), hash(*start, 255)]).collect();
    record.add(&all).unwrap();
    assert!(record.has_any().unwrap());
    for range in [0..=0, 0..=1, 1..=255, 255..=256, 257..=0xfffe, 0xffff..=0xffff, 0..=0xffff, 300..=400] {
        let wanted: Vec<Sha256> =
            starts.iter().filter(|s| range.contains(*s)).flat_map(|s| [hash(*s, 0), hash(*s, 255)]).collect();
        let mut found = Vec::new();
        let each = &mut |content| {
            found.push(content);
            Ok::<_, Error>(())
        };
        record.between(&range, each).unwrap();
        assert_eq!(found, wanted, "{range:?}");
    }
    // More than are read at once; each one may be forgotten meanwhile.
    let many: Vec<Sha256> = (0..2500_u16).map(|n| hash(n, 7)).collect();
    record.add(&many).unwrap();
    let mut count = 0;
    let mut each = |content| {
        count += 1;
        record.forget(&content)
    };
    record.between(&(0..=0xffff), &mut each).unwrap();
    assert_eq!(count, all.len() + many.len());
    assert!(!record.has_any().unwrap());
}

fn head() -> CopyHead {
    CopyHead { number: 3, sha256: sha(3), mark: "a".to_owned(), committed_at: 5, run: 7, gaps: 1 }
}

#[test]
fn the_commit_and_notes_are_kept_until_the_record_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replica.db");
    let record = CopyRecord::open(&path).unwrap();
    assert_eq!((record.head().unwrap(), record.note("check").unwrap()), (None, None));
    record.set_note("check", "1").unwrap();
    record.set_note("check", "2").unwrap();
    record.set_head(&head()).unwrap();
    record.add(&[sha(1), sha(1), sha(2)]).unwrap();
    drop(record);
    let record = CopyRecord::open(&path).unwrap();
    assert_eq!(record.head().unwrap(), Some(head()));
    assert_eq!(record.note("check").unwrap().as_deref(), Some("2"));
    record.forget(&sha(1)).unwrap();
    assert_eq!((record.has(&sha(1)).unwrap(), record.has(&sha(2)).unwrap()), (false, true));
    record.forget_all().unwrap();
    assert_eq!((record.head().unwrap(), record.has_any().unwrap()), (None, false));
    assert_eq!(record.note("check").unwrap().as_deref(), Some("2"));
}

/// A record of several pages, damaged in one way.
fn damaged(folder: &Path, damage: fn(&Path)) -> PathBuf {
    let path = folder.join("replica.db");
    let record = CopyRecord::open(&path).unwrap();
    let many: Vec<Sha256> =
        (0..2000_u16).map(|n| Sha256::new([n.to_be_bytes(); 16].concat().try_into().unwrap())).collect();
    record.add(&many).unwrap();
    record.set_head(&head()).unwrap();
    drop(record);
    damage(&path);
    path
}

fn with_bytes(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

fn with_sql(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_record_that_cannot_be_used_begins_anew() {
    type Damage = fn(&Path);
    #[rustfmt::skip]
    let table: [(&str, Damage); 9] = [
        ("deleted",        |path| std::fs::remove_file(path).unwrap()),
        ("empty",          |path| with_bytes(path, Vec::clear)),
        ("no database",    |path| with_bytes(path, |bytes| bytes.fill(b'x'))),
        ("truncated",      |path| with_bytes(path, |bytes| bytes.truncate(9000))),
        ("a damaged page", |path| with_bytes(path, |bytes| bytes[4096 * 5..4096 * 6].fill(0xa5))),
        ("another format", |path| with_bytes(path, |bytes| bytes[44..48].fill(0x7f))),
        ("another schema", |path| with_sql(path, "ALTER TABLE contents ADD COLUMN size INTEGER")),
        ("a trigger",      |path| with_sql(path, "CREATE TRIGGER t AFTER DELETE ON notes BEGIN SELECT 1; END")),
        ("a journal",      |path| {
            with_bytes(path, |bytes| bytes.fill(b'x'));
            std::fs::write(path.with_extension("db-journal"), "x".repeat(5000)).unwrap();
        }),
    ];
    for (what, damage) in table {
        let folder = tempfile::tempdir().unwrap();
        let path = damaged(folder.path(), damage);
        let record = CopyRecord::open(&path).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((record.has_any().unwrap(), record.head().unwrap()), (false, None), "{what}");
        record.add(&[sha(1)]).unwrap();
        drop(record);
        assert!(CopyRecord::open(&path).unwrap().has(&sha(1)).unwrap(), "{what}");
    }
}

#[test]
fn what_is_not_a_file_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("replica.db"), folder.path().join("target"));
    std::fs::write(&target, "somebody's").unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert!(CopyRecord::open(&path).is_err());
    assert_eq!(std::fs::read(&target).unwrap(), b"somebody's");
}

#[test]
fn a_head_that_cannot_be_read_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let record = CopyRecord::open(&folder.path().join("replica.db")).unwrap();
    record.set_note("head", "{").unwrap();
    assert_eq!(record.head().unwrap(), None);
}
