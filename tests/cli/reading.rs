//! Commands that only read: they read the state in place, and leave no files behind.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use crate::program::{Done, Program, bare, finish};

/// Everything in the state folder but the note of `verify`.
fn everything(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything(&path));
        } else if !path.ends_with("status.json") && !path.ends_with("last-verify.json") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn state(program: &Program) -> PathBuf {
    program.dest.join(".ibinder-sync/state.db")
}

/// A command without a temporary folder.
fn read(program: &Program, command: &[&str]) -> Done {
    finish(bare(&command[..1]).arg("--dest").arg(&program.dest).args(&command[1..]).env("TMPDIR", "/nowhere/at/all"))
}

/// Each command that reads, without a temporary folder.
fn read_all(program: &Program) -> Vec<Done> {
    let to = tempfile::tempdir().unwrap();
    let (out, csv, bag) = (to.path().join("out"), to.path().join("catalogue.csv"), to.path().join("bag"));
    let commands: [&[&str]; 11] = [
        &["ls"],
        &["ls", "--at", "1"],
        &["snapshots"],
        &["binders"],
        &["history", "Brf Eken/0.txt"],
        &["export", "--format", "csv", "--to", csv.to_str().unwrap()],
        &["restore", "--at", "1", "--to", out.to_str().unwrap()],
        &["handover", "--to", bag.to_str().unwrap()],
        &["verify"],
        &["status"],
        &["changes"],
    ];
    let before = everything(&program.dest.join(".ibinder-sync"));
    let done = commands.map(|command| {
        let done = read(program, command).expect(0);
        let after = everything(&program.dest.join(".ibinder-sync"));
        assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{command:?}");
        assert!(after == before, "{command:?} changed a file of the state");
        done
    });
    done.into()
}

/// Commits as a run does that is killed next: the change is only in the journal.
fn commit_and_die(state: &Path, statement: &str) {
    let away = tempfile::tempdir().unwrap();
    let copy = away.path().join("state.db");
    fs::copy(state, &copy).unwrap();
    let connection = Connection::open(&copy).unwrap();
    connection.execute_batch("PRAGMA wal_autocheckpoint = 0").unwrap();
    connection.execute(statement, []).unwrap();
    for suffix in ["-wal", "-shm"] {
        let part = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        fs::copy(part(&copy), part(state)).unwrap();
    }
}

#[test]
fn reading_leaves_nothing_behind_and_needs_no_temporary_folder() {
    let program = Program::with_documents(3);
    program.run(&[]).expect(0);
    read_all(&program);
}

#[test]
fn commits_of_a_killed_run_are_read_and_stay_in_the_journal() {
    let program = Program::with_documents(3);
    program.run(&[]).expect(0);
    commit_and_die(&state(&program), "UPDATE binders SET name = 'Brf Tallen'");
    let done = read_all(&program);
    assert!(done[3].out.contains("Brf Tallen"), "{}", done[3].out);
}

#[test]
fn a_journal_without_its_index_is_read_from_a_temporary_copy() {
    let program = Program::with_documents(3);
    program.run(&[]).expect(0);
    commit_and_die(&state(&program), "UPDATE binders SET name = 'Brf Tallen'");
    fs::remove_file(state(&program).with_file_name("state.db-shm")).unwrap();
    let before = everything(&program.dest.join(".ibinder-sync"));
    let done = finish(bare(&["binders", "--dest"]).arg(&program.dest)).expect(0);
    assert!(done.out.contains("Brf Tallen"), "{}", done.out);
    read(&program, &["binders"]).says(2, "/nowhere/at/all").says(2, "TMPDIR");
    assert!(everything(&program.dest.join(".ibinder-sync")) == before, "it changed a file of the state");
}

#[test]
fn an_exclusively_locked_state_is_read_from_its_newest_copy() {
    let program = Program::with_documents(3);
    program.run(&[]).expect(0);
    let holder = Connection::open(state(&program)).unwrap();
    // As a run does on a network share.
    holder.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE; BEGIN EXCLUSIVE").unwrap();
    let done = read(&program, &["ls", "-R"]).expect(0);
    assert_eq!(done.out.lines().count(), 3, "{}", done.out);
    assert!(done.err.contains("copies/000001-") && done.err.contains("min ago)"), "{}", done.err);
    // A check must compare with data newer than its reads.
    read(&program, &["verify"]).says(5, "another command has locked the state database");
    fs::remove_dir_all(program.dest.join(".ibinder-sync/copies")).unwrap();
    read(&program, &["ls"]).says(5, "another command has locked the state database");
}

#[test]
fn a_state_without_the_newest_indexes_is_read_in_place() {
    let program = Program::with_documents(3);
    program.run(&[]).expect(0);
    let connection = Connection::open(state(&program)).unwrap();
    connection
        .execute_batch(
            "DROP INDEX documents_by_size; DROP INDEX past_versions_by_path; DROP INDEX past_places_by_path;
             DROP TABLE withheld;
             PRAGMA user_version = 4",
        )
        .unwrap();
    drop(connection);
    read_all(&program);
}

#[test]
fn a_state_of_an_older_version_is_read_before_the_first_run_of_the_new_one() {
    let program = Program::with_documents(3);
    program.run(&[]).expect(0);
    fs::remove_file(state(&program)).unwrap();
    let connection = Connection::open(state(&program)).unwrap();
    for migration in [
        include_str!("../../migrations/0001_mirror.sql"),
        include_str!("../../migrations/0002_proof.sql"),
        include_str!("../../migrations/0003_listings.sql"),
    ] {
        connection.execute_batch(migration).unwrap();
    }
    connection.execute_batch("PRAGMA user_version = 3; PRAGMA journal_mode = WAL").unwrap();
    connection
        .execute(
            "INSERT INTO binders (id, name, segment, segment_key, listed_run) VALUES ('B', 'Brf Tallen', 'x', 'x', 1)",
            [],
        )
        .unwrap();
    drop(connection);
    let before = everything(&program.dest.join(".ibinder-sync"));
    let done = finish(bare(&["binders", "--dest"]).arg(&program.dest)).expect(0);
    assert!(done.out.contains("Brf Tallen"), "{}", done.out);
    assert!(everything(&program.dest.join(".ibinder-sync")) == before, "it changed a file of the state");
}
