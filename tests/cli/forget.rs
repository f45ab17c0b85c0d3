//! `binders forget`: what it refuses, what it asks, and its effect on the status.

use ibinder_sync::sandbox::Organisation;
use serde_json::Value;

use crate::program::{Done, Program, bare, finish};

/// Two binders; the first has three documents.
fn two_binders() -> (Program, String) {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    for n in 0..3 {
        o.add_document(&binder, None, &format!("{n}.txt"), format!("bytes {n}")).unwrap();
    }
    let other = o.add_binder("Brf Linden");
    o.add_document(&other, None, "a.txt", "bytes").unwrap();
    let program = Program::new(o);
    program.run(&[]).expect(0);
    (program, binder)
}

fn forget(program: &Program, flags: &[&str]) -> Done {
    finish(bare(&["binders", "forget", "--dest"]).arg(&program.dest).args(flags))
}

fn status(program: &Program) -> Value {
    finish(bare(&["status", "--json", "--dest"]).arg(&program.dest)).json()["status"].clone()
}

#[test]
fn a_readable_binder_is_not_forgotten() {
    let (program, id) = two_binders();
    for flags in [&[id.as_str(), "--yes"][..], &[&id]] {
        let done = forget(&program, flags).says(2, "nothing was removed");
        assert!(done.err.contains("\"Brf Eken\"") && done.err.contains("--force"), "{}", done.err);
    }
    forget(&program, &[&id, "--force"]).says(2, "needs --yes");
    assert!(program.dest.join("Brf Eken/0.txt").exists());
    assert_eq!(status(&program)["space"]["documents"], 4);
    program.run(&["--json"]).expect(0);
    forget(&program, &[&id, "--force", "--yes"]).expect(0);
    assert!(!program.dest.join("Brf Eken").exists());
    // iBinder still lists it: the next run brings it back.
    assert_eq!(program.run(&["--json"]).expect(0).json()["documents"]["added"], 3);
}

#[test]
fn a_lost_binder_is_forgotten_and_leaves_the_status() {
    let (program, id) = two_binders();
    program.sandbox.with_organisation(|o| o.hide_binder(&id)).unwrap();
    program.run(&[]).expect(4);
    forget(&program, &[&id]).says(2, "needs --yes");
    assert!(program.dest.join("Brf Eken/0.txt").exists());
    let copy = program.beside("status.json");
    let mut command = bare(&["binders", "forget", &id, "--yes", "--dest"]);
    let done = finish(command.arg(&program.dest).env("IBINDER_STATUS_FILE", &copy)).expect(0);
    assert!(done.out.contains("3 files were removed from the tree"), "{}", done.out);
    let space = status(&program)["space"].clone();
    assert_eq!((&space["documents"], &space["tree_bytes"], &space["objects"]), (&1.into(), &5.into(), &3.into()));
    let copied: Value = serde_json::from_slice(&std::fs::read(copy).unwrap()).unwrap();
    assert_eq!(copied["space"], space);
    program.run(&[]).expect(0);
}

#[test]
fn its_withheld_removals_are_cleared() {
    let (program, id) = two_binders();
    program.sandbox.with_organisation(|o| {
        let gone: Vec<_> = o.documents().into_iter().filter(|d| d.binder == id).map(|d| d.id).collect();
        for id in &gone {
            o.remove_document(id).unwrap();
        }
    });
    let report = program.run(&["--json"]).expect(7).json();
    let warning = report["warnings"][0].as_str().unwrap();
    assert!(warning.contains(&format!("binders forget {id} --force")), "{warning}");
    assert_eq!(status(&program)["waiting"]["withheld"], 3);
    forget(&program, &[&id, "--force", "--yes"]).expect(0);
    assert_eq!(status(&program)["waiting"]["withheld"], 0);
}
