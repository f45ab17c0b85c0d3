//! `plan` shows what `run` would do, and changes nothing.

use ibinder_sync::sandbox::{Organisation, Reply, Route};

use crate::program::{Program, snapshot};

#[test]
fn it_changes_nothing_and_is_right() {
    let program = Program::mirrored(30);
    let [revised, moved, removed] = program.sandbox.with_organisation(|o| {
        let documents = o.documents();
        let binder = documents[0].binder.clone();
        o.revise(&documents[3].id, "newer").unwrap();
        o.rename_document(&documents[4].id, "renamed.txt").unwrap();
        o.remove_document(&documents[5].id).unwrap();
        o.add_document(&binder, None, "new.txt", "new").unwrap();
        [3, 4, 5].map(|n: usize| documents[n].file_name.clone())
    });
    let before = snapshot(&program.dest);
    let done = program.plan(&[]).expect(0);
    let json = program.plan(&["--json"]).expect(0).json();
    let mut dry = program.run(&["--dry-run", "--json"]).expect(0).json();
    let after = snapshot(&program.dest);
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(after == before, "something was written to");
    for line in [
        "add     Brf Eken/new.txt\n".to_owned(),
        format!("update  Brf Eken/{revised}\n"),
        format!("move    Brf Eken/{moved} → Brf Eken/renamed.txt\n"),
        format!("remove  Brf Eken/{removed}\n"),
    ] {
        assert!(done.out.contains(&line), "{line:?} is not in: {}", done.out);
    }
    let end = "Plan: a run would add 1, update 1, move 1, remove 1. 30 documents in 1 binder, 27 unchanged.\n\
        Nothing was changed. ";
    assert!(done.out.contains(end) && !done.out.contains("Complete"), "{}", done.out);
    let ran = program.run(&["--json"]).expect(0).json();
    assert_eq!(json["documents"], ran["documents"]);
    assert_eq!(dry["documents"].take(), ran["documents"]);
    assert_eq!(program.plan(&["--json"]).expect(0).json()["documents"]["unchanged"], 30);
    let done = program.plan(&[]).expect(0);
    assert!(done.out.starts_with("Plan: a run would change nothing. 30 documents"), "{}", done.out);
}

#[test]
fn a_destination_may_be_relative() {
    let program = Program::mirrored(3);
    for arguments in [&["plan", "--rate", "0", "--dest", "mirror"][..], &["binders", "--dest", "./mirror"]] {
        let mut command = program.command(arguments);
        crate::program::finish(command.current_dir(program.beside(""))).expect(0);
    }
}

#[test]
fn it_makes_no_destination() {
    let program = Program::with_documents(3);
    let done = program.plan(&["--json"]).expect(0);
    assert_eq!(done.json()["documents"]["added"], 3);
    assert!(!program.dest.exists());
}

#[test]
fn the_cost_of_a_first_run_is_told() {
    let mut o = Organisation::empty();
    let binder = o.add_binder("Brf Eken");
    for n in 0..30 {
        o.add_document(&binder, None, &format!("{n}.bin"), vec![7; 1000]).unwrap();
    }
    let program = Program::new(o);
    let json = program.plan(&["--json"]).expect(0).json();
    let asked = json["requests"]["token"].as_u64().unwrap() + json["requests"]["api"].as_u64().unwrap();
    let first = |sample: serde_json::Value| {
        let rest = serde_json::json!({ "downloads": 30, "requests": asked + 30, "rate": null, "seconds": null });
        let mut first = rest;
        first["sample"] = sample;
        first
    };
    assert_eq!(json["first_run"], first(serde_json::Value::Null));
    assert_eq!(program.sandbox.count(Route::Blob), 0);
    let mut json = program.plan(&["--sample", "10", "--existing", "--json"]).expect(0).json();
    json["first_run"]["sample"]["seconds"].take();
    let sample = serde_json::json!({
        "documents": 10, "failed": 0, "bytes": 30_000, "bytes_at_least": 30_000, "bytes_at_most": 30_000,
        "disk_bytes": 30_000 + 30 * 4096, "seconds": null,
    });
    assert_eq!(json["first_run"], first(sample));
    assert_eq!(program.sandbox.count(Route::Blob), 10);
    assert_eq!(json["bytes"]["downloaded"], 0);
    program.sandbox.script(Route::DownloadLink, Reply::problem(404, "Not found").times(2));
    let told = program.plan(&["--sample", "5"]).expect(0).out;
    assert!(told.contains(&format!("First run: about {} requests.\n", asked + 30)), "{told}");
    assert!(told.contains("from 3 of 30 documents; 2 could not be opened. It takes at least "), "{told}");
    assert!(!program.dest.exists());
    // It is what the run then sends.
    let ran = program.run(&["--json"]).expect(0).json();
    assert_eq!(ran["requests"]["token"].as_u64().unwrap() + ran["requests"]["api"].as_u64().unwrap(), asked + 30);
    program.plan(&["--sample", "5"]).says(2, "already contains a mirror");
    assert!(program.plan(&["--json"]).expect(0).json().get("first_run").is_none());
}

#[test]
fn names_from_outside_are_escaped() {
    let program = Program::with_documents(1);
    program.sandbox.with_organisation(|o| {
        let binder = o.binders()[0].0.clone();
        o.rename_binder(&binder, "Brf \u{1b}[31mEken\u{7}\u{202e}").unwrap();
    });
    for done in [program.plan(&[]), program.run(&["-v"])] {
        let done = done.expect(0);
        assert!(!done.out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", done.out);
        assert!(!done.err.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", done.err);
    }
    let mut list = program.command(&["binders", "--dest"]);
    let done = crate::program::finish(list.arg(&program.dest)).expect(0);
    assert!(!done.out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", done.out);
}
