//! `binders`, `demo` and `sandbox`.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use ibinder_sync::sandbox::{Generated, Organisation, Reply, Route};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::{Program, bare, finish};

#[test]
fn a_binder_is_forgotten() {
    let program = Program::mirrored(3);
    let id = program.sandbox.with_organisation(|o| o.binders()[0].0.clone());
    let binders = |arguments: &[&str]| {
        let mut command = bare(&["binders"]);
        finish(command.arg("--dest").arg(&program.dest).args(arguments))
    };
    for list in [&[][..], &["list"]] {
        let done = binders(list).expect(0);
        assert!(done.out.contains(&id) && done.out.contains("Brf Eken"), "{}", done.out);
    }
    binders(&["forget", "unknown00"]).says(2, "has no binder");
    program.sandbox.with_organisation(|o| {
        o.hide_binder(&id).unwrap();
        o.add_binder("Brf Linden");
    });
    program.run(&[]).says(7, "nothing was written");
    assert!(program.dest.join("Brf Eken/0.txt").exists());
    let done = binders(&["forget", &id, "--force", "--yes"]).expect(0);
    assert!(done.out.contains("3 files were removed from the tree"), "{}", done.out);
    assert!(!program.dest.join("Brf Eken").exists());
    program.run(&[]).expect(0);
    // It becomes visible again, and is restored from the objects.
    program.sandbox.with_organisation(|o| o.show_binder(&id)).unwrap();
    let blobs = program.sandbox.count(Route::Blob);
    program.run(&[]).expect(0);
    assert_eq!(program.sandbox.count(Route::Blob), blobs);
    assert_eq!(fs::read(program.dest.join("Brf Eken/2.txt")).unwrap(), b"bytes 2");
}

#[test]
fn binders_are_listed_with_their_last_mirroring() {
    let program = Program::mirrored(3);
    let (hidden, other) = program.sandbox.with_organisation(|o| {
        let other = o.add_binder("Brf Linden");
        o.add_document(&other, None, "a.txt", "bytes").unwrap();
        (o.binders()[0].0.clone(), other)
    });
    program.run(&[]).expect(0);
    let list = || {
        let done = finish(bare(&["binders", "--json", "--dest"]).arg(&program.dest)).expect(0);
        let binders = done.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        binders.map(|b| (b["id"].as_str().unwrap().to_owned(), b)).collect::<BTreeMap<_, _>>()
    };
    let run = |binder: &Value| binder["mirrored_run"].as_str().unwrap()[..6].to_owned();
    let binders = list();
    assert_eq!((run(&binders[&hidden]), run(&binders[&other])), ("000002".to_owned(), "000002".to_owned()));
    assert_eq!((&binders[&hidden]["documents"], &binders[&hidden]["bytes"]), (&3.into(), &21.into()));
    program.sandbox.with_organisation(|o| o.hide_binder(&hidden)).unwrap();
    program.run(&[]).expect(4);
    // An unreadable listing says nothing about either.
    program.sandbox.script(Route::Search, vec![Reply::problem(400, "Bad")]);
    program.run(&[]).expect(4);
    let binders = list();
    assert_eq!((run(&binders[&hidden]), run(&binders[&other])), ("000002".to_owned(), "000003".to_owned()));
    let since = binders[&hidden]["inaccessible_since"].as_str().unwrap().to_owned();
    assert!(since.as_str() >= binders[&hidden]["mirrored_at"].as_str().unwrap());
    assert_eq!(binders[&other]["inaccessible_since"], Value::Null);
    let table = finish(bare(&["binders", "list", "--dest"]).arg(&program.dest)).expect(0).out;
    assert!(table.contains("Brf Eken  (not accessible since "), "{table}");
    program.sandbox.with_organisation(|o| o.show_binder(&hidden)).unwrap();
    program.run(&[]).expect(0);
    let binders = list();
    assert_eq!((run(&binders[&hidden]), &binders[&hidden]["inaccessible_since"]), ("000005".to_owned(), &Value::Null));
    finish(bare(&["binders", "--json", "forget", "x", "--dest"]).arg(&program.dest)).says(2, "--json is for the list");
}

#[test]
fn binders_needs_a_mirror() {
    let folder = tempfile::tempdir().unwrap();
    finish(&mut bare(&["binders"])).says(2, "--dest");
    finish(bare(&["binders", "--dest"]).arg(folder.path())).says(2, "contains no mirror");
    finish(bare(&["binders", "forget", "x", "--dest"]).arg(folder.path().join("none"))).says(2, "contains no mirror");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_demo_mirrors_and_day_2_brings_its_changes() {
    let folder = tempfile::tempdir().unwrap();
    let demo = |flags: &[&str]| {
        let mut command = bare(&["demo", "--json", "--dest"]);
        finish(command.arg(folder.path().join("mirror")).args(flags)).expect(0).json()["documents"].clone()
    };
    assert_eq!(demo(&[])["added"], 300);
    assert_eq!(demo(&[])["unchanged"], 300);
    let wanted = Generated { documents: 300, day: 2, ..Generated::default() };
    let changes = Organisation::generated(&wanted).day_changes();
    let day_2 = demo(&["--day", "2"]);
    let moved = changes.renamed + changes.moved + changes.below_renamed_folders;
    for (field, count) in
        [("updated", changes.revised), ("moved", moved), ("added", changes.added), ("removed", changes.removed)]
    {
        assert_eq!(day_2[field], count, "{field} of {day_2}: {changes:?}");
    }
    let again = demo(&["--day", "2"]);
    assert_eq!(again["unchanged"], again["seen"]);
}

#[test]
fn the_sandbox_serves_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (source, dest) = (folder.path().join("source"), folder.path().join("mirror"));
    fs::create_dir_all(source.join("Brf Eken/Avtal/El")).unwrap();
    fs::write(source.join("Brf Eken/Avtal/El/a.txt"), "a").unwrap();
    fs::write(source.join("Brf Eken/b.txt"), "b").unwrap();
    let mut sandbox = bare(&["sandbox", "--from"]).arg(&source).stdout(Stdio::piped()).spawn().unwrap();
    // The lines appear when it serves.
    let lines = BufReader::new(sandbox.stdout.take().unwrap()).lines().take(5).map(Result::unwrap);
    let environment: Vec<(String, String)> =
        lines.map(|line| line.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap()).collect();
    let mut run = bare(&["run", "--rate", "0", "--dest"]);
    let done = finish(run.arg(&dest).envs(environment));
    kill_process(Pid::from_raw(sandbox.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    let ended = sandbox.wait().unwrap();
    done.expect(0);
    assert!(ended.success(), "{ended}");
    assert_eq!(fs::read(dest.join("Brf Eken/Avtal/El/a.txt")).unwrap(), b"a");
    assert_eq!(fs::read(dest.join("Brf Eken/b.txt")).unwrap(), b"b");
}

/// A shell command under the lock.
fn with_lock(program: &Program, script: &str) -> std::process::Command {
    let mut command = bare(&["with-lock", "--dest"]);
    command.arg(&program.dest).args(["--", "/bin/sh", "-c", script]).env("PATH", std::env::var_os("PATH").unwrap());
    command
}

#[test]
fn nothing_changes_the_mirror_under_the_lock() {
    let program = Program::mirrored(3);
    let id = program.sandbox.with_organisation(|o| o.binders()[0].0.clone());
    let inside = format!(
        "{} binders forget {id} --force --yes --dest \"$IBINDER_SYNC_DEST\"; echo $?",
        env!("CARGO_BIN_EXE_ibinder-sync")
    );
    let done = finish(&mut with_lock(&program, &inside)).says(0, "another command is at work");
    assert_eq!(done.out.trim(), "5");
    program.run(&[]).expect(0);
}

#[test]
fn a_copy_made_under_the_lock_is_a_mirror() {
    let program = Program::mirrored(5);
    program.sandbox.with_organisation(|o| {
        let id = o.documents()[0].id.clone();
        o.revise(&id, "other bytes").unwrap();
    });
    program.run(&[]).expect(0);
    let copy = program.beside("copy");
    let script = format!(
        "test ! -s \"$IBINDER_SYNC_DEST\"/.ibinder-sync/state.db-wal && cp -a \"$IBINDER_SYNC_DEST\" '{}'",
        copy.display()
    );
    finish(&mut with_lock(&program, &script)).expect(0);
    let mut run = program.command(&["run", "--rate", "0", "--json", "--dest"]);
    let report = finish(run.arg(&copy)).expect(0).json();
    assert_eq!(report["documents"]["unchanged"], 5);
    assert_eq!(report["bytes"]["downloaded"], 0);
}

#[test]
fn the_code_of_a_command_under_the_lock_is_passed_on() {
    let program = Program::mirrored(1);
    finish(&mut with_lock(&program, "exit 42")).expect(42);
    finish(&mut with_lock(&program, "kill -9 $$")).expect(137);
    let mut none = bare(&["with-lock", "--dest"]);
    finish(none.arg(&program.dest).args(["--", "/no/such/program"])).says(2, "cannot be started");
    finish(bare(&["with-lock", "--dest"]).arg(program.beside("none")).args(["--", "true"]))
        .says(2, "contains no mirror");
}

#[test]
fn a_command_under_the_lock_keeps_it_when_the_program_is_killed() {
    use std::io::{BufRead as _, Write as _};
    let program = Program::mirrored(1);
    let mut outer = with_lock(&program, "echo started; read line; exit 0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = std::io::BufReader::new(outer.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let mut input = outer.stdin.take().unwrap();
    outer.kill().unwrap();
    outer.wait().unwrap();
    program.run(&[]).says(5, "another command is at work");
    input.write_all(b"end\n").unwrap();
    drop(input);
    // It has ended when another command gets the lock.
    std::fs::File::open(program.state("lock")).unwrap().lock().unwrap();
    program.run(&[]).expect(0);
}

#[cfg(target_os = "linux")]
#[test]
fn lost_output_is_an_error() {
    let program = Program::mirrored(2);
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [
        &["plan", "--json"][..],
        &["run", "--json"],
        &["snapshots"],
        &["ls"],
        &["ls", "--json"],
        &["verify", "--json"],
        &["binders"],
        &["status"],
        &["doctor"],
        &["man"],
    ] {
        let mut command = program.command(arguments);
        if arguments[0] != "man" {
            command.arg("--dest").arg(&program.dest);
        }
        let output = command.stdout(full()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("cannot write to standard output: No space left"), "{arguments:?}: {said}");
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
    }
}
