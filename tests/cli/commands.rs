//! `binders`, `demo` and `sandbox`.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use ibinder_sync::sandbox::{Generated, Organisation, Route};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Program, bare, finish};

#[test]
fn a_binder_is_let_go() {
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
    binders(&["forget", "unknown00"]).says(2, "knows no binder");
    program.sandbox.with_organisation(|o| {
        o.hide_binder(&id).unwrap();
        o.add_binder("Brf Linden");
    });
    program.run(&[]).says(7, "nothing was written");
    assert!(program.dest.join("Brf Eken/0.txt").exists());
    let done = binders(&["forget", &id]).expect(0);
    assert!(done.out.contains("3 files left the tree"), "{}", done.out);
    assert!(!program.dest.join("Brf Eken").exists());
    program.run(&[]).expect(0);
    // It can be seen again, and comes back from what is held.
    program.sandbox.with_organisation(|o| o.show_binder(&id)).unwrap();
    let blobs = program.sandbox.count(Route::Blob);
    program.run(&[]).expect(0);
    assert_eq!(program.sandbox.count(Route::Blob), blobs);
    assert_eq!(fs::read(program.dest.join("Brf Eken/2.txt")).unwrap(), b"bytes 2");
}

#[test]
fn binders_needs_a_mirror() {
    let folder = tempfile::tempdir().unwrap();
    finish(&mut bare(&["binders"])).says(2, "--dest");
    finish(bare(&["binders", "--dest"]).arg(folder.path())).says(2, "holds no mirror");
    finish(bare(&["binders", "forget", "x", "--dest"]).arg(folder.path().join("none"))).says(2, "holds no mirror");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_demo_mirrors_and_day_2_brings_what_it_changed() {
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
    // The lines are there when it serves.
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
